"""The desk's cases: folders, lists, search, the file with what can be done, handing many to one person, typing one in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from bot.records import wants_notices
from cadres.bulk import AT_ONCE, Handed, NoSuchBatch
from cadres.case import Case, NoSuchCase
from cadres.duplicates import likely_duplicates
from cadres.form import BadForm
from cadres.inbox import PAGE, Folder
from cadres.intake import FORM, type_in
from cadres.replies import replies
from cadres.workflow import NotAllowed, Stale
from core import clock
from core.accounts import Account
from core.rights import UNITS, Right, may
from knowledge_base.text import clean
from web.desk_frame import DeskFrame
from web.desk_reports import unfinished_rows
from web.desk_view import (
    BIG,
    DEEDS,
    FOLDERS,
    ONE_TAP,
    alert_view,
    file_view,
    folders_view,
    form_of,
    history_view,
    looks_view,
    rows_view,
)
from web.site import Site

# where those start who have no cases
HOMES = {
    Right.KEEP_SHEETS: "/desk/sheets",
    Right.READ_AUDIT: "/desk/audit",
    Right.ANSWER_REFERRALS: "/desk/referrals",
    Right.BROADCAST: "/desk/broadcasts",
}
FRESH = "x-fresh"  # the page's script asks again for what its owner has open already: no new look


def cases_router(site: Site) -> APIRouter:
    """``/desk`` itself, ``/desk/cases``, ``/desk/new``, ``/desk/assign``. Everything is a cadre's own jurisdiction only."""
    router = APIRouter(prefix="/desk")
    frame = DeskFrame(site)

    @router.get("")
    def inbox(
        request: Request, folder: Folder = Folder.OPEN, page: int = 0, handed: int = 0, left: int = 0, batch: int = 0
    ) -> Response:
        account = frame.account(request)
        if not may(account, Right.WORK_CASES):
            return RedirectResponse(next((home for right, home in HOMES.items() if may(account, right)), "/desk/password"), 303)
        page = min(max(page, 0), 10_000)
        with site.database.begin() as session:
            view = _list_view(site, session, account, folder, page)
            view["unfinished"] = unfinished_rows(site, session, account)
            view["complaints"] = site.complaints.waiting(session, account)
            view["incoming"] = rows_view(site, session, site.inbox.incoming(session, account))
            view["people"] = [
                {"id": one.id, "name": f"{one.name} {site.regions.spoken(one.region)}"}
                for one in site.bulk.people(session, account)
            ]
            if FRESH not in request.headers:
                site.audit.record(session, account.id, "list", "cases", folder.value, f"page {page}")
        view["handed"] = {"count": handed, "left": left, "batch": batch} if batch else None
        return frame.page(request, "desk.html", account, sees_complaints=len(account.region) < 12, at_once=AT_ONCE, **view)

    @router.get("/search")
    def search(request: Request, q: str = "") -> Response:
        account, typed = frame.cadre(request), clean(q, 60)
        with site.database.begin() as session:
            found = site.inbox.search(session, account, typed) if typed else None
            rows = rows_view(site, session, found.cases) if found else []
            folders = folders_view(site.inbox.counts(session, account), None, account)
            site.audit.record(session, account.id, "search", "cases", "", f"{len(rows)} found")
        partial = found is not None and found.partial
        return frame.page(request, "desk_search.html", account, folders=folders, rows=rows, typed=typed, partial=partial)

    @router.get("/cases/{number}")
    def case_page(
        request: Request, number: str, do: str = "", folder: Folder = Folder.OPEN, done: str = "", reply: str = ""
    ) -> Response:
        return _case_page(site, frame, request, frame.cadre(request), number, do=do, folder=folder, done=done, reply=reply)

    @router.post("/cases/{number}/do")
    async def act(request: Request, number: str) -> Response:
        account, typed = frame.cadre(request), await _typed(request)
        frame.check_form(request, typed.get("csrf", ""))
        deed = typed.get("deed", "")
        try:
            carry_out(site, frame, account, number, deed, typed)
        except BadForm as bad:
            return _case_page(site, frame, request, account, number, do=deed, typed=typed, errors=bad.errors)
        except Stale as error:
            return _case_page(site, frame, request, account, number, error=str(error), status=409)
        except NotAllowed as error:
            raise HTTPException(403, str(error)) from None
        except NoSuchCase as error:
            raise HTTPException(404, str(error)) from None
        if deed == "recuse":
            return RedirectResponse("/desk", 303)
        return RedirectResponse(f"/desk/cases/{number}?done={deed}", 303)

    @router.post("/cases/{number}/accept")
    async def accept(request: Request, number: str) -> Response:
        account, typed = frame.cadre(request), await _typed(request)
        frame.check_form(request, typed.get("csrf", ""))
        try:
            carry_out(site, frame, account, number, "advance", {**typed, "seen": "reported"})
        except (Stale, NotAllowed):
            return RedirectResponse(f"/desk/cases/{number}", 303)
        except NoSuchCase as error:
            raise HTTPException(404, str(error)) from None
        return RedirectResponse(f"/desk/cases/{number}?done=accept", 303)

    @router.post("/cases/{number}/reply")
    async def send_reply(request: Request, number: str) -> Response:
        """A message to who reported it."""
        account, typed = frame.cadre(request), await _typed(request)
        frame.check_form(request, typed.get("csrf", ""))
        said = clean(typed.get("text", ""), 500)
        with site.database.begin() as session:
            case = _visible(site, session, account, number)
            if case.origin != "self" or case.proxy:
                raise HTTPException(403, "这一件不能从这里回复。")
            if said:
                site.cases.add_messages(session, case, [("cadre", said)])
                site.cases.note(session, case, account.id, "replied")
                site.journal.notify(case.conversation, said, cadre=frame.spoken_name(account), session=session)
                site.audit.record(session, account.id, "reply", "case", case.id)
        return RedirectResponse(f"/desk/cases/{number}?done=replied#said", 303)

    @router.post("/assign")
    async def assign(request: Request) -> Response:
        account = frame.holder(request, Right.SUPERVISE)
        form = await request.form()
        frame.check_form(request, str(form.get("csrf", "")))
        folder = Folder(str(form.get("folder"))) if form.get("folder") in set(Folder) else Folder.OPEN
        ids = [int(str(one)) for one in form.getlist("ids") if str(one).isascii() and str(one).isdigit()][:AT_ONCE]
        to = str(form.get("to", ""))
        with site.database.begin() as session:
            if form.get("everything"):
                ids = site.inbox.ids(session, account, folder, AT_ONCE)
            handed = _hand(site, session, account, ids, int(to) if to.isascii() and to.isdigit() and len(to) < 10 else 0)
        return RedirectResponse(
            f"/desk?folder={folder.value}&handed={handed.count}&left={handed.left_out}&batch={handed.batch}", 303
        )

    @router.post("/assign/undo")
    async def undo(request: Request) -> Response:
        account, typed = frame.holder(request, Right.SUPERVISE), await _typed(request)
        frame.check_form(request, typed.get("csrf", ""))
        batch = typed.get("batch", "")
        try:
            with site.database.begin() as session:
                site.bulk.undo(session, account, int(batch) if batch.isascii() and batch.isdigit() and len(batch) < 10 else 0)
        except NoSuchBatch as error:
            raise HTTPException(409, str(error)) from None
        return RedirectResponse("/desk", 303)

    @router.get("/new")
    def new(request: Request) -> Response:
        return _new_page(site, frame, request, frame.cadre(request), {})

    @router.post("/new")
    async def create(request: Request) -> Response:
        account, typed = frame.cadre(request), await _typed(request)
        frame.check_form(request, typed.get("csrf", ""))
        try:
            with site.database.begin() as session:
                case = type_in(session, site.cases, site.regions, account, typed)
                site.audit.record(session, account.id, "type", "case", case.id)
        except BadForm as bad:
            return _new_page(site, frame, request, account, typed, bad.errors)
        return RedirectResponse(f"/desk/cases/{case.number}", 303)

    return router


async def _typed(request: Request) -> dict[str, str]:
    form = await request.form(max_files=0)
    return {key: value for key, value in form.items() if isinstance(value, str)}


def _list_view(site: Site, session: Session, account: Account, folder: Folder, page: int) -> dict[str, Any]:
    rows = rows_view(site, session, site.inbox.page(session, account, folder, page))
    counts = site.inbox.counts(session, account)
    return {
        "folders": folders_view(counts, folder, account), "folder": folder.value, "title": FOLDERS[folder], "rows": rows,
        "urgent": counts[Folder.URGENT], "page": page, "more": len(rows) == PAGE, "total": counts[folder],
    }  # fmt: skip


def _visible(site: Site, session: Session, account: Account, number: str) -> Case:
    try:
        return site.cases.visible(session, account, number)
    except NoSuchCase as error:
        raise HTTPException(404, str(error)) from None


def _case_page(
    site: Site, frame: DeskFrame, request: Request, account: Account, number: str, *, do: str = "", folder: Folder = Folder.OPEN,
    done: str = "", reply: str = "", typed: Mapping[str, str] | None = None, errors: dict[str, str] | None = None,
    error: str = "", status: int = 200,
) -> Response:  # fmt: skip
    with site.database.begin() as session:
        case = _visible(site, session, account, number)
        looked, looking = looks_view(site, session, account, case)
        allowed = site.workflow.allowed(account, case)
        view = {
            **_list_view(site, session, account, folder, 0),
            "case": file_view(site, session, account, case), "messages": _said(site, session, case),
            "history": history_view(site, session, case), "alert": alert_view(site, session, case),
            "referrals": site.referrals.of_case(session, case), "alike": _alike(site, session, account, case),
            "looked": looked, "looking": looking, "allowed": allowed,
        }  # fmt: skip
        canned = [{"key": one.key, "title": one.title} for one in replies()]
        draft = next((one.filled(**_filled(frame, account, case)) for one in replies() if one.key == reply), "")
        forms = {deed: form_of(site, account, case, deed) for deed in ({do} & allowed) | ({"advance"} & allowed)}
        site.audit.record(session, account.id, "view", "case", case.id)
    flash = "已受理，村民会收到一条消息。" if done == "accept" else f"记下了：{DEEDS[done]}" if done in DEEDS else ""
    return frame.page(
        request, "desk_case.html", account, 422 if errors else status, **view, do=do if do in allowed else "", forms=forms,
        deeds=DEEDS, big=BIG, one_tap=ONE_TAP, units=UNITS, typed=typed or {}, errors=errors or {}, error=error, flash=flash,
        canned=canned, draft=draft,
    )  # fmt: skip


def _filled(frame: DeskFrame, account: Account, case: Case) -> dict[str, str]:
    return {"number": case.number, "office": frame.office(account), "cadre": account.name}


def _said(site: Site, session: Session, case: Case) -> list[dict[str, str]]:
    return [{"who": line.who, "text": line.text, "when": clock.spoken(line.at)} for line in site.cases.messages(session, case)]


def _alike(site: Site, session: Session, account: Account, case: Case) -> list[dict[str, Any]]:
    return [
        {"number": other.case.number, "url": f"/desk/cases/{other.case.number}", "same_phone": other.same_phone}
        for other in likely_duplicates(session, site.cases, account, case)
    ]


def carry_out(site: Site, frame: DeskFrame, account: Account, number: str, deed: str, typed: Mapping[str, str]) -> None:
    """A deed, what the villager is told of it, and its row in the audit log, in one transaction."""
    with site.database.begin() as session:
        before = site.cases.visible(session, account, number).state
        case = site.workflow.act(session, account, number, deed, typed, typed.get("seen"))
        if deed == "advance" and before == "reported":
            site.alerts.acknowledge(session, case, account)  # who accepts it has seen it
        _tell(site, frame, session, account, case, deed, before, typed)
        site.audit.record(session, account.id, deed, "case", case.id, f"{before} {case.state}")


def _tell(
    site: Site, frame: DeskFrame, session: Session, account: Account, case: Case, deed: str, before: str, typed: Mapping[str, str]
) -> None:
    """Tell who reported it that it was accepted or decided."""
    if deed != "advance" or case.origin != "self":
        return
    said = _news(site, frame.office(account), case, before, typed)
    if said:
        site.cases.add_messages(session, case, [("cadre", said)])
        if wants_notices(session, case.conversation):
            site.journal.notify(case.conversation, said, session=session)


def _news(site: Site, office: str, case: Case, before: str, typed: Mapping[str, str]) -> str:
    """What is news for who reported it; of somebody else's household only that it was passed on."""
    number = case.number
    if before == "reported" and case.proxy:
        return site.texts.say("notice_passed_on", number=number)
    if before == "reported":
        return site.texts.say("notice_accepted", number=number, office=office)
    if case.state == "refused" and not case.proxy:
        return site.texts.say("notice_refused", number=number, clause=typed["clause"], help=typed["other_help"])
    if case.state == "admitted" and not case.proxy:
        return site.texts.say("notice_admitted", number=number, helper=typed["helper"])
    return ""


def _hand(site: Site, session: Session, account: Account, ids: list[int], to: int) -> Handed:
    person = session.get(Account, to)
    handed = site.bulk.assign(session, account, ids, person) if person is not None else None
    if handed is None:
        raise HTTPException(422, "请选一个您辖区里的人。")
    site.audit.record(session, account.id, "assign", "cases", handed.batch, f"{handed.count} to {to}")
    return handed


def _new_page(
    site: Site,
    frame: DeskFrame,
    request: Request,
    account: Account,
    typed: Mapping[str, str],
    errors: dict[str, str] | None = None,
) -> Response:
    villages = [
        (place.code, site.regions.spoken(place.code).removeprefix(site.county.name))
        for place in site.regions.villages(account.region)
    ]
    return frame.page(
        request,
        "desk_new.html",
        account,
        422 if errors else 200,
        fields=FORM,
        villages=villages,
        typed=typed,
        errors=errors or {},
    )
