"""一码通: what a poster's code leads to, and the desk's page of codes: make them, print them, see the scans, replace them."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from core import clock
from core.accounts import Account
from core.county import contacts_for
from core.rights import Right, covers
from core.village_code import NoSuchCode, VillageCode, code_of, codes_below, issue, reissue, revoke, scanned
from web.desk_frame import DeskFrame
from web.poster import Poster, posters_pdf
from web.site import Site

HOME = "/desk/codes"
GONE = "这个码已经换了，请扫村里新贴的。急事打12345，有人有生命危险打110、120。"
SHEETS_AT_ONCE = 60  # posters of one PDF: about a township


def codes_router(site: Site) -> APIRouter:
    """``/c/{token}``, and ``/desk/codes`` and below for who supervises a place."""
    router = APIRouter()
    frame = DeskFrame(site)

    @router.get("/c/{token}")
    async def scan(token: str) -> Response:
        return await asyncio.to_thread(_scan, site, token)

    @router.get(HOME)
    def codes(request: Request) -> Response:
        account = frame.holder(request, Right.SUPERVISE)
        with site.database.read() as session:
            rows = codes_below(session, account.region)
        towns = _by_town(site, rows)
        missing = len(_villages(site, account)) - len(rows)
        return frame.page(
            request, "desk_codes.html", account, towns=towns, missing=missing, home=HOME, at_once=SHEETS_AT_ONCE, here="codes"
        )

    @router.post(HOME)
    def make(request: Request, csrf: str = Form("")) -> Response:
        account = frame.holder(request, Right.SUPERVISE)
        frame.check_form(request, csrf)
        with site.database.begin() as session:
            new = issue(session, _villages(site, account), account.id)
            site.audit.record(session, account.id, "issue", "codes", account.region, str(len(new)))
        return RedirectResponse(HOME, 303)

    @router.get(f"{HOME}/posters.pdf")
    def posters(request: Request, place: str = "") -> Response:
        account = frame.holder(request, Right.SUPERVISE)
        if not covers(account, place) or not place.isdigit():
            raise HTTPException(404)
        with site.database.read() as session:
            rows = codes_below(session, place)[:SHEETS_AT_ONCE]
            drawn = [_poster(site, request, row, contacts_for(session, row.village)) for row in rows]
        if not drawn:
            raise HTTPException(404, "这里还没有码，请先生成。")
        headers = {"Content-Disposition": f'inline; filename="posters-{place}.pdf"'}
        return Response(posters_pdf(drawn), media_type="application/pdf", headers=headers)

    @router.post(f"{HOME}/{{token}}/{{deed}}")
    def change(request: Request, token: str, deed: str, csrf: str = Form("")) -> Response:
        account = frame.holder(request, Right.SUPERVISE)
        frame.check_form(request, csrf)
        if deed not in ("revoke", "reissue"):
            raise HTTPException(404)
        with site.database.begin() as session:
            code = code_of(session, token)
            if code is None or not covers(account, code.village):
                raise HTTPException(404, str(NoSuchCode()))
            try:
                if deed == "reissue":
                    reissue(session, token, account.id)
                else:
                    revoke(session, token)
            except NoSuchCode as error:
                raise HTTPException(404, str(error)) from None
            site.audit.record(session, account.id, deed, "codes", code.village, token)
        return RedirectResponse(HOME, 303)

    return router


def _scan(site: Site, token: str) -> Response:
    """The village's page, and one scan more; a code that was replaced leads to words that say so."""
    with site.database.begin() as session:
        code = code_of(session, token)
        if code is None:
            raise HTTPException(404)
        if code.revoked_at is not None:
            raise HTTPException(410, GONE)
        scanned(session, token)
        return RedirectResponse(f"/v/{code.village}", 303, {"Cache-Control": "no-store"})


def _villages(site: Site, account: Account) -> list[str]:
    """The villages of an account's place."""
    if site.village(account.region) is not None:
        return [account.region]
    places = site.regions.children(account.region)
    if account.region == site.county.code:
        places = [village for town in places for village in site.regions.children(town.code)]
    return [place.code for place in places if place.level == "village"]


def _by_town(site: Site, rows: list[VillageCode]) -> list[dict[str, Any]]:
    towns: dict[str, dict[str, Any]] = {}
    for row in rows:
        town = site.regions.get(row.village[:9])
        shown = towns.setdefault(row.village[:9], {"code": row.village[:9], "name": town.short if town else "", "rows": []})
        place = site.regions.get(row.village)
        shown["rows"].append(
            {
                "token": row.token, "village": place.short if place else row.village, "code": row.village, "scans": row.scans,
                "last": clock.spoken(row.scanned_at) if row.scanned_at else "",
            }
        )  # fmt: skip
    for town_shown in towns.values():
        town_shown["scans"] = sum(row["scans"] for row in town_shown["rows"])
    return list(towns.values())


def _poster(site: Site, request: Request, row: VillageCode, people: list[Any]) -> Poster:
    place = site.regions.get(row.village)
    return Poster(
        village=place.short if place else row.village, county=site.county.name,
        address=f"{site.public_url(request)}/c/{row.token}",
        contacts=tuple(f"{person.role}{person.name} {person.phone}" for person in people[:2]),
        sms=site.settings.sms_number or "",
    )  # fmt: skip
