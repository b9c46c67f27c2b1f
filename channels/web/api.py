"""POST /api/chat and GET /api/chat/updates: the contract of the web channel."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from channels.journal import Journal, new_id
from channels.message import Answerer
from channels.web.sender import Senders
from core.errors import MingbaiError

BODY_LIMIT = 256 * 1024
TEXT_LIMIT = 20_000  # read for danger and kept in the journal; the dialogue reads less
_REGION = re.compile(r"\d{6}(\d{6})?")
_LOOPBACK = {"127.0.0.1", "::1"}


class BadRequest(MingbaiError):
    """请求的格式不对。"""

    def __init__(self, message: str | None = None, status: int = 422) -> None:
        super().__init__(message)
        self.status = status


class TooFast(MingbaiError):
    """您发得太快了，请等一分钟再发。急事请打110、120。"""


@dataclass(frozen=True)
class ChatRequest:
    """A checked request body."""

    sender: str
    text: str
    payload: str
    id: str | None
    region: str | None


class Limiter:
    """Messages a minute from one address, generous from this machine. Danger to life passes always."""

    def __init__(self, per_minute: int, loopback_per_minute: int, is_urgent: Callable[[str], bool]) -> None:
        self._outside, self._inside = RateLimitItemPerMinute(per_minute), RateLimitItemPerMinute(loopback_per_minute)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._is_urgent = is_urgent

    def check(self, address: str, text: str) -> None:
        """Raises TooFast."""
        item = self._inside if address in _LOOPBACK else self._outside
        if not self._limiter.hit(item, address) and not self._is_urgent(text):
            raise TooFast


class Chat:
    """Journals a message, has it answered once, and stores the answer beside it."""

    def __init__(self, journal: Journal, answer: Answerer) -> None:
        self._journal, self._answer = journal, answer
        self._running: dict[tuple[str, str], asyncio.Future[dict[str, Any]]] = {}

    async def say(self, key: str, request: ChatRequest) -> dict[str, Any]:
        """The answer to a message, in the contract's form; a retried id gets the answer that stands."""
        conversation = self._journal.conversation("web", key)
        name = (conversation, request.id or new_id())
        running = self._running.get(name)
        if running is None:  # the look into the journal belongs to the turn: a retry cannot slip in between look and answer
            running = asyncio.ensure_future(self._turn(conversation, request))
            self._running[name] = running
            running.add_done_callback(lambda _: self._running.pop(name, None))
        # a villager who closes the page must not stop the turn: the effects are under way
        return await asyncio.shield(running)

    async def _turn(self, conversation: str, request: ChatRequest) -> dict[str, Any]:
        message, stored = await asyncio.to_thread(
            self._journal.record, conversation, text=request.text, payload=request.payload, client_id=request.id,
            region=request.region,
        )  # fmt: skip
        if stored is not None:
            return stored
        answer = await self._answer(message)
        return await asyncio.to_thread(self._journal.answered, answer)


def chat_router(chat: Chat, journal: Journal, senders: Senders, limiter: Limiter, clean: Callable[[str, int], str]) -> APIRouter:
    """The two routes. ``clean`` makes a text safe to store and encode (the knowledge base's)."""
    router = APIRouter()

    @router.post("/api/chat")
    async def say(request: Request, response: Response) -> Any:
        try:
            asked = parse_request(await _body(request), clean)
            limiter.check(request.client.host if request.client else "", asked.text)
        except BadRequest as error:
            return JSONResponse({"detail": str(error)}, error.status)
        except TooFast as error:
            return JSONResponse({"detail": str(error)}, 429)
        return await chat.say(senders.key(asked.sender, senders.visitor(request, response)), asked)

    @router.get("/api/chat/updates")
    async def updates(request: Request, response: Response, sender: str = "", after: str = "") -> Any:
        sender, after = clean(sender, 64), clean(after, 64)
        if not sender:
            return JSONResponse({"detail": "缺少 sender。"}, 422)
        key = senders.key(sender, senders.visitor(request, response))
        conversation = journal.conversation("web", key)
        return {"updates": await asyncio.to_thread(journal.updates, conversation, after)}

    return router


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise BadRequest("消息太长了。", 413)
    return body


def parse_request(body: bytes, clean: Callable[[str, int], str]) -> ChatRequest:
    """Check a body by hand: a lone surrogate must neither pass nor come back in an error. Raises BadRequest."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("请求不是 JSON。", 400) from None
    if not isinstance(found, dict):
        raise BadRequest("请求要是一个 JSON 对象。")
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
