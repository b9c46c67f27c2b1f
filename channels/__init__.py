"""Channels: how messages come in and go out. One leaf folder a channel; this level holds what they share."""
