"""What the pages stand on, and how a page is rendered."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from markupsafe import Markup, escape

from bot.telling import Telling
from bot.texts import Texts
from cadres.alert import Alerts
from cadres.case import Cases
from cadres.handoff import Handoffs
from channels.journal import Journal
from core.county import County
from core.crypto import Vault
from core.database import Database
from core.regions import Regions
from core.settings import Settings
from knowledge_base.search import Searcher

HERE = Path(__file__).parent


@dataclass
class Site:
    """The domains behind the pages."""

    county: County
    regions: Regions
    database: Database
    vault: Vault
    journal: Journal
    cases: Cases
    alerts: Alerts
    handoffs: Handoffs
    telling: Telling
    searcher: Callable[[], Searcher]
    texts: Texts
    settings: Settings

    @cached_property
    def templates(self) -> Jinja2Templates:
        templates = Jinja2Templates(HERE / "templates")
        templates.env.filters["rich"] = rich
        return templates

    def page(self, request: Request, name: str, status: int = 200, **context: Any) -> HTMLResponse:
        """A template with what every page needs."""
        return self.templates.TemplateResponse(request, name, {"county": self.county, **context}, status_code=status)


def rich(text: str) -> Markup:
    """Escaped text with its ``**bold**`` as <strong>."""
    # the text is escaped before its stars become tags
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(escape(text))))  # noqa: S704
