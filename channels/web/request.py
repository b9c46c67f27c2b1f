"""What a message looks like when it comes over the web: its fields, checked by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from channels.voice import Audio
from core.errors import MingbaiError

TEXT_LIMIT = 20_000  # read for danger and kept in the journal; the dialogue reads less
_REGION = re.compile(r"\d{6}(\d{6})?")


class BadRequest(MingbaiError):
    """请求的格式不对。"""

    def __init__(self, message: str | None = None, status: int = 422) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class ChatRequest:
    """A checked request. With a recording, ``text`` is the transcript that the channel brings along, if it does."""

    sender: str
    text: str
    payload: str
    id: str | None
    region: str | None
    audio: Audio | None = None


async def read_body(request: Request, limit: int, too_long: str) -> bytes:
    """The body, up to a limit. Raises BadRequest."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BadRequest(too_long, 413)
    return bytes(body)


def parse_request(body: bytes, clean: Callable[[str, int], str]) -> ChatRequest:
    """Check a body by hand: a lone surrogate must neither pass nor come back in an error. Raises BadRequest."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("请求不是 JSON。", 400) from None
    if not isinstance(found, dict):
        raise BadRequest("请求要是一个 JSON 对象。")
    return check_fields(found, clean)


def check_fields(found: dict[str, Any], clean: Callable[[str, int], str]) -> ChatRequest:
    """The fields that a message has, whatever carried them. Raises BadRequest."""
    sender = clean(_string(found, "sender", 64), 64)
    text, payload = _string(found, "text", None), _string(found, "payload", 200)
    if not sender:
        raise BadRequest("缺少 sender。")
    if "text" not in found and "payload" not in found:
        raise BadRequest("缺少 text 或 payload。")
    region = _string(found, "region", 12)
    if region and not _REGION.fullmatch(region):
        raise BadRequest("region 要是6位或12位的区划代码。")
    client_id = _string(found, "id", 80)
    return ChatRequest(sender, clean(text, TEXT_LIMIT), clean(payload, 200), clean(client_id, 80) or None, region or None)


def _string(found: dict[str, Any], name: str, limit: int | None) -> str:
    value = found.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequest(f"{name} 要是文字。")
    if limit is not None and len(value) > limit:
        raise BadRequest(f"{name} 太长了，最多{limit}个字。")
    return value
