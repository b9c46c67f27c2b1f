"""The sheets: the list, a sheet's page for phone and print, its PDF, its recordings."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import segno
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse
from markupsafe import Markup
from sqlalchemy import select

from core import clock
from core.county import contacts_for
from knowledge_base.confirmation import confirmed_precheck
from knowledge_base.recording import Recording, recordings_of, words_of
from knowledge_base.search import Hit
from knowledge_base.sheet import Section
from web.paper import Village, sheet_pdf
from web.site import Site

PAPERS_KEPT = 64  # finished PDFs in memory: one takes two seconds to make
_CONTACTS = {"village": "村委会"}


def sheets_router(site: Site) -> APIRouter:
    """``/sheets``, ``/sheets/{region}/{id}`` with ``.pdf`` and ``/print``, ``/audio/{digest}``."""
    router = APIRouter()
    papers = _Papers()

    @router.get("/sheets")
    async def sheets(request: Request) -> Response:
        listed = []
        for name, title, region in site.searcher().sheet_titles(site.county.code, clock.today()):
            hits = site.searcher().siblings(name, site.county.code, clock.today())
            listed.append(
                {
                    "url": f"/sheets/{region}/{name}", "title": title, "issuer": hits[0].issuer,
                    "reviewed_on": hits[0].reviewed_on, "questions": [hit.title for hit in hits],
                }
            )  # fmt: skip
        return site.page(request, "sheets.html", sheets=listed)

    @router.get("/sheets/{region}/{name}.pdf")
    async def paper(request: Request, region: str, name: str, village: str = "") -> Response:
        view = sheet_view(site, region, name)
        printed_for = village_of(site, request, village)
        document = await asyncio.to_thread(papers.get, view, site.county.name, printed_for)
        headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
        return Response(document, media_type="application/pdf", headers=headers)

    @router.get("/sheets/{region}/{name}/print")
    async def printing(request: Request, region: str, name: str) -> Response:
        towns = [
            {"name": town.short, "villages": [(place.code, place.short) for place in site.regions.children(town.code)]}
            for town in site.regions.children(site.county.code)
        ]
        return site.page(request, "sheet_print.html", sheet=sheet_view(site, region, name), towns=towns)

    @router.get("/sheets/{region}/{name}")
    async def sheet(request: Request, region: str, name: str, village: str = "") -> Response:
        view = sheet_view(site, region, name)
        printed_for = village_of(site, request, village)
        return site.page(
            request, "sheet.html", sheet=view, village=printed_for, village_code=village if printed_for else "",
            qr=qr_svg(printed_for.url) if printed_for else "",
        )  # fmt: skip

    @router.get("/audio/{digest}")
    async def audio(digest: str) -> Response:
        found = await asyncio.to_thread(_recording_file, site, digest)
        if found is None:
            raise HTTPException(404)
        file, media_type = found  # a file, because phones ask for pieces of it (Range)
        return FileResponse(file, media_type=media_type, headers={"Cache-Control": "private, max-age=86400"})

    return router


def sheet_hits(site: Site, region: str, name: str) -> list[Hit]:
    """The sections of one region's sheet that hold today, else those that will from a later day. Raises the 404 page."""
    searcher, day = site.searcher(), clock.today()
    hits = [hit for hit in searcher.siblings(name, region, day) if hit.region == region]
    hits = hits or searcher.announced(name, region, day)
    if not hits:
        raise HTTPException(404)
    return hits


def sheet_view(site: Site, region: str, name: str) -> dict[str, Any]:
    """What the page and the PDF of a sheet show. Raises the 404 page."""
    hits = sheet_hits(site, region, name)
    first = hits[0]
    facts = site.searcher().sheet(name, region)
    place = site.regions.get(region)
    with site.database.read() as session:
        people = contacts_for(session, site.county.code)
        recordings = recordings_of(session, name, region)
        has_precheck = confirmed_precheck(session, name, region, facts.criteria) is not None
    contacts = [_CONTACTS.get(contact, contact) for contact in facts.contacts]
    contacts += [f"{person.role} {person.name} {person.phone}" for person in people]
    return {
        "id": name, "region": region, "url": f"/sheets/{region}/{name}", "title": first.sheet_title, "issuer": first.issuer,
        "document": facts.document, "region_name": place.name if place else region, "effective_from": first.effective_from,
        "effective_to": facts.effective_to, "reviewed_on": first.reviewed_on, "contacts_text": contacts,
        "has_precheck": has_precheck,
        "is_coming": first.effective_from > clock.today().isoformat(),
        "sections": [_section(hit, recordings) for hit in hits],
    }  # fmt: skip


def village_of(site: Site, request: Request, code: str) -> Village | None:
    """The village that a sheet is printed for; None for anything but a village of this county."""
    if site.village(code) is None:
        return None
    return Village(site.regions.spoken(code), f"{site.public_url(request)}/v/{code}")


def qr_svg(url: str) -> Markup:
    """A QR code to put into a page: segno's own markup, drawn by attributes, for the policy allows no inline styles."""
    drawn = segno.make(url, error="m").svg_inline(scale=4, border=2, svgclass="qr", lineclass=None, omitsize=True)
    return Markup(drawn)  # noqa: S704


def _section(hit: Hit, recordings: list[Recording]) -> dict[str, Any]:
    words = words_of(hit)
    heard = [row for row in recordings if (row.section, row.words) == (hit.key, words)]
    blocks = Section(hit.key, hit.aspect, hit.title, hit.short, [], hit.sources, hit.body).blocks
    return {
        "key": hit.key, "title": hit.title, "short": hit.short, "blocks": blocks,
        "sources": [source.label for source in hit.sources],
        "recordings": [{"url": row.url, "language": row.language, "speaker": row.speaker} for row in heard],
    }  # fmt: skip


class _Papers:
    """Finished PDFs, made once for what they show."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, bytes] = OrderedDict()
        self._making = threading.Lock()

    def get(self, view: dict[str, Any], county: str, village: Village | None) -> bytes:
        key = f"{view} {county} {village}"
        with self._making:  # one at a time: making takes a core
            if key not in self._made:
                self._made[key] = sheet_pdf(view, county, village)
                while len(self._made) > PAPERS_KEPT:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            return self._made[key]


def _recording_file(site: Site, digest: str) -> tuple[Path, str] | None:
    """A copy on disk of a recording, and its media type. The database has the original."""
    with site.database.read() as session:
        row = session.scalars(select(Recording).where(Recording.digest == digest).limit(1)).first()
        if row is None:
            return None
        file = site.settings.audio_dir / row.digest
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            scratch = file.with_name(f"{row.digest}.{threading.get_ident()}.new")
            scratch.write_bytes(row.content)
            scratch.replace(file)
        return file, row.media_type
