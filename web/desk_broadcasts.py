"""The desk's pages of broadcasts: who, what, when, check, signature, sending, and how it went."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from sqlalchemy import select
from starlette.datastructures import FormData

from core import clock
from core.accounts import Account
from core.clock import CHINA
from core.delivery import Priority
from core.errors import MingbaiError
from core.outbox import Outbox, Outgoing
from core.rights import Right, covers
from outreach import progress, wording
from outreach.audience import EXCLUSIONS, Filter
from outreach.broadcast import Broadcasts
from outreach.broadcast_tables import BroadcastRow, SignatureRow, WordingRow
from outreach.categories import CATEGORIES, names_of
from outreach.consent import SMS
from outreach.contacts import Contacts
from outreach.phones import mobile
from outreach.rules import STATUS_NAMES, Status, yuan
from outreach.spoken import group_text, loudspeaker
from outreach.tables import ImportRow
from web.desk_contacts import line_of
from web.desk_frame import DeskFrame, Posted
from web.site import Site

SHOWN = 50


class BadForm(MingbaiError):
    """请检查填的内容。"""


def broadcasts_router(site: Site, broadcasts: Broadcasts, outbox: Outbox) -> APIRouter:
    """``/desk/broadcasts`` and ``/desk/jobs``, for outreach officers."""
    router = APIRouter(prefix="/desk")
    frame = DeskFrame(site)

    def officer(request: Request) -> Account:
        return frame.holder(request, Right.BROADCAST)

    def own(account: Account, number: int) -> BroadcastRow:
        return frame.own(account, BroadcastRow, number)

    def write_page(request: Request, account: Account, shown: dict[str, Any], status: int = 200, error: str = "") -> Response:
        places = [site.regions.get(account.region), *site.regions.children(account.region)]
        villages = site.regions.villages(account.region)
        return frame.page(
            request, "desk_broadcast_write.html", account, status, shown=shown, error=error, categories=CATEGORIES,
            may_warn=account.named, places=[place for place in places if place], villages=villages, spoken=site.regions.spoken,
            office=broadcasts.terms.office, exclusions=EXCLUSIONS,
        )  # fmt: skip

    def show(
        request: Request, account: Account, number: int, status: int = 200, error: str = "", checked: Any = None
    ) -> Response:
        row = own(account, number)
        with site.database.read() as session:
            signers = session.execute(
                select(Account.name, SignatureRow.at, Account.id)
                .join(Account, Account.id == SignatureRow.account_id)
                .where(SignatureRow.broadcast_id == number)
            ).all()
            first = session.scalars(select(WordingRow).where(WordingRow.broadcast_id == number).limit(3)).all()
            villages, excluded = progress.by_village(session, number), progress.excluded(session, number)
            author = session.get_one(Account, row.author_id).name
        who = Filter.loads(row.audience)
        aloud = loudspeaker(first[0].said) if first else ("", 0)
        fates = progress.total(villages)
        return frame.page(
            request, "desk_broadcast.html", account, status, row=row, error=error, checked=checked, first=first, author=author,
            signers=[{"name": each.name, "when": clock.spoken(each.at)} for each in signers],
            has_signed=account.id in {each.id for each in signers}, is_author=account.id == row.author_id,
            status_name=STATUS_NAMES[Status(row.status)], who=who, place=site.regions.spoken(who.region),
            categories=names_of(who.categories), cost=yuan(row.cost), spent=yuan(row.spent),
            start=clock.spoken(row.start_at) if row.start_at else "",
            excluded=excluded, group=group_text(first[0].said) if first else "", aloud=aloud,
            names=progress.FATES, advice=progress.ADVICE, fates=fates,
            villages=[{"place": site.regions.spoken(each.region), "counts": each.counts} for each in villages],
        )  # fmt: skip

    @router.get("/broadcasts")
    def listing(request: Request) -> Response:
        account = officer(request)
        with site.database.read() as session:
            here = select(BroadcastRow).where(BroadcastRow.region.startswith(account.region, autoescape=True))
            rows = session.scalars(here.order_by(BroadcastRow.id.desc()).limit(SHOWN)).all()
        lines = [{"row": row, "status": STATUS_NAMES[Status(row.status)], "when": clock.spoken(row.created_at)} for row in rows]
        return frame.page(request, "desk_broadcasts.html", account, lines=lines)

    @router.get("/broadcasts/new")
    def new(request: Request) -> Response:
        account = officer(request)
        draft = wording.draft("（在这里写要说的事）", broadcasts.terms.office)
        return write_page(request, account, {"region": account.region, "said": draft, "quiet_days": 3})

    @router.post("/broadcasts")
    def write(request: Request, form: Posted) -> Response:
        """Count only, or write the draft and check it."""
        account = officer(request)
        frame.check_form(request, str(form.get("csrf", "")))
        shown = _shown(form)
        try:
            who = _filter(account, form)
            if form.get("count"):
                with site.database.read() as session:
                    shown["count"], some = broadcasts.count(session, who)
                    shown["sample"] = [Contacts(site.vault).person(each) for each in some]
                return write_page(request, account, shown)
            with site.database.begin() as session:
                title, said = shown["title"], shown["said"]
                row = broadcasts.write(
                    session, account, title, said, who, sheet=shown["sheet"], start_at=_moment(shown["start_at"]),
                    mandatory=bool(shown["mandatory"]),
                )  # fmt: skip
                number, checked = row.id, broadcasts.check(session, row.id)
                if checked.problems:
                    raise BadForm("；".join(checked.problems))
        except MingbaiError as error:
            return write_page(request, account, shown, 422, str(error))
        return RedirectResponse(f"/desk/broadcasts/{number}", 303)

    @router.get("/broadcasts/{number}")
    def one(request: Request, number: int) -> Response:
        return show(request, officer(request), number)

    @router.post("/broadcasts/{number}")
    def act(request: Request, number: int, form: Posted) -> Response:
        """A step: sign, start, pause, resume, stop, retry, test."""
        account = officer(request)
        frame.check_form(request, str(form.get("csrf", "")))
        own(account, number)
        try:
            _act(account, number, str(form.get("step", "")), form)
        except MingbaiError as error:
            return show(request, account, number, 422, str(error))
        return RedirectResponse(f"/desk/broadcasts/{number}", 303)

    def _act(account: Account, number: int, step: str, form: FormData) -> None:
        if step == "pause":
            broadcasts.pause(number, account)
        elif step == "resume":
            broadcasts.resume(number, account)
        elif step == "stop":
            broadcasts.stop(number, account)
        else:
            with site.database.begin() as session:
                if step == "sign":
                    broadcasts.sign(session, number, account, str(form.get("digest", "")))
                elif step == "start":
                    broadcasts.start(session, number, account)
                elif step == "retry":
                    broadcasts.retry_failed(session, number, account)
                elif step == "test":
                    text = session.scalars(select(WordingRow).where(WordingRow.broadcast_id == number)).first()
                    if text is None:
                        raise BadForm
                    to, key = mobile(str(form.get("phone", ""))), f"test:{number}:{secrets.token_hex(8)}"
                    outbox.enqueue(session, [Outgoing(key, SMS, to, {"text": text.said}, Priority.REPLY)])
                else:
                    raise HTTPException(422)

    @router.get("/broadcasts/{number}/villages.csv")
    def villages_csv(request: Request, number: int) -> Response:
        own(officer(request), number)
        return _stream("villages", number, _lines(number, visits=False))

    @router.get("/broadcasts/{number}/visits.csv")
    def visits_csv(request: Request, number: int) -> Response:
        account = officer(request)
        own(account, number)
        with site.database.begin() as session:
            site.audit.record(session, account.id, "export", "visits", number)
        return _stream("visits", number, _lines(number, visits=True))

    def _lines(number: int, *, visits: bool) -> Iterator[str]:
        with site.database.read() as session:
            if visits:
                yield from progress.visit_lines(session, site.vault, site.regions, number)
            else:
                yield from progress.csv_lines(session, site.regions, number)

    @router.get("/jobs")
    def jobs(request: Request) -> Response:
        account = officer(request)
        with site.database.read() as session:
            lists = session.scalars(
                select(ImportRow).where(
                    ImportRow.state == "running", ImportRow.region.startswith(account.region, autoescape=True)
                )
            ).all()
            live = (Status.SENDING, Status.PAUSED)
            rows = session.scalars(
                select(BroadcastRow).where(
                    BroadcastRow.status.in_(live), BroadcastRow.region.startswith(account.region, autoescape=True)
                )
            ).all()
            sends = [(row, progress.total(progress.by_village(session, row.id))) for row in rows]
        return frame.page(
            request, "desk_jobs.html", account, lists=[line_of(row) for row in lists],
            sends=[{"row": row, "status": STATUS_NAMES[Status(row.status)], "fates": fates} for row, fates in sends],
            names=progress.FATES,
        )  # fmt: skip

    return router


def _filter(account: Account, form: FormData) -> Filter:
    """Who, out of the form. Raises BadForm."""
    region = str(form.get("village") or form.get("region") or account.region)
    if not region.isdecimal() or not covers(account, region):
        raise BadForm("只能给自己辖区的人发。")
    chosen = [name for name in form.getlist("category") if name in CATEGORIES]
    bits = sum(1 << CATEGORIES.index(str(name)) for name in set(chosen))
    days = {name: str(form.get(name) or "0") for name in ("quiet_days", "unreached_days")}
    if not all(each.isdecimal() and int(each) <= 3650 for each in days.values()):
        raise BadForm("天数要写数字，最多3650。")
    replied = {"yes": True, "no": False}.get(str(form.get("replied", "")))
    unaware_of = str(form.get("sheet", "")).strip()[:40] if form.get("unaware") else ""
    return Filter(region, bits, int(days["quiet_days"]), int(days["unreached_days"]), replied, unaware_of)


def _shown(form: FormData) -> dict[str, Any]:
    """What was filled in, to be shown again."""
    fields = (
        "title",
        "said",
        "region",
        "village",
        "quiet_days",
        "unreached_days",
        "replied",
        "start_at",
        "sheet",
        "mandatory",
        "unaware",
    )
    return {name: str(form.get(name, "")) for name in fields} | {"chosen": form.getlist("category")}


def _moment(said: str) -> datetime | None:
    """A date and time of China, as the browser's field gives it. Raises BadForm."""
    if not said:
        return None
    try:
        return datetime.fromisoformat(said).replace(tzinfo=CHINA)
    except ValueError:
        raise BadForm("时间写得不对，例如 2026-11-25T09:00。") from None


def _stream(name: str, number: int, lines: Iterator[str]) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}-{number}.csv"'}
    return StreamingResponse((line.encode() for line in lines), media_type="text/csv; charset=utf-8", headers=headers)
