"""The web channel: the chat's HTTP contract."""
