"""POST /api/chat and GET /api/chat/updates: the contract of the web channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from channels.journal import Journal
from channels.limit import LOOPBACK, Limiter, TooFast
from channels.message import Said
from channels.reception import Reception
from channels.voice import Heard
from channels.web.request import BadRequest, ChatRequest, parse_request, read_body
from channels.web.sender import Senders
from channels.web.voice import read_voice

BODY_LIMIT = 256 * 1024


class Chat:
    """The web's way into the reception."""

    def __init__(self, journal: Journal, reception: Reception) -> None:
        self._journal, self._reception = journal, reception

    async def say(self, key: str, request: ChatRequest, address: str = "") -> dict[str, Any]:
        """The answer to a message, in the contract's form; a retried id gets the answer that stands. Raises Busy."""
        # many senders behind one address are one source of alerts; what comes from this machine (a proxy, a test) is not
        source = self._journal.conversation("address", address) if address and address not in LOOPBACK else ""
        heard = Heard(request.text, by="channel") if request.audio is not None and request.text else None
        said = Said(
            text=request.text if request.audio is None else "", payload=request.payload, client_id=request.id,
            region=request.region, source=source, audio=request.audio, heard=heard,
        )  # fmt: skip
        return await self._reception.say(self._journal.conversation("web", key), said)


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
