"""The assistant: Rasa's domain, rules and components, the actions, and the client to Rasa.

``components`` and ``tracker_store`` run inside Rasa (Python 3.10); everything else in the service (3.11+).
"""
