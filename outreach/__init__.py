"""Outreach: who can be told something, who wants to be told, and telling them."""
