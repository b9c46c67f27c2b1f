"""The desk's pages on which lists of contacts are handed in, looked at and taken in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Form, HTTPException, Request, Response, UploadFile
from fastapi.responses import FileResponse, RedirectResponse
from sqlalchemy import select

from core import clock
from core.accounts import Account
from core.errors import MingbaiError
from core.rights import Right
from outreach.contacts import Contacts
from outreach.files import FIELDS, guess_mapping
from outreach.importer import MODES, Imports
from outreach.tables import Hold, ImportRow
from web.desk_frame import DeskFrame, Posted
from web.site import Site

MOST_BYTES = 512 << 20
SHOWN = 30
STATES = {"new": "等您核对", "running": "正在导入", "done": "导入完了", "failed": "导入失败", "given_up": "已放弃"}
LABELS = {
    "name": "姓名（必选）", "phone": "手机号", "village": "村（必选：村名或12位编码）", "town": "乡镇", "household": "户编号",
    "id_number": "身份证号（只用来认人，不保存原文）", "categories": "户类别", "language": "说什么话",
}  # fmt: skip


def contacts_router(site: Site, imports: Imports, take_in: Callable[[int], None]) -> APIRouter:
    """``/desk/contacts``, for outreach officers. ``take_in`` has a list that was begun taken in, in the background."""
    router = APIRouter(prefix="/desk/contacts")
    frame = DeskFrame(site)

    def officer(request: Request) -> Account:
        return frame.holder(request, Right.BROADCAST)

    def own(account: Account, number: int) -> ImportRow:
        return frame.own(account, ImportRow, number)

    def listing(request: Request, account: Account, status: int = 200, error: str = "") -> Response:
        with site.database.read() as session:
            here = select(ImportRow).where(ImportRow.region.startswith(account.region, autoescape=True))
            rows = session.scalars(here.order_by(ImportRow.id.desc()).limit(SHOWN)).all()
            counts = Contacts(site.vault).counts(session, account.region)
        lines = [line_of(row) for row in rows]
        shown = {
            "texted": counts.get(Hold.NONE, 0), "no_phone": counts.get(Hold.NO_PHONE, 0), "out": counts.get(Hold.OPTED_OUT, 0),
        }  # fmt: skip
        return frame.page(request, "desk_contacts.html", account, status, lines=lines, counts=shown, error=error)

    def mapping_page(
        request: Request, account: Account, row: ImportRow, mapping: dict[str, int] | None, error: str = ""
    ) -> Response:
        look = imports.preview(row.id)
        chosen = guess_mapping(look.header) if mapping is None else mapping
        remarks = []
        if not error and "name" in chosen and "village" in chosen:
            remarks = imports.preview(row.id, chosen).remarks
        return frame.page(
            request, "desk_import.html", account, 422 if error else 200, row=row, header=look.header, sample=look.sample,
            mapping=chosen, remarks=remarks, labels=LABELS, modes=MODES, error=error,
        )  # fmt: skip

    @router.get("")
    def page(request: Request) -> Response:
        return listing(request, officer(request))

    @router.post("")
    def upload(request: Request, file: UploadFile, csrf: str = Form("")) -> Response:
        account = officer(request)
        frame.check_form(request, csrf)
        if (file.size or 0) > MOST_BYTES:
            return listing(request, account, 413, "文件太大，最多512兆。可以分成几份。")
        try:
            with site.database.begin() as session:
                number = imports.receive(session, account, file.filename or "名单", iter(lambda: file.file.read(1 << 20), b""))
                site.audit.record(session, account.id, "hand in", "list", number)
        except MingbaiError as error:
            return listing(request, account, 422, str(error))
        return RedirectResponse(f"/desk/contacts/{number}", 303)

    @router.get("/{number}")
    def one(request: Request, number: int) -> Response:
        account = officer(request)
        row = own(account, number)
        if row.state == "new":
            return mapping_page(request, account, row, None)
        return frame.page(request, "desk_import_progress.html", account, line=line_of(row))

    @router.post("/{number}")
    def begin(request: Request, number: int, form: Posted) -> Response:
        account = officer(request)
        frame.check_form(request, str(form.get("csrf", "")))
        row = own(account, number)
        mapping = {name: int(str(form[name])) for name in FIELDS if str(form.get(name, "")).isdecimal()}
        try:
            with site.database.begin() as session:
                if form.get("give_up"):
                    imports.give_up(session, number)
                else:
                    imports.begin(session, number, mapping, str(form.get("mode", "")))
                    site.audit.record(session, account.id, "take in", "list", number, str(form.get("mode", "")))
        except MingbaiError as error:
            return mapping_page(request, account, row, mapping, str(error))
        if not form.get("give_up"):
            take_in(number)
        return RedirectResponse(f"/desk/contacts/{number}", 303)

    @router.get("/{number}/remarks.csv")
    def remarks(request: Request, number: int) -> Response:
        own(officer(request), number)
        file = imports.remarks_file(number)
        if not file.exists():
            raise HTTPException(404)
        return FileResponse(file, media_type="text/csv; charset=utf-8", filename=f"remarks-{number}.csv")

    return router


def line_of(row: ImportRow) -> dict[str, Any]:
    """A list as pages show it."""
    read = min(100, row.rows * 100 // row.total) if row.total else (100 if row.state == "done" else 0)
    return {
        "row": row,
        "state": STATES[row.state],
        "percent": read,
        "when": clock.spoken(row.created_at),
        "mode": MODES.get(row.mode, ""),
    }
