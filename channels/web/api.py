"""POST /api/chat and GET /api/chat/updates: the contract of the web channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from channels.journal import Journal, new_id
from channels.message import Answerer, Inbound
from channels.voice import Heard
from channels.web.request import BadRequest, ChatRequest, parse_request, read_body
from channels.web.sender import Senders
from channels.web.voice import read_voice
from core.errors import MingbaiError

BODY_LIMIT = 256 * 1024
_LOOPBACK = {"127.0.0.1", "::1"}


class TooFast(MingbaiError):
    """您发得太快了，请等一分钟再发。急事请打110、120。"""


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

    async def say(self, key: str, request: ChatRequest, address: str = "") -> dict[str, Any]:
        """The answer to a message, in the contract's form; a retried id gets the answer that stands."""
        conversation = self._journal.conversation("web", key)
        name = (conversation, request.id or new_id())
        running = self._running.get(name)
        if running is None:  # the look into the journal belongs to the turn: a retry cannot slip in between look and answer
            running = asyncio.ensure_future(self._turn(conversation, request, address))
            self._running[name] = running
            running.add_done_callback(lambda _: self._running.pop(name, None))
        # a villager who closes the page must not stop the turn: the effects are under way
        return await asyncio.shield(running)

    async def _turn(self, conversation: str, request: ChatRequest, address: str) -> dict[str, Any]:
        message, stored = await asyncio.to_thread(self._record, conversation, request, address)
        if stored is not None:
            return stored
        answer = await self._answer(message)
        return await asyncio.to_thread(self._journal.answered, answer)

    def _record(self, conversation: str, request: ChatRequest, address: str) -> tuple[Inbound, dict[str, Any] | None]:
        # many senders behind one address are one source of alerts; what comes from this machine (a proxy, a test) is not
        source = self._journal.conversation("address", address) if address and address not in _LOOPBACK else ""
        text = request.text if request.audio is None else ""
        heard = Heard(request.text, by="channel") if request.audio is not None and request.text else None
        return self._journal.record(
            conversation, text=text, payload=request.payload, client_id=request.id, region=request.region, source=source,
            audio=request.audio, heard=heard,
        )  # fmt: skip


def chat_router(
    chat: Chat,
    journal: Journal,
    senders: Senders,
    limiter: Limiter,
    voice_limiter: Limiter,
    clean: Callable[[str, int], str],
) -> APIRouter:
    """The routes of the contract. ``clean`` makes a text safe to store and encode (the knowledge base's)."""
    router = APIRouter()

    async def answered(request: Request, response: Response, asked: ChatRequest) -> dict[str, Any]:
        key = senders.key(asked.sender, senders.visitor(request, response))
        return await chat.say(key, asked, address_of(request))

    @router.post("/api/chat")
    async def say(request: Request, response: Response) -> Any:
        try:
            asked = parse_request(await read_body(request, BODY_LIMIT, "消息太长了。"), clean)
            limiter.check(address_of(request), asked.text)
        except BadRequest as error:
            return JSONResponse({"detail": str(error)}, error.status)
        except TooFast as error:
            return JSONResponse({"detail": str(error)}, 429)
        return await answered(request, response, asked)

    @router.post("/api/chat/voice")
    async def speak(request: Request, response: Response) -> Any:
        """The answer as to a text, and under ``heard`` what was understood."""
        try:
            asked = await read_voice(request, clean)
            voice_limiter.check(address_of(request), asked.text)
        except BadRequest as error:
            return JSONResponse({"detail": str(error)}, error.status)
        except TooFast as error:
            return JSONResponse({"detail": str(error)}, 429)
        answer = await answered(request, response, asked)
        heard = await asyncio.to_thread(journal.transcript, answer["message_id"])
        return {**answer, "heard": heard and {"text": heard.text, "confidence": heard.confidence}}

    @router.get("/api/chat/updates")
    async def updates(request: Request, response: Response, sender: str = "", after: str = "") -> Any:
        sender, after = clean(sender, 64), clean(after, 64)
        if not sender:
            return JSONResponse({"detail": "缺少 sender。"}, 422)
        key = senders.key(sender, senders.visitor(request, response))
        conversation = journal.conversation("web", key)
        return {"updates": await asyncio.to_thread(journal.updates, conversation, after)}

    return router


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""
