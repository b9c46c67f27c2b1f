"""The desk's other queues: complaints, for the level above the one complained of, and reports left unfinished."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Path, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from cadres.complaint import STATES, Complaint, NoSuchComplaint
from core import clock
from core.accounts import Account
from web.desk_frame import DeskFrame
from web.site import Site

RowId = Annotated[int, Path(ge=1, le=2**31 - 1)]


def reports_router(site: Site) -> APIRouter:
    """``/desk/complaints`` and ``/desk/unfinished``. What an account may not see does not exist for it."""
    router = APIRouter(prefix="/desk")
    frame = DeskFrame(site)

    @router.get("/complaints")
    async def complaints(request: Request) -> Response:
        account = frame.cadre(request)
        with site.database.begin() as session:
            rows = [_complaint(site, session, row) for row in site.complaints.visible(session, account)]
            site.audit.record(session, account.id, "list", "complaints", "", f"{len(rows)} shown")
        return frame.page(request, "desk_complaints.html", account, complaints=rows)

    @router.post("/complaints/{complaint_id}/accept")
    async def accept(request: Request, complaint_id: RowId, csrf: str = Form("")) -> Response:
        account = frame.cadre(request)
        frame.check_form(request, csrf)
        with site.database.begin() as session:
            try:
                complaint = site.complaints.accept(session, account, complaint_id)
            except NoSuchComplaint as error:
                raise HTTPException(404, str(error)) from None
            site.audit.record(session, account.id, "accept", "complaint", complaint_id)
        if complaint is not None:
            said = site.texts.say("notice_complaint", office=site.regions.spoken(account.region) or account.name)
            site.journal.notify(complaint.conversation, said)
        return RedirectResponse("/desk/complaints", 303)

    @router.post("/unfinished/{key}/take")
    async def take_up(request: Request, key: str, csrf: str = Form("")) -> Response:
        account = frame.cadre(request)
        frame.check_form(request, csrf)
        with site.database.begin() as session:
            case = site.unfinished.take_up(session, account, key)
            if case is not None:
                site.audit.record(session, account.id, "take", "case", case.id, "unfinished")
        if case is None:
            raise HTTPException(404, "这一份已经报完、撤回或者有人接了，或者不在您的辖区。")
        office = site.regions.spoken(account.region) or account.name
        site.journal.notify(key, site.texts.say("notice_unfinished", office=office, number=case.number))
        return RedirectResponse(f"/desk/cases/{case.number}", 303)

    return router


def unfinished_rows(site: Site, session: Session, account: Account) -> list[dict[str, Any]]:
    """The unfinished reports of an account's jurisdiction, as the queue shows them."""
    return [
        {
            "url": f"/desk/unfinished/{report.key}/take", "place": report.draft.place, "event": report.draft.event,
            "contact": report.draft.contact.removeprefix("+86"), "contact_href": f"tel:{report.draft.contact}",
            "whom": report.draft.whom, "since": clock.spoken(report.since),
        }
        for report in site.unfinished.visible(session, account)
    ]  # fmt: skip


def _complaint(site: Site, session: Session, complaint: Complaint) -> dict[str, Any]:
    acceptor = session.get(Account, complaint.accepted_by) if complaint.accepted_by else None
    return {
        "url": f"/desk/complaints/{complaint.id}/accept", "text": site.complaints.text(complaint),
        "about": site.regions.spoken(complaint.about) or "没说清是哪里", "when": clock.spoken(complaint.created_at),
        "state": STATES[complaint.state], "can_accept": complaint.state == "received",
        "accepted_by": acceptor.name if acceptor else "",
    }  # fmt: skip
