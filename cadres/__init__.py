"""Casework: what villagers reported, and who acts on it."""
