"""An answer as WeChat's text: bubbles below each other, choices as digits, 2,048 bytes a message."""

from __future__ import annotations

from typing import Any

from channels.segment import WECHAT_BYTES, wechat_parts

CHOOSE = "回数字："


def parts_of(content: dict[str, Any]) -> list[str]:
    """The messages that an outbox message is sent as; none where there is nothing to say."""
    return wechat_parts(str(content["text"]) if "text" in content else spoken(content.get("replies", [])))


def spoken(replies: list[dict[str, Any]]) -> str:
    """The whole answer. Choices are those of the last bubble that has some: the assistant knows them by their numbers."""
    bubbles = [reply["text"] for reply in replies if reply["text"]]
    if not bubbles:
        return ""
    titles: list[dict[str, str]] = next((reply["buttons"] for reply in reversed(replies) if reply.get("buttons")), [])
    choices = [f"{place} {button['title']}" for place, button in enumerate(titles, 1)]
    return "\n\n".join(bubbles) + ("\n\n" + "\n".join([CHOOSE, *choices]) if choices else "")


def joined(texts: list[str]) -> tuple[str, list[str]]:
    """Several texts as one message, as many as it holds; and the parts that are left over."""
    parts = wechat_parts("\n\n".join(text for text in texts if text), WECHAT_BYTES)
    return (parts[0], parts[1:]) if parts else ("", [])
