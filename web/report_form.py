"""The self-report as a light form behind a village's code: all at once, without JavaScript. It files what the chat would."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Form, HTTPException, Request, Response

from bot.skills.form import NotAnEvent, NotAPhone, ReportForm, Told, checked
from channels.limit import Limiter, TooFast
from channels.web.api import Chat, address_of
from channels.web.request import TEXT_LIMIT, ChatRequest
from channels.web.sender import Senders
from core.county import contacts_for
from knowledge_base.text import clean
from web.pages import page_sender
from web.site import VILLAGE_COOKIE, VILLAGE_LIFE_S, Site

FILLED = "do:report_hardship"


def report_form_router(
    site: Site, chat: Chat, senders: Senders, report: ReportForm, limiter: Limiter, is_urgent: Callable[[str], bool]
) -> APIRouter:
    """``/v/{code}/report``."""
    router = APIRouter()

    def show(request: Request, code: str, status: int = 200, **more: Any) -> Response:
        place = site.village(code)
        if place is None:
            raise HTTPException(404)
        keep = site.county.keep or site.texts.say("report_keep")
        shown = {"said": {}, "error": "", "form_id": secrets.token_hex(12), **more}
        page = site.page(
            request, "report_form.html", status, place=place, spoken=site.regions.spoken(code), code=code,
            notice=site.texts.say("report_notice", keep=keep), **shown,
        )  # fmt: skip
        page.set_cookie(
            VILLAGE_COOKIE, code, max_age=VILLAGE_LIFE_S, httponly=True, samesite="lax", secure=site.settings.secure_cookies
        )
        return page

    @router.get("/v/{code}/report")
    async def form(request: Request, code: str) -> Response:
        return show(request, code)

    @router.post("/v/{code}/report")
    async def filed(
        request: Request, code: str, event: str = Form(""), phone: str = Form(""), whom: str = Form(""), form_id: str = Form("")
    ) -> Response:
        if site.village(code) is None:
            raise HTTPException(404)
        said = {"event": clean(event, TEXT_LIMIT), "phone": clean(phone, 30), "whom": clean(whom, 20)}
        form_id = clean(form_id, 40) or secrets.token_hex(12)
        try:
            limiter.check(address_of(request), said["event"])
            told = checked(said["event"], code, said["phone"], said["whom"])
        except (NotAnEvent, NotAPhone, TooFast) as error:
            status = 429 if isinstance(error, TooFast) else 422
            return show(request, code, status, said=said, error=str(error), form_id=form_id)
        holder = Response()
        visitor = senders.visitor(request, holder)
        key = senders.key(page_sender(visitor), visitor)
        answer = await _file(key, told, f"form:{form_id}", address_of(request))
        with site.database.read() as session:
            people = [f"{person.role} {person.name} {person.phone}" for person in contacts_for(session, code)]
        page = show(request, code, answer=answer, people=people)
        page.headers.raw.extend(pair for pair in holder.headers.raw if pair[0] == b"set-cookie")
        return page

    async def _file(key: str, told: Told, form_id: str, address: str) -> dict[str, Any]:
        """The answer to a form; one that is sent again gets the answer that stands."""
        conversation = site.journal.conversation("web", key)
        if is_urgent(told.event):  # danger first: numbers at once and a case at once, with the words as they are
            return await chat.say(key, ChatRequest(key[:64], told.in_words(), "", form_id, told.village), address)
        if not await asyncio.to_thread(site.journal.knows, conversation, form_id):
            await asyncio.to_thread(report.hold, conversation, told)
        return await chat.say(key, ChatRequest(key[:64], told.in_words(), FILLED, form_id, told.village), address)

    return router
