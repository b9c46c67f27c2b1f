"""The rest of a log-in: a password that must be changed, the second factor, and what the auditor reads."""

from __future__ import annotations

import io

import segno
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup

from core import clock
from core.accounts import Account, PasswordRefused, change_password, session_of
from core.rights import Right
from core.second_factor import WrongCode, address_for, confirm_code, offer_secret
from web.desk_frame import SESSION_COOKIE, DeskFrame
from web.site import Site

SHOWN = 200  # newest rows of the audit log


def entry_router(site: Site) -> APIRouter:
    """``/desk/password``, ``/desk/code``, ``/desk/audit``."""
    router = APIRouter(prefix="/desk")
    frame = DeskFrame(site)

    @router.get("/password")
    async def password_page(request: Request, done: int = 0) -> Response:
        row = frame.log_in_of(request)
        return frame.page(request, "desk_password.html", row.account, must=row.account.must_change, done=done)

    @router.post("/password")
    def password(request: Request, old: str = Form(""), new: str = Form(""), csrf: str = Form("")) -> Response:
        frame.check_form(request, csrf)
        account = frame.log_in_of(request).account
        try:
            _change_password(site, request, account.id, old, new)
        except PasswordRefused as error:
            return frame.page(request, "desk_password.html", account, 422, must=account.must_change, error=str(error))
        return RedirectResponse("/desk/password?done=1", 303)

    @router.get("/code")
    def code_page(request: Request) -> Response:
        row = frame.log_in_of(request)
        return RedirectResponse("/desk", 303) if row.verified else _code_page(site, frame, request, row.account.id)

    @router.post("/code")
    def code(request: Request, code: str = Form(""), csrf: str = Form("")) -> Response:
        frame.check_form(request, csrf)
        row = frame.log_in_of(request)
        try:
            _confirm(site, request, code)
        except WrongCode as error:
            return _code_page(site, frame, request, row.account.id, str(error))
        return RedirectResponse("/desk", 303)

    @router.get("/audit")
    def audit(request: Request, check: int = 0) -> Response:
        """The newest rows; ``check`` goes through the whole chain, which takes a while where there are many."""
        account = frame.holder(request, Right.READ_AUDIT)
        with site.database.read() as session:
            head, rows = site.audit.head(session), site.audit.newest(session, SHOWN)
            verdict = site.audit.verify(session) if check else None
        lines = [{"row": row, "when": clock.spoken(row.at)} for row in rows]
        return frame.page(request, "desk_audit.html", account, verdict=verdict, head=head, lines=lines)

    return router


def _change_password(site: Site, request: Request, account_id: int, old: str, new: str) -> None:
    refused: PasswordRefused | None = None
    with site.database.begin() as session:
        account = session.get_one(Account, account_id)
        try:
            change_password(session, account, old, new, request.cookies.get(SESSION_COOKIE, ""))
            site.audit.record(session, account_id, "password", "account", account_id)
        except PasswordRefused as error:  # a refused try is committed too: failures are counted
            refused = error
    if refused is not None:
        raise refused


def _confirm(site: Site, request: Request, code: str) -> None:
    refused: WrongCode | None = None
    with site.database.begin() as session:
        row = session_of(session, request.cookies.get(SESSION_COOKIE, ""))
        try:
            if row is None:
                raise WrongCode
            confirm_code(session, site.vault, row, code.strip())
        except WrongCode as error:
            refused = error
    if refused is not None:
        raise refused


def _code_page(site: Site, frame: DeskFrame, request: Request, account_id: int, error: str = "") -> Response:
    """The form for the code; until a first code was confirmed, with what the phone is to learn."""
    with site.database.begin() as session:
        account = session.get_one(Account, account_id)
        is_new = account.totp_step == 0
        secret = offer_secret(site.vault, account)
    picture = io.BytesIO()
    if is_new:
        segno.make(address_for(secret, account), error="m").save(picture, kind="svg", scale=5, xmldecl=False, svgclass="qr")
    shown = {"secret": secret, "qr": Markup(picture.getvalue().decode())} if is_new else {}  # noqa: S704  # segno's own SVG
    return frame.page(request, "desk_code.html", account, 401 if error else 200, error=error, **shown)
