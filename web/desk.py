"""The desk: cadres log in, see the cases of their own jurisdiction, urgent first, and accept them."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from bot.records import wants_notices
from cadres.case import STATES, Case, NoSuchCase
from cadres.duplicates import likely_duplicates
from core import clock
from core.accounts import Account, LoginLocked, LoginRefused, log_in, log_out
from core.county import duty_phone
from core.demo import demo_accounts
from core.rights import ROLES, Right, may
from knowledge_base.text import clean
from web.desk_frame import DANGERS, SESSION_COOKIE, DeskFrame
from web.desk_reports import unfinished_rows
from web.site import Site

MORE = {
    "whom": "替谁报的", "relation": "报的人是", "household": "几口人",
    "ill": "病和残疾", "income": "收入", "helped": "以前的帮助",
}  # fmt: skip


# where those start who have no cases
HOMES = {Right.KEEP_SHEETS: "/desk/sheets", Right.READ_AUDIT: "/desk/audit"}


def desk_router(site: Site) -> APIRouter:
    """``/desk`` and below. Every route but the log-in needs a session."""
    router = APIRouter(prefix="/desk")
    frame = DeskFrame(site)

    def login_page(request: Request, error: str | None = None, status: int = 200) -> Response:
        known = demo_accounts(site.county) if site.county.demo else []
        nonce = secrets.token_hex(8)
        response = site.page(request, "desk_login.html", status, error=error, demo_accounts=known, csrf=frame.token(nonce))
        response.set_cookie("mingbai_login", nonce, httponly=True, samesite="strict", secure=site.settings.secure_cookies)
        return response

    @router.get("/login")
    async def login_form(request: Request) -> Response:
        return login_page(request)

    @router.post("/login")
    async def login(request: Request, username: str = Form(""), password: str = Form(""), csrf: str = Form("")) -> Response:
        frame.check(csrf, request.cookies.get("mingbai_login", ""))
        try:
            token = await asyncio.to_thread(_log_in, site, clean(username, 40), password)
        except (LoginRefused, LoginLocked) as error:
            return login_page(request, str(error), 401)
        response = RedirectResponse("/desk", 303)
        response.set_cookie(
            SESSION_COOKIE, token, max_age=site.settings.session_hours * 3600, httponly=True, samesite="strict",
            secure=site.settings.secure_cookies,
        )  # fmt: skip
        return response

    @router.post("/logout")
    async def logout(request: Request, csrf: str = Form("")) -> Response:
        token = request.cookies.get(SESSION_COOKIE, "")
        frame.check_form(request, csrf)
        with site.database.begin() as session:
            log_out(session, token)
        response = RedirectResponse("/desk/login", 303)
        response.delete_cookie(SESSION_COOKIE)
        return response

    @router.get("")
    async def queue(request: Request) -> Response:
        account = frame.account(request)
        if not may(account, Right.WORK_CASES):
            return RedirectResponse(next((page for right, page in HOMES.items() if may(account, right)), "/desk/password"), 303)
        with site.database.read() as session:
            cases = site.cases.queue(session, account)
            counts = site.cases.counts(session, account)
            unfinished = unfinished_rows(site, session, account)
            complaints = site.complaints.waiting(session, account)
        villages = len(site.regions.villages(account.region))
        groups = _by_village(site, cases)
        return frame.page(
            request, "desk.html", account, counts={"urgent": 0, "routine": 0, **counts}, groups=groups,
            unfinished=unfinished, complaints=complaints, sees_complaints=len(account.region) < 12,
            villages_quiet=max(villages - len({case.region for case in cases if len(case.region) == 12}), 0),
        )  # fmt: skip

    @router.get("/cases/{number}")
    async def case_page(request: Request, number: str, done: str = "") -> Response:
        account = frame.cadre(request)
        with site.database.read() as session:
            case = _visible_case(site, session, account, number)
            said = site.cases.messages(session, case)
            alike = [
                {"number": other.case.number, "url": f"/desk/cases/{other.case.number}", "same_phone": other.same_phone}
                for other in likely_duplicates(session, site.cases, account, case)
            ]
            acceptor = session.get(Account, case.accepted_by) if case.accepted_by else None
            alert = _alert_view(site, session, case)
        messages = [{"who": line.who, "text": line.text, "when": clock.spoken(line.at)} for line in said]
        view = {**_detail(site, case), "accepted_by": acceptor.name if acceptor else "", "url": f"/desk/cases/{case.number}"}
        flash = "已受理，村民会收到一条消息。" if done and case.accepted_by == account.id else None
        return frame.page(request, "desk_case.html", account, case=view, messages=messages, alert=alert, flash=flash, alike=alike)

    @router.post("/cases/{number}/accept")
    async def accept(request: Request, number: str, csrf: str = Form("")) -> Response:
        account = frame.cadre(request)
        frame.check_form(request, csrf)
        with site.database.begin() as session:
            case = _visible_case(site, session, account, number)
            accepted = site.cases.accept(session, case, account)
            office = site.regions.spoken(account.region) or account.name
            # who reported for somebody else learns only that it was passed on
            passed_on = site.texts.say("notice_passed_on", number=case.number) if case.proxy else ""
            said = passed_on or site.texts.say("notice_accepted", number=case.number, office=office)
            if accepted:
                site.alerts.acknowledge(session, case, account)  # who accepts it has seen it
                site.cases.add_messages(session, case, [("cadre", said)])
                if wants_notices(session, case.conversation):
                    site.journal.notify(case.conversation, said, session=session)
        return RedirectResponse(f"/desk/cases/{case.number}{'?done=1' if accepted else ''}", 303)

    return router


def _visible_case(site: Site, session: Session, account: Account, number: str) -> Case:
    try:
        return site.cases.visible(session, account, number)
    except NoSuchCase as error:
        raise HTTPException(404, str(error)) from None


def _log_in(site: Site, username: str, password: str) -> str:
    """The session token. A refused try is committed too: failures are counted."""
    with site.database.begin() as session:
        try:
            return log_in(session, username, password, site.settings.session_hours)
        except (LoginRefused, LoginLocked) as error:
            refused: Exception = error
    raise refused


def _by_village(site: Site, cases: list[Case]) -> list[dict[str, Any]]:
    """The queue grouped by village, in the queue's own order: the village of the first urgent case comes first."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for case in cases:
        details = site.cases.details(case)
        summary = details.event if len(details.event) <= 60 else details.event[:58] + "……"
        groups.setdefault(_place(site, case), []).append(
            {
                "number": case.number, "url": f"/desk/cases/{case.number}", "urgency": case.urgency,
                "danger": DANGERS.get(case.danger or "", ""), "state": STATES[case.state], "summary": summary,
                "when": clock.spoken(case.created_at),
                "waiting": clock.waited(case.created_at) if case.state == "reported" else "",
            }
        )  # fmt: skip
    return [{"village": village, "cases": rows} for village, rows in groups.items()]


def _place(site: Site, case: Case) -> str:
    if len(case.region) < 12:
        return f"{site.county.name} · 村未知（县级兜底）"
    return site.regions.spoken(case.region).removeprefix(site.county.name)


def _alert_view(site: Site, session: Session, case: Case) -> dict[str, Any] | None:
    """How a case's alert stands, and who was called."""
    alert = site.alerts.of_case(session, case)
    if alert is None:
        return None
    seen_by = session.get(Account, alert.seen_by) if alert.seen_by else None
    duty = f"县值班电话 {duty_phone(session)}"
    called = [
        {"who": f"{call.name} {ROLES.get(call.role, '')}" if call.name else duty, "when": clock.spoken(call.at)}
        for call in site.alerts.called(session, case)
    ]
    seen = f"{seen_by.name}，{clock.spoken(alert.seen_at)}" if seen_by and alert.seen_at else ""
    return {"rings": alert.state == "ringing", "seen": seen, "called": called}


def _detail(site: Site, case: Case) -> dict[str, Any]:
    details = site.cases.details(case)
    return {
        "number": case.number, "urgency": case.urgency, "danger": DANGERS.get(case.danger or "", ""),
        "state": STATES[case.state], "place": details.place or _place(site, case), "event": details.event,
        "contact": details.contact.removeprefix("+86"), "contact_href": f"tel:{details.contact}" if details.contact else "",
        "when": clock.spoken(case.created_at), "accepted_when": clock.spoken(case.accepted_at) if case.accepted_at else "",
        "can_accept": case.state == "reported", "proxy": case.proxy,
        "more": [(label, value) for name, label in MORE.items() if (value := getattr(details, name))],
    }  # fmt: skip
