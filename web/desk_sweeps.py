"""Sweeps on the desk: open one, look at the households one by one, see what is left by village."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Path, Request, Response
from fastapi.responses import RedirectResponse

from cadres.case import number_of
from cadres.inbox import last_day
from cadres.sweep import AT_ONCE, RESULTS, LeftOut, NoSuchSweep, NotNow
from core import clock
from core.accounts import Account
from core.rights import Right, covers, may
from knowledge_base.text import clean
from web.desk_frame import DeskFrame
from web.site import Site

RowId = Annotated[int, Path(ge=1, le=2**31 - 1)]
FormId = Annotated[int, Form(ge=1, le=2**31 - 1)]


def sweeps_router(site: Site) -> APIRouter:
    """``/desk/sweeps`` and below, for cadres."""
    router = APIRouter(prefix="/desk/sweeps")
    frame = DeskFrame(site)

    @router.get("")
    def listing(request: Request) -> Response:
        return _listing(site, frame, request, frame.cadre(request))

    @router.post("")
    def open_one(
        request: Request, region: str = Form(""), title: str = Form(""), days: str = Form(""), csrf: str = Form("")
    ) -> Response:
        account = frame.holder(request, Right.SUPERVISE)
        frame.check_form(request, csrf)
        lasts = int(days) if days.isascii() and days.isdigit() and len(days) < 4 else 0
        with site.database.begin() as session:
            sweep = site.sweeps.open(session, account, region, clean(title, 60), lasts)
            if sweep is not None:
                site.audit.record(session, account.id, "open", "sweep", sweep.id, region)
        if sweep is None:
            return _listing(site, frame, request, account, "要选您辖区的地方，写名称，1到60天。村里不能开。")
        return RedirectResponse(f"/desk/sweeps/{sweep.id}", 303)

    @router.get("/{sweep}")
    def one(request: Request, sweep: RowId, case: str = "") -> Response:
        return _one(site, frame, request, frame.cadre(request), sweep, case)

    @router.post("/{sweep}/check")
    def check(
        request: Request, sweep: RowId, household: FormId, result: str = Form(""), found: str = Form(""), csrf: str = Form("")
    ) -> Response:
        account = frame.cadre(request)
        frame.check_form(request, csrf)
        try:
            with site.database.begin() as session:
                done = site.sweeps.check(session, account, sweep, household, result, clean(found, 500))
                site.audit.record(session, account.id, result, "household", household, f"sweep {sweep}")
        except NoSuchSweep as error:
            raise HTTPException(404, str(error)) from None
        except NotNow as error:
            raise HTTPException(409, str(error)) from None
        return RedirectResponse(f"/desk/sweeps/{sweep}{f'?case={number_of(done.case_id)}' if done.case_id else ''}", 303)

    @router.post("/{sweep}/close")
    def close(request: Request, sweep: RowId, csrf: str = Form("")) -> Response:
        account = frame.holder(request, Right.SUPERVISE)
        frame.check_form(request, csrf)
        try:
            with site.database.begin() as session:
                site.sweeps.close(session, account, sweep)
                site.audit.record(session, account.id, "close", "sweep", sweep)
        except NoSuchSweep as error:
            raise HTTPException(404, str(error)) from None
        except LeftOut as error:
            raise HTTPException(409, str(error)) from None
        return RedirectResponse("/desk/sweeps", 303)

    return router


def _listing(site: Site, frame: DeskFrame, request: Request, account: Account, error: str = "") -> Response:
    with site.database.read() as session:
        sweeps = site.sweeps.listed(session, account)
        rows = [
            {
                "url": f"/desk/sweeps/{one.id}", "title": one.title, "place": site.regions.spoken(one.region),
                "due": last_day(one.due_at), "closed": one.closed_at is not None,
                "late": one.closed_at is None and one.due_at < clock.now(),
                "left": sum(row.left for row in site.sweeps.coverage(session, account, one)),
            }
            for one in sweeps
        ]  # fmt: skip
    opens = may(account, Right.SUPERVISE) and account.role != "village"
    own = site.regions.get(account.region)
    below = [own, *site.regions.children(account.region)] if own is not None else []
    places = [(place.code, site.regions.spoken(place.code)) for place in below] if opens else []
    return frame.page(request, "desk_sweeps.html", account, 422 if error else 200, rows=rows, places=places, error=error)


def _one(site: Site, frame: DeskFrame, request: Request, account: Account, sweep_id: int, case: str) -> Response:
    with site.database.begin() as session:
        try:
            sweep = site.sweeps.visible(session, account, sweep_id)
        except NoSuchSweep as error:
            raise HTTPException(404, str(error)) from None
        left = [] if sweep.closed_at else site.sweeps.to_check(session, account, sweep)
        coverage = site.sweeps.coverage(session, account, sweep)
        site.audit.record(session, account.id, "list", "households", f"sweep {sweep.id}", f"{len(left)} shown")
    shown = {
        "url": f"/desk/sweeps/{sweep.id}", "title": sweep.title, "place": site.regions.spoken(sweep.region),
        "due": last_day(sweep.due_at), "closed": sweep.closed_at is not None,
        "ends": covers(account, sweep.region) and may(account, Right.SUPERVISE),
    }  # fmt: skip
    households = [
        {
            "id": one.id, "place": site.regions.spoken(one.region).removeprefix(site.county.name), "name": one.name,
            "phone": one.phone.removeprefix("+86"), "people": one.people, "away": one.away,
        }
        for one in left
    ]  # fmt: skip
    rows = [{"row": row, "place": site.regions.spoken(row.region).removeprefix(site.county.name)} for row in coverage]
    return frame.page(
        request, "desk_sweep.html", account, sweep=shown, households=households, rows=rows, results=RESULTS, at_once=AT_ONCE,
        filed=case if case.isascii() and case.isdigit() else "", left=sum(row.left for row in coverage),
        total=sum(row.households for row in coverage),
    )  # fmt: skip
