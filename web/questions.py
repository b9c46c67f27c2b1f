"""Golden questions, and the declined ones from which editors learn what is missing. Only for editors."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from bot.skills.answers import ANSWER_FROM
from bot.unanswered import LOOKED_AT, OUTCOMES, DeclinedQuestions, Group, NothingToSettle, settle
from core import clock
from core.accounts import Account
from core.errors import MingbaiError
from knowledge_base import editions, golden
from knowledge_base.importers.outline import front_matter, section_text
from knowledge_base.sheet import Sheet
from knowledge_base.shelf import Shelf
from knowledge_base.text import clean, has_words
from knowledge_base.view import WHOLE_REGION
from knowledge_base.wording import with_asked
from web.desk_frame import DeskFrame
from web.site import Site

GOLDEN, UNANSWERED = "/desk/golden", "/desk/unanswered"
SHOWN = 60  # groups on one page


class EmptyWording(MingbaiError):
    """要写一句话。"""


def questions_router(site: Site, shelf: Shelf, declined: DeclinedQuestions) -> APIRouter:
    """``/desk/golden`` and ``/desk/unanswered``, for editors."""
    router = APIRouter()
    frame = DeskFrame(site)

    def golden_page(request: Request, account: Account, status: int = 200, **more: Any) -> Response:
        with site.database.read() as session:
            rows, sheets = golden.questions(session), _sheets(session, account)
        searcher, day = shelf.searcher(), clock.today()
        shown: list[dict[str, Any]] = []
        for row in rows:
            place = site.county.code if row.region == WHOLE_REGION else row.region
            found = golden.reached(searcher, row.question, place, day, ANSWER_FROM)
            shown.append({"row": row, "found": found, "right": found.name == f"{row.sheet}#{row.section}"})
        right = sum(line["right"] for line in shown)
        return frame.page(
            request, "desk_golden.html", account, status, rows=shown, right=right, sheets=sheets, here="golden", **more
        )

    @router.get(GOLDEN)
    def golden_list(request: Request) -> Response:
        return golden_page(request, frame.editor(request))

    @router.post(GOLDEN)
    def add(request: Request, csrf: str = Form(""), question: str = Form(""), target: str = Form("")) -> Response:
        account = frame.editor(request)
        frame.check_form(request, csrf)
        try:
            with site.database.begin() as session:
                golden.add(session, account, question, _target(target)[1:], editions.sheets_in_print(session))
        except MingbaiError as error:
            return golden_page(request, account, 422, error=str(error), question=question, target=target)
        return RedirectResponse(GOLDEN, 303)

    @router.post(GOLDEN + "/{question_id}/remove")
    def remove(request: Request, question_id: int, csrf: str = Form("")) -> Response:
        account = frame.editor(request)
        frame.check_form(request, csrf)
        try:
            with site.database.begin() as session:
                golden.remove(session, account, question_id)
        except MingbaiError as error:
            raise HTTPException(404, str(error)) from None
        return RedirectResponse(GOLDEN, 303)

    @router.get(UNANSWERED)
    def unanswered(request: Request, done: str = "") -> Response:
        account = frame.editor(request)
        groups = declined.groups(account, shelf.searcher().middle)
        with site.database.read() as session:
            titles = {sheet.id: sheet.title for sheet in _sheets(session, account)}
        return frame.page(
            request, "desk_unanswered.html", account, groups=groups[:SHOWN], more=max(len(groups) - SHOWN, 0), titles=titles,
            looked_at=LOOKED_AT, outcomes=OUTCOMES, flash=FLASHES.get(done), spoken=clock.spoken, here="unanswered",
        )  # fmt: skip

    def confirm_page(request: Request, account: Account, group: Group, to: str, status: int = 200, **more: Any) -> Response:
        with site.database.read() as session:
            sheets = _sheets(session, account)
        return frame.page(
            request, "desk_unanswered_one.html", account, status, group=group, to=to, outcomes=OUTCOMES, sheets=sheets,
            here="unanswered", **more,
        )  # fmt: skip

    @router.get(UNANSWERED + "/confirm")
    def confirm(request: Request, to: str, ids: Annotated[list[int], Query(max_length=LOOKED_AT)]) -> Response:
        account = frame.editor(request)
        if to not in OUTCOMES:
            raise HTTPException(404)
        try:
            return confirm_page(request, account, declined.one(account, ids), to)
        except NothingToSettle as error:
            raise HTTPException(404, str(error)) from None

    @router.post(UNANSWERED + "/settle")
    def settle_group(
        request: Request, ids: Annotated[list[int], Form(max_length=LOOKED_AT)], csrf: str = Form(""), to: str = Form(""),
        wording: str = Form(""), target: str = Form(""), confirmed: str = Form(""),
    ) -> Response:  # fmt: skip
        account = frame.editor(request)
        frame.check_form(request, csrf)
        if to not in OUTCOMES:
            raise HTTPException(404)
        said = clean(wording, golden.QUESTION_LIMIT)
        try:
            group = declined.one(account, ids)
        except NothingToSettle as error:
            raise HTTPException(404, str(error)) from None
        try:
            if to != "dismissed" and not confirmed:
                raise EmptyWording("请确认这句话里没有人名、地名、号码，打上勾再提交。")
            with site.database.begin() as session:
                settle(session, account, ids, to)
                edition = _use(session, account, to, said, target)
        except MingbaiError as error:
            return confirm_page(request, account, group, to, 422, error=str(error), wording=wording, target=target)
        return RedirectResponse(f"/desk/sheets/editions/{edition}" if edition else f"{UNANSWERED}?done={to}", 303)

    return router


FLASHES = {"golden": "加进金标问题了。", "dismissed": "收起来了。"}


def _use(session: Session, account: Account, to: str, said: str, target: str) -> int | None:
    """Make something of a confirmed wording; the edition that holds it now, if any. Raises MingbaiError."""
    if to == "dismissed":
        return None
    if not has_words(said):
        raise EmptyWording
    if to == "golden":
        golden.add(session, account, said, _target(target)[1:], editions.sheets_in_print(session))
        return None
    if to == "draft":
        text = front_matter(title=said) + section_text("how", said, asked=said.replace("|", " "))
        return editions.begin(session, account, text, "question").id
    return _with_asked(session, account, said, target)


def _with_asked(session: Session, account: Account, said: str, target: str) -> int:
    """The line in an open draft of this editor's for the sheet, or in a new one."""
    region, sheet, section = _target(target)
    newest = editions.newest_published(session, region, sheet)
    if newest is None or not editions.may_edit(account, region):
        raise golden.NoSuchSection
    mine = [
        row for row in editions.unpublished(session, account)
        if (row.state, row.region, row.sheet, row.author_id) == ("draft", region, sheet, account.id)
    ]  # fmt: skip
    if mine:
        editions.save(session, mine[0], account, with_asked(mine[0].text, section, said), mine[0].version)
        return mine[0].id
    return editions.begin(session, account, with_asked(newest.text, section, said), "question").id


def _target(target: str) -> tuple[str, str, str]:
    """Region, sheet and section of «45/dibao#how». Raises NoSuchSection."""
    place, _, section = target.partition("#")
    region, _, sheet = place.partition("/")
    if not (region and sheet and section):
        raise golden.NoSuchSection("请选要答这句话的那一节。")
    return region, sheet, section


def _sheets(session: Session, account: Account) -> list[Sheet]:
    return [sheet for sheet in editions.sheets_in_print(session) if editions.may_edit(account, sheet.region)]
