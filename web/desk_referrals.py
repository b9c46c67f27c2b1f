"""What a department sees: the questions put to it, with their deadlines; and its answers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Path, Request, Response
from fastapi.responses import RedirectResponse

from cadres.inbox import last_day
from cadres.referral import ANSWER_LIMIT, NoSuchReferral
from core import clock
from core.rights import UNITS, Right
from knowledge_base.text import clean
from web.desk_frame import DeskFrame
from web.site import Site

RowId = Annotated[int, Path(ge=1, le=2**31 - 1)]


def referrals_router(site: Site) -> APIRouter:
    """``/desk/referrals``, for departments only."""
    router = APIRouter(prefix="/desk/referrals")
    frame = DeskFrame(site)

    @router.get("")
    def listing(request: Request) -> Response:
        account = frame.holder(request, Right.ANSWER_REFERRALS)
        with site.database.begin() as session:
            asked = site.referrals.listed(session, account)
            site.audit.record(session, account.id, "list", "referrals", account.unit, f"{len(asked)} shown")
        now = clock.now()
        rows = [
            {
                "id": one.id, "number": one.number, "place": site.regions.spoken(one.region), "question": one.question,
                "answer": one.answer, "due": last_day(one.due_at), "late": not one.answer and one.due_at < now,
            }
            for one in asked
        ]  # fmt: skip
        return frame.page(request, "desk_referrals.html", account, rows=rows, unit=UNITS.get(account.unit, ""))

    @router.post("/{referral}")
    def answer(request: Request, referral: RowId, text: str = Form(""), csrf: str = Form("")) -> Response:
        account = frame.holder(request, Right.ANSWER_REFERRALS)
        frame.check_form(request, csrf)
        said = clean(text, ANSWER_LIMIT)
        if said:
            try:
                with site.database.begin() as session:
                    site.referrals.answer(session, account, referral, said)
                    site.audit.record(session, account.id, "answer", "referral", referral)
            except NoSuchReferral as error:
                raise HTTPException(404, str(error)) from None
        return RedirectResponse("/desk/referrals", 303)

    return router
