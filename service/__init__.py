"""Wiring: the FastAPI apps, the command line, the supervisor of Rasa, set-up. No domain logic."""
