"""What the pages stand on, and how a page is rendered."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from markupsafe import Markup, escape

from bot.telling import Telling
from bot.texts import Texts
from bot.unfinished import UnfinishedReports
from cadres.alert import Alerts
from cadres.bulk import Bulk
from cadres.case import Cases
from cadres.complaint import Complaints
from cadres.handoff import Handoffs
from cadres.inbox import Inbox
from cadres.ledger import Ledger, load_columns
from cadres.referral import Referrals
from cadres.sweep import Sweeps
from cadres.warning import Warnings
from cadres.workflow import Workflow
from channels.journal import Journal
from core.audit import Audit
from core.county import County
from core.crypto import Vault
from core.database import Database
from core.regions import Region, Regions
from core.settings import Settings
from knowledge_base.search import Searcher

HERE = Path(__file__).parent
VILLAGE_COOKIE, VILLAGE_LIFE_S = "mingbai_village", 30 * 24 * 3600
TYPE_COOKIE, TYPE_LIFE_S = "mingbai_type", 365 * 24 * 3600


@dataclass
class Site:
    """The domains behind the pages."""

    county: County
    regions: Regions
    database: Database
    vault: Vault
    journal: Journal
    cases: Cases
    complaints: Complaints
    unfinished: UnfinishedReports
    alerts: Alerts
    handoffs: Handoffs
    telling: Telling
    searcher: Callable[[], Searcher]
    texts: Texts
    settings: Settings

    @cached_property
    def audit(self) -> Audit:
        return Audit(self.vault)

    @cached_property
    def referrals(self) -> Referrals:
        return Referrals(self.vault)

    @cached_property
    def inbox(self) -> Inbox:
        return Inbox(self.cases)

    @cached_property
    def bulk(self) -> Bulk:
        return Bulk(self.cases)

    @cached_property
    def ledger(self) -> Ledger:
        file = self.settings.ledger_file
        return Ledger(self.cases, self.regions, load_columns(file) if file.exists() else None)

    @cached_property
    def sweeps(self) -> Sweeps:
        return Sweeps(self.vault, self.cases, self.regions)

    @cached_property
    def warnings(self) -> Warnings:
        return Warnings(self.vault, self.cases, self.regions)

    @cached_property
    def workflow(self) -> Workflow:
        return Workflow(self.cases, self.referrals, self.regions)

    @cached_property
    def templates(self) -> Jinja2Templates:
        templates = Jinja2Templates(HERE / "templates")
        templates.env.filters["rich"] = rich
        return templates

    def page(self, request: Request, name: str, status: int = 200, **context: Any) -> HTMLResponse:
        """A template with what every page needs. ``?type=large`` or ``normal`` chooses the size of type, for a year."""
        asked = request.query_params.get("type")
        large = (asked or request.cookies.get(TYPE_COOKIE)) == "large"
        other = {**request.query_params, "type": "normal" if large else "large"}
        switch = f"?{urlencode(other)}" if request.method == "GET" and status == 200 else ""
        shared = {"county": self.county, "large": large, "type_switch": switch}
        response = self.templates.TemplateResponse(request, name, {**shared, **context}, status_code=status)
        if asked in ("large", "normal"):
            response.set_cookie(
                TYPE_COOKIE, asked, max_age=TYPE_LIFE_S, httponly=True, samesite="lax", secure=self.settings.secure_cookies
            )
        return response

    def village(self, code: str) -> Region | None:
        """A village or community of this county; None for any other code."""
        place = self.regions.get(code) if code.startswith(self.county.code) else None
        return place if place is not None and place.level == "village" else None

    def public_url(self, request: Request) -> str:
        """The address of the pages as people open it, without a slash at its end."""
        return (self.settings.public_url or str(request.base_url)).rstrip("/")


def rich(text: str) -> Markup:
    """Escaped text with its ``**bold**`` as <strong>."""
    # the text is escaped before its stars become tags
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(escape(text))))  # noqa: S704
