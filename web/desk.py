"""The door of the desk: logging in and out."""

from __future__ import annotations

import asyncio
import secrets

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from core.accounts import LoginLocked, LoginRefused, log_in, log_out
from core.demo import demo_accounts
from knowledge_base.text import clean
from web.desk_cases import cases_router
from web.desk_figures import figures_router
from web.desk_frame import SESSION_COOKIE, DeskFrame
from web.desk_ledger import ledger_router
from web.desk_referrals import referrals_router
from web.desk_sweeps import sweeps_router
from web.site import Site


def login_router(site: Site) -> APIRouter:
    """``/desk/login`` and ``/desk/logout``."""
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

    return router


def _log_in(site: Site, username: str, password: str) -> str:
    """The session token. A refused try is committed too: failures are counted."""
    with site.database.begin() as session:
        try:
            return log_in(session, username, password, site.settings.session_hours)
        except (LoginRefused, LoginLocked) as error:
            refused: Exception = error
    raise refused


def desk_router(site: Site) -> APIRouter:
    """Everything that a cadre works with: the door, the cases, what departments are asked."""
    router = APIRouter()
    for part in (
        login_router(site),
        cases_router(site),
        ledger_router(site),
        referrals_router(site),
        figures_router(site),
        sweeps_router(site),
    ):
        router.include_router(part)
    return router
