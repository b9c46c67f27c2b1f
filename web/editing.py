"""The editors' desk: sheets, their editions from draft to print, what has grown old. Nobody else sees these pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, HTTPException, Request, Response, UploadFile
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from core import clock
from core.accounts import Account
from core.errors import MingbaiError
from knowledge_base import editions
from knowledge_base.checks import Finding, check
from knowledge_base.editions import ORIGINS, STATES, Edition, NoSuchEdition
from knowledge_base.importers import read_document
from knowledge_base.importers.document import SIZE_LIMIT
from knowledge_base.importers.outline import front_matter, section_text
from knowledge_base.sheet import MalformedSheet, Sheet, parse_text
from knowledge_base.shelf import Shelf
from knowledge_base.stale import Patience, stale_reasons
from knowledge_base.text import clean
from knowledge_base.trial import Trial, newest_trial
from knowledge_base.wording import difference
from web.desk_frame import DeskFrame
from web.preview import SectionPreview, preview
from web.site import Site

HOME = "/desk/sheets"
VERDICTS = {"worse": "变差", "better": "变好", "other": "换了一节", "worded": "说法变了"}
ACTIONS = {
    "written": "写了", "edited": "改了", "submitted": "交出核对", "returned": "退回修改", "discarded": "作废",
    "published": "发布",
}  # fmt: skip


@dataclass(frozen=True)
class OnScreen:
    """An edition's text as the page shows it: ``text`` may be newer than what is saved, when saving was refused."""

    text: str
    findings: list[Finding]
    previews: list[SectionPreview]
    sheet: Sheet | None


def editing_router(site: Site, shelf: Shelf) -> APIRouter:
    """``/desk/sheets`` and below, for editors. Handlers are plain functions: they run in the thread pool."""
    router = APIRouter(prefix=HOME)
    frame = DeskFrame(site)

    def edition_page(request: Request, account: Account, edition_id: int, **more: Any) -> Response:
        with site.database.read() as session:
            edition = _edition(session, account, edition_id)
            context = _edition_context(session, edition, account)
            base = session.get(Edition, edition.base_id) if edition.base_id else None
            newest = editions.newest_published(session, edition.region, edition.sheet)
            others = editions.sheets_in_print(session)
        shown = _on_screen(site, more.pop("text", None) or edition.text, others)
        trial = context["trial"]
        return frame.page(
            request, "desk_edition.html", account, edition=edition, shown=shown, states=STATES, origins=ORIGINS,
            verdicts=VERDICTS,
            changes=difference(base.text if base else "", shown.text) if base or edition.withdraws else [],
            meanwhile=difference(base.text if base else "", newest.text) if context["outdated"] and newest else [],
            tried=trial is not None and trial.state == "done" and shelf.tried(account, edition_id), **context, **more,
        )  # fmt: skip

    def act(
        request: Request, csrf: str, edition_id: int, work: Callable[[Session, Edition, Account], Edition | None], done: str
    ) -> Response:
        """One step of an edition; a refusal comes back on its page."""
        account = frame.editor(request)
        frame.check_form(request, csrf)
        try:
            with site.database.begin() as session:
                following = work(session, editions.edition_of(session, account, edition_id, lock=True), account)
                target = following.id if following is not None else edition_id
        except NoSuchEdition as error:
            raise HTTPException(404, str(error)) from None
        except MingbaiError as error:
            return edition_page(request, account, edition_id, status=409, error=str(error))
        return RedirectResponse(f"{HOME}/editions/{target}?done={done}", 303)

    @router.get("")
    def home(request: Request) -> Response:
        return _home(request, frame.editor(request))

    def _home(request: Request, account: Account, status: int = 200, error: str | None = None) -> Response:
        with site.database.read() as session:
            printed = [row for row in editions.in_print(session) if editions.may_edit(account, row.region)]
            waiting = [_waiting(session, row, account) for row in editions.unpublished(session, account)]
            sheets = {(sheet.region, sheet.id): sheet for sheet in editions.sheets_in_print(session)}
        rows = [{"edition": row, "sheet": sheets[row.region, row.sheet], "place": _place(site, row.region)} for row in printed]
        return frame.page(
            request, "desk_sheets.html", account, status, rows=rows, waiting=waiting, states=STATES, error=error,
            building=shelf.building, here="sheets",
        )  # fmt: skip

    @router.post("/import")
    def import_document(
        request: Request, csrf: str = Form(""), document: Annotated[UploadFile | None, File()] = None, pasted: str = Form("")
    ) -> Response:
        account = frame.editor(request)
        frame.check_form(request, csrf)
        content = document.file.read(SIZE_LIMIT + 1) if document is not None and document.filename else pasted.encode()
        name = clean(document.filename or "", 80) if document is not None else ""
        if not content.strip():
            return _home(request, account, 422, "请选一个文件，或者把文字贴进来。")
        try:
            read = read_document(name, content)
            with site.database.begin() as session:
                edition = editions.begin(session, account, read.text, "import")
        except MingbaiError as error:
            return _home(request, account, 422, str(error))
        return edition_page(request, account, edition.id, notes=read.notes)

    @router.post("/new")
    def new_sheet(request: Request, csrf: str = Form("")) -> Response:
        account = frame.editor(request)
        frame.check_form(request, csrf)
        with site.database.begin() as session:
            edition = editions.begin(session, account, front_matter(title="待填") + section_text("how", "怎么申请"))
        return RedirectResponse(f"{HOME}/editions/{edition.id}", 303)

    @router.get("/stale")
    def stale(request: Request) -> Response:
        account = frame.editor(request)
        set_ = site.settings
        patience = Patience(set_.review_after_days, set_.expiry_notice_days, set_.figure_years)
        with site.database.read() as session:
            sheets = [sheet for sheet in editions.sheets_in_print(session) if editions.may_edit(account, sheet.region)]
        rows = [
            {"sheet": sheet, "place": _place(site, sheet.region), "reasons": reasons}
            for sheet in sorted(sheets, key=lambda sheet: sheet.reviewed_on)
            for reasons in [stale_reasons(sheet, clock.today(), patience)]
            if reasons
        ]
        return frame.page(request, "desk_stale.html", account, rows=rows, patience=patience, here="stale")

    @router.get("/of/{region}/{sheet}")
    def one_sheet(request: Request, region: str, sheet: str) -> Response:
        account = frame.editor(request)
        with site.database.read() as session:
            rows = editions.history(session, account, region, sheet)
            if not rows:
                raise HTTPException(404)
            names = _names(session)
            newest = editions.newest_published(session, region, sheet)
        title = next((parsed.title for row in rows for parsed in [_parsed(row.text)] if parsed), sheet)
        return frame.page(
            request, "desk_sheet.html", account, title=title, region=region, sheet=sheet, place=_place(site, region), rows=rows,
            names=names, newest=newest, states=STATES, origins=ORIGINS, spoken=clock.spoken,
        )  # fmt: skip

    @router.post("/of/{region}/{sheet}/draft")
    def draft_of(request: Request, region: str, sheet: str, csrf: str = Form("")) -> Response:
        account = frame.editor(request)
        frame.check_form(request, csrf)
        with site.database.begin() as session:
            newest = editions.newest_published(session, region, sheet)
            if newest is None or not editions.may_edit(account, region):
                raise HTTPException(404)
            text = newest.text or next(row.text for row in editions.history(session, account, region, sheet) if row.text)
            edition = editions.begin(session, account, text)
        return RedirectResponse(f"{HOME}/editions/{edition.id}", 303)

    @router.get("/editions/{edition_id}")
    def edition(request: Request, edition_id: int, done: str = "") -> Response:
        return edition_page(request, frame.editor(request), edition_id, flash=FLASHES.get(done))

    @router.post("/editions/{edition_id}/save")
    def save(
        request: Request, edition_id: int, csrf: str = Form(""), text: str = Form(""), version: str = Form(""),
        compared: str = Form(""), then: str = Form("save"),
    ) -> Response:  # fmt: skip
        account = frame.editor(request)
        frame.check_form(request, csrf)
        try:
            with site.database.begin() as session:
                found = editions.edition_of(session, account, edition_id, lock=True)
                editions.save(session, found, account, text, version, compared=bool(compared))
            if then == "submit":
                with site.database.begin() as session:
                    editions.submit(session, editions.edition_of(session, account, edition_id, lock=True), account)
        except NoSuchEdition as error:
            raise HTTPException(404, str(error)) from None
        except MingbaiError as error:
            return edition_page(request, account, edition_id, status=409, error=str(error), text=text)
        return RedirectResponse(f"{HOME}/editions/{edition_id}?done={then}", 303)

    @router.post("/editions/{edition_id}/return")
    def give_back(request: Request, edition_id: int, csrf: str = Form(""), remark: str = Form("")) -> Response:
        said = clean(remark, editions.REMARK_LIMIT)
        return act(request, csrf, edition_id, lambda session, row, who: editions.give_back(session, row, who, said), "return")

    @router.post("/editions/{edition_id}/discard")
    def discard(request: Request, edition_id: int, csrf: str = Form("")) -> Response:
        return act(request, csrf, edition_id, editions.discard, "discard")

    @router.post("/editions/{edition_id}/take")
    def take(request: Request, edition_id: int, csrf: str = Form("")) -> Response:
        return act(request, csrf, edition_id, editions.take_offer, "take")

    @router.post("/editions/{edition_id}/rollback")
    def roll_back(request: Request, edition_id: int, csrf: str = Form("")) -> Response:
        return act(request, csrf, edition_id, editions.roll_back, "submit")

    @router.post("/editions/{edition_id}/withdraw")
    def withdraw(request: Request, edition_id: int, csrf: str = Form(""), remark: str = Form("")) -> Response:
        said = clean(remark, editions.REMARK_LIMIT)
        return act(request, csrf, edition_id, lambda session, row, who: editions.withdraw(session, row, who, said), "submit")

    @router.post("/editions/{edition_id}/trial")
    def trial(request: Request, edition_id: int, csrf: str = Form("")) -> Response:
        def start(session: Session, row: Edition, account: Account) -> None:
            if row.state != "submitted":
                raise editions.WrongState

        answer = act(request, csrf, edition_id, start, "trial")
        if answer.status_code == 303:
            shelf.try_edition(frame.editor(request), edition_id)
        return answer

    @router.post("/editions/{edition_id}/publish")
    def publish(request: Request, edition_id: int, csrf: str = Form(""), seen: str = Form("")) -> Response:
        account = frame.editor(request)
        frame.check_form(request, csrf)
        if not seen:
            return edition_page(request, account, edition_id, status=422, error="请先看过哪些回答会变，打上勾，再发布。")
        try:
            shelf.publish(account, edition_id)
        except NoSuchEdition as error:
            raise HTTPException(404, str(error)) from None
        except MingbaiError as error:
            return edition_page(request, account, edition_id, status=409, error=str(error))
        return RedirectResponse(f"{HOME}/editions/{edition_id}?done=publish", 303)

    @router.get("/editions/{edition_id}/difference/{other_id}")
    def compare(request: Request, edition_id: int, other_id: int) -> Response:
        account = frame.editor(request)
        with site.database.read() as session:
            new, old = _edition(session, account, edition_id), _edition(session, account, other_id)
        return frame.page(
            request, "desk_difference.html", account, old=old, new=new, changes=difference(old.text, new.text), states=STATES
        )

    return router


FLASHES = {
    "save": "存好了。", "submit": "交出去了，请另一位编辑核对、发布。", "return": "退回给作者了。",
    "discard": "作废了，内容还留着。",
    "take": "底稿已拿来做草稿。", "trial": "正在试跑，这页会自己更新。", "publish": "发布了。几秒钟后村民就问得到新的内容。",
}  # fmt: skip


def _edition(session: Session, account: Account, edition_id: int) -> Edition:
    try:
        return editions.edition_of(session, account, edition_id)
    except NoSuchEdition as error:
        raise HTTPException(404, str(error)) from None


def _edition_context(session: Session, edition: Edition, account: Account) -> dict[str, Any]:
    names = _names(session)
    trial: Trial | None = newest_trial(session, edition.id)
    steps = editions.steps(session, edition)
    done = [
        {
            "who": names.get(step.account_id, "系统"),
            "what": ACTIONS[step.action],
            "remark": step.remark,
            "when": clock.spoken(step.at),
        }
        for step in steps
    ]
    return {
        "trial": trial, "comparison": trial.comparison if trial is not None and trial.state == "done" else None, "steps": done,
        "own": account.id in editions.writers(session, edition),
        "outdated": edition.state in ("draft", "submitted") and editions.is_outdated(session, edition),
    }  # fmt: skip


def _on_screen(site: Site, text: str, others: list[Sheet]) -> OnScreen:
    sheet = _parsed(text)
    findings = check(text, others) if text else []
    return OnScreen(text, findings, preview(sheet, site.texts, site.regions) if sheet else [], sheet)


def _parsed(text: str) -> Sheet | None:
    try:
        return parse_text(text)
    except MalformedSheet:
        return None


def _waiting(session: Session, edition: Edition, account: Account) -> dict[str, Any]:
    parsed = _parsed(edition.text) if edition.text else None
    title = parsed.title if parsed else edition.sheet or "还没有标题"
    own = account.id in editions.writers(session, edition)
    author = session.get(Account, edition.author_id) if edition.author_id else None
    return {
        "edition": edition, "title": title, "author": author.name if author else "随软件来的", "own": own,
        "when": clock.spoken(edition.changed_at),
    }  # fmt: skip


def _names(session: Session) -> dict[int | None, str]:
    return {account.id: account.name for account in session.query(Account).filter_by(role="editor")}


def _place(site: Site, region: str) -> str:
    place = site.regions.get(region)
    return place.name if place else region
