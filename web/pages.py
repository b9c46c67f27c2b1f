"""The chat page, and the pages for what went wrong."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, FastAPI, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException

from channels.journal import Line
from channels.limit import Limiter, TooFast
from channels.reception import Busy
from channels.web.api import Chat, address_of
from channels.web.request import TEXT_LIMIT, BadRequest, ChatRequest
from channels.web.sender import Senders
from channels.web.voice import read_voice
from core import clock
from knowledge_base.text import clean
from web.site import HERE, VILLAGE_COOKIE, Site

PAGE_SENDER = "web"
UNHEARD = "（语音）"  # a voice message of which nothing is known
SUGGESTIONS = ["防返贫监测是什么", "我家够不够条件报监测户", "低保怎么申请", "住院花了很多钱怎么办", "要带什么材料"]
HOTLINES = [("防返贫监测热线", "12317"), ("政务热线", "12345")]
MESSAGES = {404: "没有这一页。", 405: "不能这样打开。", 500: "出了点问题，我们已经记下。请过一会儿再试。"}


def static_files() -> StaticFiles:
    return StaticFiles(directory=HERE / "static")


def pages_router(site: Site, chat: Chat, senders: Senders, limiter: Limiter, voice_limiter: Limiter) -> APIRouter:
    """``/``, ``/chat`` and ``/chat/voice`` (without JavaScript)."""
    router = APIRouter()

    async def chat_page(request: Request, notice: str | None = None, status: int = 200) -> Response:
        holder = Response()
        visitor = senders.visitor(request, holder)
        sender = page_sender(visitor)
        conversation = site.journal.conversation("web", senders.key(sender, visitor))
        lines = await asyncio.to_thread(site.journal.lines, conversation)
        village = request.cookies.get(VILLAGE_COOKIE, "")
        page = site.page(
            request, "chat.html", status, lines=[_line(line) for line in lines], sender=sender, suggestions=SUGGESTIONS,
            hotlines=[{"name": name, "number": number} for name, number in HOTLINES],
            last_id=max((line.id for line in lines), default=""), notice=notice,
            village=village if site.village(village) else "",
        )  # fmt: skip
        page.headers.raw.extend(pair for pair in holder.headers.raw if pair[0] == b"set-cookie")
        return page

    @router.get("/")
    async def home(request: Request) -> Response:
        return await chat_page(request)

    @router.post("/chat")
    async def say(request: Request, text: str = Form(""), payload: str = Form("")) -> Response:
        text = clean(text, TEXT_LIMIT)
        if not text:
            return await chat_page(request, site.texts.say("unreadable"), 422)
        try:
            limiter.check(address_of(request), text)
        except TooFast as error:
            return await chat_page(request, str(error), 429)
        redirect = RedirectResponse("/", 303)
        visitor = senders.visitor(request, redirect)
        key = senders.key(page_sender(visitor), visitor)
        region = request.cookies.get(VILLAGE_COOKIE, "")
        said = ChatRequest(key[:64], text, clean(payload, 200), None, region if site.village(region) else None)
        await chat.say(key, said, address_of(request))
        return redirect

    @router.post("/chat/voice")
    async def speak(request: Request) -> Response:
        redirect = RedirectResponse("/", 303)
        visitor = senders.visitor(request, redirect)
        key = senders.key(page_sender(visitor), visitor)
        try:
            asked = await read_voice(request, clean, sender=key[:64])
            voice_limiter.check(address_of(request), asked.text)
        except (BadRequest, TooFast) as error:
            return await chat_page(request, str(error), error.status if isinstance(error, BadRequest) else 429)
        await chat.say(key, asked, address_of(request))
        return redirect

    return router


def add_error_pages(app: FastAPI, site: Site) -> None:
    """Errors in Chinese: JSON for the API, a page for people."""

    def answer(request: Request, code: int, message: str) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"detail": message}, code)
        return site.page(request, "error.html", code, code=code, message=message)

    @app.exception_handler(StarletteHTTPException)
    async def http_error(request: Request, error: StarletteHTTPException) -> Response:
        if error.headers and "Location" in error.headers:
            return RedirectResponse(error.headers["Location"], error.status_code)
        own = error.detail if isinstance(error.detail, str) and not error.detail.isascii() else ""
        return answer(request, error.status_code, own or MESSAGES.get(error.status_code, MESSAGES[500]))

    @app.exception_handler(Busy)
    async def busy(request: Request, error: Busy) -> Response:
        response = answer(request, 503, str(error))
        response.headers["Retry-After"] = "60"
        return response

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return answer(request, 422, str(BadRequest()))

    @app.exception_handler(Exception)
    async def crash(request: Request, error: Exception) -> Response:
        return answer(request, 500, MESSAGES[500])


def page_sender(visitor: str) -> str:
    """The chat page's sender: each browser its own, in the demo too."""
    return f"{PAGE_SENDER}-{visitor}"


def _line(line: Line) -> dict[str, Any]:
    at = clock.as_utc(line.at).astimezone(clock.CHINA)
    text = line.text or UNHEARD
    return {
        "who": line.who, "name": line.name, "text": text, "buttons": line.buttons, "time": f"{at:%H:%M}", "voice": line.voice,
        "audio": line.audio,
    }  # fmt: skip
