"""The root of the project's errors. A class's docstring is its default message, in the user's language."""

from __future__ import annotations


class MingbaiError(Exception):
    """出了点问题。"""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class ConfigurationError(Exception):
    """The deployment is set up wrongly. Outside MingbaiError, so that no catch-all hides it."""
