"""The desk's page on which the county confirms the criteria of a pre-check, or takes that back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from core import clock
from core.accounts import Account
from knowledge_base.confirmation import BadFigure, confirm, confirmed_precheck, latest, withdraw
from knowledge_base.criteria import Criteria
from knowledge_base.precheck import VERDICTS
from web.desk_frame import DeskFrame
from web.site import Site


def desk_precheck_router(site: Site) -> APIRouter:
    """``/desk/precheck``, for the county's level and for editors; to others it does not exist."""
    router = APIRouter(prefix="/desk/precheck")
    frame = DeskFrame(site)

    def allowed(request: Request) -> Account:
        account = frame.account(request)
        if not frame.keeps_criteria(account):
            raise HTTPException(404)
        return account

    def criteria_of(region: str, name: str) -> Criteria:
        found = {(sheet, place): criteria for sheet, place, criteria in _all(site)}.get((name, region))
        if found is None:
            raise HTTPException(404)
        return found

    def show(request: Request, account: Account, status: int = 200, error: str = "", at: str = "") -> Response:
        listed = [_view(site, *row) for row in _all(site)]
        return frame.page(request, "desk_precheck.html", account, status, sheets=listed, error=error, at=at, verdicts=VERDICTS)

    @router.get("")
    async def listing(request: Request) -> Response:
        return show(request, allowed(request))

    @router.post("/{region}/{name}")
    async def decide(request: Request, region: str, name: str) -> Response:
        account = allowed(request)
        form = await request.form()
        frame.check_form(request, str(form.get("csrf", "")))
        criteria = criteria_of(region, name)
        try:
            with site.database.begin() as session:
                if form.get("withdraw"):
                    withdraw(session, name, region, criteria, by=account.name, account_id=account.id)
                else:
                    _check_seen(criteria, str(form.get("digest", "")))
                    figures = _figures(criteria, form)
                    confirm(session, name, region, criteria, figures, by=account.name, account_id=account.id)
        except BadFigure as error:
            return show(request, account, 422, str(error), f"{region}/{name}")
        return RedirectResponse(f"/desk/precheck#{name}", 303)

    return router


def _all(site: Site) -> list[tuple[str, str, Criteria]]:
    return site.searcher().with_criteria(site.county.code, clock.today())


def _check_seen(criteria: Criteria, digest: str) -> None:
    """Raises BadFigure when the criteria are no longer those that stood on the page."""
    if digest != criteria.digest:
        raise BadFigure("条件刚刚改过，请重新看一遍再确认。")


def _figures(criteria: Criteria, form: Mapping[str, Any]) -> dict[str, int]:
    said = {figure.id: str(form.get(f"figure_{figure.id}", "")).strip() for figure in criteria.figures}
    return {name: int(text) for name, text in said.items() if text.isascii() and text.isdigit() and len(text) <= 9}


def _view(site: Site, name: str, region: str, criteria: Criteria) -> dict[str, Any]:
    hits = site.searcher().siblings(name, region, clock.today())
    with site.database.read() as session:
        row = latest(session, name, region)
        on = confirmed_precheck(session, name, region, criteria)
    figures = [
        {
            "id": figure.id, "name": figure.name, "unit": figure.unit,
            "value": on.figures[figure.id] if on else figure.value or "",
            "sources": "；".join(source.label for source in figure.sources),
        }
        for figure in criteria.figures
    ]  # fmt: skip
    rules = [
        {**vars(rule), "source": "；".join(source.label for source in rule.sources), "reason": _named(rule.reason, criteria)}
        for rule in criteria.rules
    ]
    return {
        "id": name, "region": region, "title": hits[0].sheet_title, "year": criteria.year, "place": criteria.place,
        "questions": criteria.questions, "rules": rules, "figures": figures, "digest": criteria.digest, "on": on is not None,
        "last": {"by": row.by, "when": clock.spoken(row.at), "standing": row.standing, "year": row.year} if row else None,
    }  # fmt: skip


def _named(text: str, criteria: Criteria) -> str:
    """A rule's text with its figures by name: what the county has not entered yet has no number."""
    return text.format(**{figure.id: f"【{figure.name}】" for figure in criteria.figures})
