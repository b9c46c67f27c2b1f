"""Taking out of the desk: the ledger as Excel for any day, a case's file as PDF. Masked, marked with who took it, logged."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from cadres.case import NoSuchCase
from cadres.ledger import masked_name, masked_phone
from core import clock
from core.accounts import Account
from core.rights import UNITS, Right
from web.case_paper import case_pdf
from web.desk_frame import DeskFrame
from web.desk_view import MORE, file_view, history_view
from web.site import Site

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def ledger_router(site: Site) -> APIRouter:
    """``/desk/ledger``, ``/desk/ledger.xlsx``, ``/desk/cases/{number}/file.pdf``."""
    router = APIRouter(prefix="/desk")
    frame = DeskFrame(site)

    @router.get("/ledger")
    def page(request: Request) -> Response:
        account = frame.holder(request, Right.SUPERVISE)
        today = clock.today().isoformat()
        return frame.page(request, "desk_ledger.html", account, today=today, columns=site.ledger.columns)

    @router.get("/ledger.xlsx")
    def excel(request: Request, on: str = "") -> Response:
        account = frame.holder(request, Right.SUPERVISE)
        day = _day(on)
        with tempfile.NamedTemporaryFile(suffix=".xlsx", delete=False) as scratch:
            file = Path(scratch.name)
        with site.database.read() as session:
            count = site.ledger.write(session, account, day, file, f"{day.isoformat()}　{_mark(frame, account)}")
        with site.database.begin() as session:
            site.audit.record(session, account.id, "export", "ledger", day.isoformat(), f"{count} rows")
        return FileResponse(
            file, media_type=EXCEL, filename=f"ledger-{account.region}-{day.isoformat()}.xlsx",
            background=BackgroundTask(file.unlink, missing_ok=True),
        )  # fmt: skip

    @router.get("/cases/{number}/file.pdf")
    def case_file(request: Request, number: str) -> Response:
        account = frame.cadre(request)
        with site.database.begin() as session:
            try:
                case = site.cases.visible(session, account, number)
            except NoSuchCase as error:
                raise HTTPException(404, str(error)) from None
            details, view = site.cases.details(case), file_view(site, session, account, case)
            history = history_view(site, session, case)
            asked = [(UNITS.get(one.unit, one.unit), one.question, one.answer) for one in site.referrals.of_case(session, case)]
            site.audit.record(session, account.id, "export", "case", case.id)
        view["contact"] = masked_phone(details.contact)
        view["more"] = [(label, masked_name(value) if label == MORE["name"] else value) for label, value in view["more"]]
        document = case_pdf(view, history, asked, _mark(frame, account))
        headers = {"Content-Disposition": f'inline; filename="case-{number}.pdf"', "Cache-Control": "private, no-store"}
        return Response(document, media_type="application/pdf", headers=headers)

    return router


def _mark(frame: DeskFrame, account: Account) -> str:
    return f"{frame.spoken_name(account)} {clock.spoken(clock.now())} 导出，姓名电话已遮盖，不得外传"


def _day(typed: str) -> date:
    try:
        day = date.fromisoformat(typed) if typed else clock.today()
    except ValueError:
        raise HTTPException(422, "日期要像 2026-11-24。") from None
    if day > clock.today():
        raise HTTPException(422, "还没到那一天。")
    return day
