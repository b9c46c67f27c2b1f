"""The desk's page for recordings: editors upload a local voice for a section, and take one away."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import UploadFile

from core import clock
from core.accounts import Account
from knowledge_base.recording import (
    LANGUAGES,
    SIZE_LIMIT,
    BadRecording,
    Recording,
    Upload,
    add_recording,
    recordings_of,
    remove_recording,
    words_of,
)
from knowledge_base.search import Hit
from web.desk_frame import DeskFrame
from web.sheets import sheet_hits
from web.site import Site

FORM_LIMIT = SIZE_LIMIT + 64 * 1024  # the file and the fields around it


def desk_audio_router(site: Site) -> APIRouter:
    """``/desk/audio`` and below, for editors only."""
    router = APIRouter(prefix="/desk/audio")
    frame = DeskFrame(site)

    @router.get("")
    async def listing(request: Request) -> Response:
        account = frame.editor(request)
        return frame.page(request, "desk_audio.html", account, sheets=await asyncio.to_thread(_overview, site))

    @router.get("/{region}/{name}")
    async def sheet_page(request: Request, region: str, name: str, done: str = "") -> Response:
        account = frame.editor(request)
        return _sheet_page(site, frame, request, account, sheet_hits(site, region, name), done=done)

    @router.post("/{region}/{name}")
    async def upload(request: Request, region: str, name: str) -> Response:
        account = frame.editor(request)  # before anything is read of what may be large
        form = await _form(request)
        frame.check_form(request, str(form.get("csrf", "")))
        hits = sheet_hits(site, region, name)
        hit = next((hit for hit in hits if hit.key == form.get("section")), None)
        if hit is None:
            raise HTTPException(404)
        try:
            if not form.get("consent"):
                raise BadRecording("要念的人自己同意，才能放到网上。请问过以后勾上。")
            await asyncio.to_thread(_keep, site, hit, account, form)
        except BadRecording as error:
            return _sheet_page(site, frame, request, account, hits, error=str(error), at=hit.key)
        return RedirectResponse(f"/desk/audio/{region}/{name}?done={hit.key}#{hit.key}", 303)

    @router.post("/{region}/{name}/remove")
    async def remove(request: Request, region: str, name: str) -> Response:
        frame.editor(request)
        form = await _form(request)
        frame.check_form(request, str(form.get("csrf", "")))
        digest = str(form.get("digest", ""))
        with site.database.begin() as session:
            for row in recordings_of(session, name, region):
                if row.digest == digest:
                    remove_recording(session, row.id)
        if digest.isalnum():
            (site.settings.audio_dir / digest).unlink(missing_ok=True)
        return RedirectResponse(f"/desk/audio/{region}/{name}", 303)

    return router


async def _form(request: Request) -> dict[str, Any]:
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > FORM_LIMIT:
        raise HTTPException(413, str(BadRecording(f"文件太大了，最多{SIZE_LIMIT // 1024 // 1024}兆。")))
    async with request.form() as form:
        return {key: await value.read() if isinstance(value, UploadFile) else value for key, value in form.items()}


def _keep(site: Site, hit: Hit, account: Account, form: dict[str, Any]) -> None:
    content = form.get("file")
    if not isinstance(content, bytes) or not content:
        raise BadRecording("请选一个录音文件。")
    sent = Upload(str(form.get("language", "")), str(form.get("speaker", "")), content)
    with site.database.begin() as session:
        add_recording(session, hit, sent, account.id)


def _overview(site: Site) -> list[dict[str, Any]]:
    """Each sheet with the number of its sections, of those that can be heard, and of recordings that are out of date."""
    listed = []
    for name, title, region in site.searcher().sheet_titles(site.county.code, clock.today()):
        hits = sheet_hits(site, region, name)
        now = {(hit.key, words_of(hit)) for hit in hits}
        with site.database.read() as session:
            rows = recordings_of(session, name, region)
        heard = {row.section for row in rows if (row.section, row.words) in now}
        old = sum((row.section, row.words) not in now for row in rows)
        listed.append(
            {"title": title, "url": f"/desk/audio/{region}/{name}", "sections": len(hits), "heard": len(heard), "old": old}
        )
    return listed


def _sheet_page(
    site: Site, frame: DeskFrame, request: Request, account: Account, hits: list[Hit], *, error: str = "", at: str = "",
    done: str = "",
) -> Response:  # fmt: skip
    with site.database.read() as session:
        rows = recordings_of(session, hits[0].sheet, hits[0].region)
    sections = [
        {"key": hit.key, "title": hit.title, "short": hit.short, "body": hit.body.replace("**", ""), "rows": _rows(hit, rows)}
        for hit in hits
    ]
    place = {"title": hits[0].sheet_title, "url": f"/desk/audio/{hits[0].region}/{hits[0].sheet}"}
    return frame.page(
        request, "desk_audio_sheet.html", account, 422 if error else 200, sheet=place, sections=sections, languages=LANGUAGES,
        error=error, at=at, done=done, megabytes=SIZE_LIMIT // 1024 // 1024,
    )  # fmt: skip


def _rows(hit: Hit, rows: list[Recording]) -> list[dict[str, Any]]:
    words = words_of(hit)
    return [
        {
            "language": row.language, "speaker": row.speaker, "url": row.url, "digest": row.digest, "when": clock.spoken(row.at),
            "old": row.words != words,
        }
        for row in rows
        if row.section == hit.key
    ]  # fmt: skip
