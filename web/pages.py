"""Villagers' pages: the chat and the sheets."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, FastAPI, Form, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException

from channels.journal import Line
from channels.web.api import Chat, Limiter, TooFast, address_of
from channels.web.request import TEXT_LIMIT, BadRequest, ChatRequest
from channels.web.sender import Senders
from channels.web.voice import read_voice
from core import clock
from core.county import contacts_for
from knowledge_base.search import Hit
from knowledge_base.sheet import Section
from knowledge_base.text import clean
from web.site import HERE, Site

PAGE_SENDER = "web"
UNHEARD = "（语音）"  # a voice message of which nothing is known
SUGGESTIONS = ["防返贫监测是什么", "我家够不够条件报监测户", "低保怎么申请", "住院花了很多钱怎么办", "要带什么材料"]
HOTLINES = [("防返贫监测热线", "12317"), ("政务热线", "12345")]
MESSAGES = {404: "没有这一页。", 405: "不能这样打开。", 500: "出了点问题，我们已经记下。请过一会儿再试。"}


def static_files() -> StaticFiles:
    return StaticFiles(directory=HERE / "static")


def pages_router(site: Site, chat: Chat, senders: Senders, limiter: Limiter, voice_limiter: Limiter) -> APIRouter:
    """``/``, ``/chat`` and ``/chat/voice`` (without JavaScript), ``/sheets`` and ``/sheets/{region}/{id}``."""
    router = APIRouter()

    async def chat_page(request: Request, notice: str | None = None, status: int = 200) -> Response:
        holder = Response()
        visitor = senders.visitor(request, holder)
        sender = _page_sender(visitor)
        conversation = site.journal.conversation("web", senders.key(sender, visitor))
        lines = await asyncio.to_thread(site.journal.lines, conversation)
        page = site.page(
            request, "chat.html", status, lines=[_line(line) for line in lines], sender=sender, suggestions=SUGGESTIONS,
            hotlines=[{"name": name, "number": number} for name, number in HOTLINES],
            last_id=max((line.id for line in lines), default=""), notice=notice,
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
        key = senders.key(_page_sender(visitor), visitor)
        await chat.say(key, ChatRequest(key[:64], text, clean(payload, 200), None, None), address_of(request))
        return redirect

    @router.post("/chat/voice")
    async def speak(request: Request) -> Response:
        redirect = RedirectResponse("/", 303)
        visitor = senders.visitor(request, redirect)
        key = senders.key(_page_sender(visitor), visitor)
        try:
            asked = await read_voice(request, clean, sender=key[:64])
            voice_limiter.check(address_of(request), asked.text)
        except (BadRequest, TooFast) as error:
            return await chat_page(request, str(error), error.status if isinstance(error, BadRequest) else 429)
        await chat.say(key, asked, address_of(request))
        return redirect

    @router.get("/sheets")
    async def sheets(request: Request) -> Response:
        listed = []
        for name, title, region in site.searcher().sheet_titles(site.county.code, clock.today()):
            hits = site.searcher().siblings(name, site.county.code, clock.today())
            listed.append(
                {
                    "url": f"/sheets/{region}/{name}", "title": title, "issuer": hits[0].issuer,
                    "reviewed_on": hits[0].reviewed_on, "questions": [hit.title for hit in hits],
                }
            )  # fmt: skip
        return site.page(request, "sheets.html", sheets=listed)

    @router.get("/sheets/{region}/{name}")
    async def sheet(request: Request, region: str, name: str) -> Response:
        hits = [hit for hit in site.searcher().siblings(name, region, clock.today()) if hit.region == region]
        if not hits:
            raise HTTPException(404)
        return site.page(request, "sheet.html", sheet=_sheet_view(site, hits))

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

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return answer(request, 422, str(BadRequest()))

    @app.exception_handler(Exception)
    async def crash(request: Request, error: Exception) -> Response:
        return answer(request, 500, MESSAGES[500])


def _page_sender(visitor: str) -> str:
    """The chat page's sender: each browser its own, in the demo too."""
    return f"{PAGE_SENDER}-{visitor}"


def _line(line: Line) -> dict[str, Any]:
    at = clock.as_utc(line.at).astimezone(clock.CHINA)
    text = line.text or UNHEARD
    return {"who": line.who, "name": line.name, "text": text, "buttons": line.buttons, "time": f"{at:%H:%M}", "voice": line.voice}


def _sheet_view(site: Site, hits: list[Hit]) -> dict[str, Any]:
    first = hits[0]
    detail = site.searcher().sheet(first.sheet, first.region)
    place = site.regions.get(first.region)
    with site.database.read() as session:
        people = contacts_for(session, site.county.code)
    spoken = {"village": "村委会"}
    contacts = [spoken.get(contact, contact) for contact in detail.contacts]
    contacts += [f"{person.role} {person.name} {person.phone}" for person in people]
    sections = [
        {
            "key": hit.key, "title": hit.title, "short": hit.short, "sources": [source.label for source in hit.sources],
            "blocks": Section(hit.key, hit.aspect, hit.title, hit.short, [], hit.sources, hit.body).blocks,
        }
        for hit in hits
    ]  # fmt: skip
    return {
        "title": first.sheet_title, "issuer": first.issuer, "document": detail.document,
        "region_name": place.name if place else first.region, "effective_from": first.effective_from,
        "effective_to": detail.effective_to, "reviewed_on": first.reviewed_on, "contacts_text": contacts, "sections": sections,
    }  # fmt: skip
