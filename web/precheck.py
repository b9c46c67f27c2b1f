"""The pre-check of a sheet as a page: all questions at once, the outcome at once. Nothing of it is kept, unless the
villager carries the answers into a report."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from bot.skills.precheck import CARRY, PreChecks
from channels.web.api import Chat
from channels.web.request import ChatRequest
from channels.web.sender import Senders
from core import clock
from knowledge_base.condition import Value
from knowledge_base.confirmation import confirmed_precheck
from knowledge_base.precheck import UNKNOWN, VERDICTS, BadAnswer, PreCheck, read_answer
from web.pages import page_sender
from web.site import VILLAGE_COOKIE, Site

NO_ANSWER = "这一题还没有答。不知道的，选“不知道”。"
CARRIED = "带着这些去申报"  # what the villager is seen to say in the chat


def precheck_router(site: Site, chat: Chat, senders: Senders, prechecks: PreChecks) -> APIRouter:
    """``/sheets/{region}/{id}/precheck`` and ``…/report`` below it."""
    router = APIRouter(prefix="/sheets/{region}/{name}/precheck")

    def check_of(region: str, name: str) -> PreCheck:
        """Raises the 404 page where there is no pre-check, or the county has not confirmed it."""
        criteria = site.searcher().criteria(name, region, clock.today())
        with site.database.read() as session:
            check = confirmed_precheck(session, name, region, criteria)
        if check is None:
            raise HTTPException(404)
        return check

    def show(request: Request, region: str, name: str, check: PreCheck, status: int = 200, **more: Any) -> Response:
        titles = {sheet: title for sheet, title, _ in site.searcher().sheet_titles(region, clock.today())}
        shown = {
            "title": titles[name], "url": f"/sheets/{region}/{name}", "criteria": check.criteria, "demo": site.county.demo,
            "figures": [(figure, check.figures[figure.id]) for figure in check.criteria.figures],
        }  # fmt: skip
        return site.page(request, "precheck.html", status, sheet=shown, **more)

    @router.get("")
    async def ask(request: Request, region: str, name: str) -> Response:
        return show(request, region, name, check_of(region, name), said={}, errors={})

    @router.post("")
    async def work_out(request: Request, region: str, name: str) -> Response:
        check = check_of(region, name)
        said, answers, errors = _read(check, await _fields(request))
        if errors:
            return show(request, region, name, check, 422, said=said, errors=errors)
        outcome = check.outcome(answers)
        return show(
            request, region, name, check, outcome=outcome, verdict=VERDICTS[outcome.verdict], told=check.told(answers), said=said
        )

    @router.post("/report")
    async def report(request: Request, region: str, name: str) -> Response:
        check = check_of(region, name)
        said, answers, errors = _read(check, await _fields(request))
        if errors:
            return show(request, region, name, check, 422, said=said, errors=errors)
        redirect = RedirectResponse("/", 303)
        visitor = senders.visitor(request, redirect)
        key = senders.key(page_sender(visitor), visitor)
        village = request.cookies.get(VILLAGE_COOKIE, "")
        await asyncio.to_thread(prechecks.hold, site.journal.conversation("web", key), name, region, answers)
        await chat.say(key, ChatRequest(key[:64], CARRIED, CARRY, None, village if site.village(village) else None))
        return redirect

    return router


async def _fields(request: Request) -> dict[str, str]:
    return {key: value.strip() for key, value in (await request.form()).items() if isinstance(value, str)}


def _read(
    check: PreCheck, fields: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Value | None], dict[str, str]]:  # fmt: skip
    """What was said, as the form sends it; the answers; and what is wrong, by question."""
    said: dict[str, str] = {}
    answers: dict[str, Value | None] = {}
    errors: dict[str, str] = {}
    for question in check.criteria.questions:
        text = fields.get(f"{question.id}-{UNKNOWN}") or fields.get(question.id, "")
        said[question.id] = text[:40]
        if not text:
            errors[question.id] = NO_ANSWER
            continue
        try:
            answers[question.id] = read_answer(question, text)
        except BadAnswer as error:
            errors[question.id] = str(error)
    return said, answers, errors
