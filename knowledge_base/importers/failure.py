"""What a reader of documents says when it cannot."""

from core.errors import MingbaiError


class Unreadable(MingbaiError):
    """这个文件读不出来。"""
