"""What a department sees: the questions put to it with their deadlines, its answers, and the way in for its warnings."""

from __future__ import annotations

import asyncio
import io
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Path, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import UploadFile

from cadres.inbox import last_day
from cadres.referral import ANSWER_LIMIT, NoSuchReferral
from cadres.spreadsheet import BadList
from cadres.warning import read_warnings
from core import clock
from core.accounts import Account
from core.rights import UNITS, Right
from knowledge_base.text import clean
from web.desk_frame import DeskFrame
from web.site import Site

LIST_LIMIT = 2 * 1024 * 1024
FAULTS_SHOWN = 30
RowId = Annotated[int, Path(ge=1, le=2**31 - 1)]


def referrals_router(site: Site) -> APIRouter:
    """``/desk/referrals``, for departments only."""
    router = APIRouter(prefix="/desk/referrals")
    frame = DeskFrame(site)

    @router.get("")
    def listing(request: Request) -> Response:
        return _listing(site, frame, request, frame.holder(request, Right.ANSWER_REFERRALS))

    @router.post("/warnings")
    async def warn(request: Request) -> Response:
        """A department's list of whom its data shows in trouble; all of it is routed, or nothing and each bad line is named."""
        account = frame.holder(request, Right.WARN)
        length = request.headers.get("content-length", "")
        if not length.isdigit() or int(length) > LIST_LIMIT:
            raise HTTPException(413, f"文件太大了，最多{LIST_LIMIT // 1024 // 1024}兆。")
        async with request.form(max_files=1) as form:
            frame.check_form(request, str(form.get("csrf", "")))
            sent = form.get("file")
            content = await sent.read() if isinstance(sent, UploadFile) else b""
        return await asyncio.to_thread(_route, site, frame, request, account, content)

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


def _listing(site: Site, frame: DeskFrame, request: Request, account: Account, status: int = 200, **more: object) -> Response:
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
    return frame.page(
        request,
        "desk_referrals.html",
        account,
        status,
        rows=rows,
        unit=UNITS.get(account.unit, ""),
        **more,
    )


def _route(site: Site, frame: DeskFrame, request: Request, account: Account, content: bytes) -> Response:
    try:
        warnings = read_warnings(io.BytesIO(content), site.regions, account.region)
    except BadList as bad:
        return _listing(
            site, frame, request, account, 422, faults=bad.faults[:FAULTS_SHOWN], more_faults=len(bad.faults) - FAULTS_SHOWN
        )
    with site.database.begin() as session:
        routed = site.warnings.route(session, account, warnings)
        if routed is None:
            raise HTTPException(404)
        site.audit.record(session, account.id, "warn", "cases", account.unit, f"{routed.new} new {routed.joined} joined")
    return _listing(site, frame, request, account, routed=routed)
