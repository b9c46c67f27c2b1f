"""The dashboard of a place with the way down to its villages, and the auditor's sample of refusals."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response

from cadres.case import STATES
from cadres.figures import Figures, Row, by_month, figures, refusal_sample
from cadres.intake import ORIGINS
from core import clock
from core.rights import Right
from web.desk_frame import DeskFrame
from web.site import Site

SAMPLE = 20
DAYS = 90
OUTCOMES = ("admitted", "refused", "withdrawn", "closed")


def figures_router(site: Site) -> APIRouter:
    """``/desk/figures`` and ``/desk/refusals``."""
    router = APIRouter(prefix="/desk")
    frame = DeskFrame(site)

    @router.get("/figures")
    def page(request: Request, region: str = "", since: str = "", until: str = "") -> Response:
        account = frame.holder(request, Right.SUPERVISE)
        place = region or account.region
        first, last = _day(since, clock.today() - timedelta(days=DAYS)), _day(until, clock.today())
        with site.database.read() as session:
            found = figures(session, site.regions, account, place, first, last)
            if found is None:
                raise HTTPException(404)
            months = by_month(session, account, place)
        view = _view(site, found, months)
        up = place[: {12: 9, 9: 6}.get(len(place), 0)] if len(place) > len(account.region) else ""
        return frame.page(
            request, "desk_figures.html", account, place=site.regions.spoken(place) or place, region=place, up=up,
            since=first.isoformat(), until=last.isoformat(), **view,
        )  # fmt: skip

    @router.get("/refusals")
    def refusals(request: Request) -> Response:
        account = frame.holder(request, Right.READ_AUDIT)
        month = clock.today().isoformat()[:7]
        with site.database.begin() as session:
            drawn = refusal_sample(session, site.cases, account, SAMPLE, month)
            site.audit.record(session, account.id, "sample", "refusals", month, f"{len(drawn)} drawn")
        rows = [{"row": one, "place": site.regions.spoken(one.region), "when": clock.spoken(one.at)} for one in drawn]
        return frame.page(request, "desk_refusals.html", account, rows=rows, month=month)

    return router


def _view(site: Site, found: Figures, months: list[tuple[str, int]]) -> dict[str, Any]:
    steps = {step.state: step.title for step in site.cases.plan.steps}
    return {
        "rows": [_row(site, row) for row in found.rows], "total": _row(site, found.total),
        "months": _bars(months), "late": _bars([(steps.get(state, state), count) for state, count in found.late.most_common()]),
        "origins": _bars([(ORIGINS.get(origin, origin), count) for origin, count in found.origins.most_common()]),
        "paused": _bars(found.paused.most_common()),
        "outcomes": _bars([(STATES[state], found.total.states[state]) for state in OUTCOMES]),
        "silent": [site.regions.spoken(code).removeprefix(site.county.name) for code in found.silent],
    }  # fmt: skip


def _row(site: Site, row: Row) -> dict[str, Any]:
    visit = row.visit_median
    return {
        "code": row.place, "name": site.regions.spoken(row.place).removeprefix(site.county.name) or site.county.name,
        "reported": row.reported, "open": row.open, "overdue": row.overdue, "admitted": row.states["admitted"],
        "refused": row.states["refused"], "other": row.states["withdrawn"] + row.states["closed"],
        "visit": "" if visit is None else f"{visit:.0f}小时" if visit < 48 else f"{visit / 24:.1f}天",
        "visited": len(row.visit_hours),
    }  # fmt: skip


def _bars(counts: list[tuple[str, int]]) -> list[dict[str, Any]]:
    """Bars of a chart: label, number, and length in hundredths of the longest."""
    most = max((count for _, count in counts), default=0)
    return [{"label": label, "count": count, "length": round(100 * count / most) if most else 0} for label, count in counts]


def _day(typed: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(typed) if typed else otherwise
    except ValueError:
        raise HTTPException(422, "日期要像 2026-11-24。") from None
