"""The desk's conversations: who waits for a person, the talk itself, and the acknowledgement of alerts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from cadres.case import NoSuchCase
from cadres.handoff import Handoff, NoSuchHandoff, NotYours
from channels.journal import Line, new_id
from channels.voice import Audio
from core import clock
from core.accounts import Account
from core.rights import covers
from knowledge_base.text import clean
from web.desk_frame import DeskFrame
from web.site import Site

SAID_LIMIT = 2000  # characters of a cadre's message
LINES = 300  # of a talk that are shown
UNSURE_BELOW = 0.8  # a transcript below it is marked: better listen
Done = TypeVar("Done")


def talks_router(site: Site) -> APIRouter:
    """``/desk/talks`` and below, the red bar, and what a case's page leads to."""
    router = APIRouter(prefix="/desk")
    frame = DeskFrame(site)

    @router.get("/talks")
    async def talks(request: Request) -> Response:
        account = frame.cadre(request)
        with site.database.read() as session:
            rows = [_row(site, session, account, handoff) for handoff in site.handoffs.listed(session, account)]
        return frame.page(request, "desk_talks.html", account, rows=rows)

    @router.get("/talks/{talk}")
    async def talk_page(request: Request, talk: int) -> Response:
        account = frame.cadre(request)
        return frame.page(request, "desk_talk.html", account, **_talk(site, account, talk))

    @router.get("/talks/{talk}/lines")
    async def talk_lines(request: Request, talk: int) -> Response:
        """The part of the page that changes while one talks; the page's script fetches it."""
        account = frame.cadre(request)
        return site.page(request, "desk_talk_lines.html", **_talk(site, account, talk))

    @router.get("/talks/{talk}/voice/{message_id}")
    async def voice(request: Request, talk: int, message_id: str) -> Response:
        account = frame.cadre(request)
        with site.database.begin() as session:
            handoff = _held(site, session, account, talk)
        if not any(line.voice and line.id == message_id for line in _shown(site, handoff)):
            raise HTTPException(404)
        audio = await asyncio.to_thread(site.journal.audio, handoff.conversation, message_id)
        return audio_response(audio, request.headers.get("range", ""))

    @router.post("/talks/{talk}/take")
    async def take(request: Request, talk: int, csrf: str = Form("")) -> Response:
        account = frame.cadre(request)
        frame.check_form(request, csrf)

        def taken(session: Session) -> None:
            _, word = site.handoffs.take(session, account, talk, new_id())
            if word is not None:
                site.telling.tell(session, word)
                site.audit.record(session, account.id, "take", "talk", talk)

        _change(site, taken)
        return RedirectResponse(f"/desk/talks/{talk}", 303)

    @router.post("/talks/{talk}/say")
    async def say(request: Request, talk: int, text: str = Form(""), csrf: str = Form("")) -> Response:
        account = frame.cadre(request)
        frame.check_form(request, csrf)
        text = clean(text, SAID_LIMIT)

        def said(session: Session) -> None:
            handoff = site.handoffs.said(session, account, talk)
            site.journal.notify(handoff.conversation, text, cadre=frame.spoken_name(account), session=session)

        if text:
            _change(site, said)
        return RedirectResponse(f"/desk/talks/{talk}#end", 303)

    @router.post("/talks/{talk}/back")
    async def back(request: Request, talk: int, csrf: str = Form("")) -> Response:
        account = frame.cadre(request)
        frame.check_form(request, csrf)
        _change(site, lambda session: site.telling.tell(session, site.handoffs.give_back(session, account, talk)))
        return RedirectResponse("/desk/talks", 303)

    @router.post("/cases/{number}/talk")
    async def begin(request: Request, number: str, csrf: str = Form("")) -> Response:
        """Take the conversation that a case came from."""
        account = frame.cadre(request)
        frame.check_form(request, csrf)

        def begun(session: Session) -> int:
            case = site.cases.visible(session, account, number)
            if case.origin != "self":
                raise NoSuchCase  # nobody is at the other end
            handoff, word = site.handoffs.begin(session, account, case.conversation, case.region, new_id())
            if word is not None:
                site.telling.tell(session, word)
                site.audit.record(session, account.id, "talk", "case", case.id, f"talk {handoff.id}")
            return handoff.id

        return RedirectResponse(f"/desk/talks/{_change(site, begun)}", 303)

    @router.post("/cases/{number}/seen")
    async def seen(request: Request, number: str, csrf: str = Form("")) -> Response:
        """A person acknowledges an urgent case: only now is the villager told that somebody has seen it."""
        account = frame.cadre(request)
        frame.check_form(request, csrf)
        seen_now = _change(site, lambda session: acknowledge(site, frame, session, account, number))
        return RedirectResponse(f"/desk/cases/{seen_now}", 303)

    @router.get("/bar")
    async def bar(request: Request) -> Response:
        """The red bar alone, for the script that keeps it fresh on every page."""
        return frame.page(request, "desk_bar.html", frame.cadre(request))

    return router


def acknowledge(site: Site, frame: DeskFrame, session: Session, account: Account, number: str) -> str:
    """A cadre has seen an urgent case: the alert stops climbing, and who reported it is told. Gives the case's number.
    Raises NoSuchCase."""
    case = site.cases.visible(session, account, number)
    if site.alerts.acknowledge(session, case, account):
        said = site.texts.say("notice_seen", office=frame.office(account), number=case.number)
        site.cases.add_messages(session, case, [("cadre", said)])
        site.journal.notify(case.conversation, said, session=session)
        site.audit.record(session, account.id, "seen", "case", case.id)
    return case.number


def audio_response(audio: Audio, wanted: str) -> Response:
    """A recording, or the part of it that a player asks for: iPhones play nothing that does not answer ranges."""
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "private, no-store", "Content-Disposition": "inline"}
    found = re.fullmatch(r"bytes=(\d{1,10})-(\d{0,10})", wanted)
    size = len(audio.data)
    if found is None or int(found[1]) >= size:
        return Response(audio.data, media_type=audio.media_type, headers=headers)
    first, last = int(found[1]), min(int(found[2] or size - 1), size - 1)
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Response(audio.data[first : last + 1], 206, media_type=audio.media_type, headers=headers)


def _change(site: Site, change: Callable[[Session], Done]) -> Done:
    """A change in a transaction of its own; what does not exist for the cadre is 404, what another holds 409."""
    try:
        with site.database.begin() as session:
            return change(session)
    except (NoSuchHandoff, NoSuchCase) as error:
        raise HTTPException(404, str(error)) from None
    except NotYours as error:
        raise HTTPException(409, str(error)) from None


def _held(site: Site, session: Session, account: Account, talk: int) -> Handoff:
    try:
        return site.handoffs.held_by(session, account, talk)
    except NoSuchHandoff as error:
        raise HTTPException(404, str(error)) from None
    except NotYours as error:
        raise HTTPException(409, str(error)) from None


def _row(site: Site, session: Session, account: Account, handoff: Handoff) -> dict[str, Any]:
    holder = session.get(Account, handoff.taken_by) if handoff.taken_by else None
    return {
        "id": handoff.id, "url": f"/desk/talks/{handoff.id}", "state": handoff.state,
        "place": site.regions.spoken(handoff.region), "is_voice": handoff.voice_from is not None,
        "asked": handoff.asked_from is not None, "mine": holder is not None and holder.id == account.id,
        "holder": holder.name if holder else "", "waited": clock.waited(handoff.asked_at),
        "up_to": site.regions.spoken(handoff.reach), "for_me": len(handoff.reach) <= len(account.region),
        "overdue": handoff.state == "waiting" and handoff.due_at is None,
    }  # fmt: skip


def _talk(site: Site, account: Account, talk: int) -> dict[str, Any]:
    """What the page of one talk shows: to its holder only, and only from where the talk began."""
    with site.database.begin() as session:
        handoff = _held(site, session, account, talk)
        urgent = site.cases.open_urgent(session, handoff.conversation)
    return {
        "talk": {
            "url": f"/desk/talks/{handoff.id}", "place": site.regions.spoken(handoff.region), "open": handoff.state == "held",
            "ended": clock.spoken(handoff.ended_at) if handoff.ended_at else "",
            "urgent": urgent.number if urgent and covers(account, urgent.region) else "",
        },
        "lines": [_line(handoff, line) for line in _shown(site, handoff)],
    }  # fmt: skip


def _shown(site: Site, handoff: Handoff) -> list[Line]:
    """The lines of a talk that its cadre may read: none from before it, none from after its end."""
    marks = [mark for mark in (handoff.asked_from, handoff.voice_from, handoff.taken_from) if mark]
    lines = site.journal.lines(handoff.conversation, LINES, since=min(marks, default=new_id()))
    until = handoff.ended_at
    return [line for line in lines if handoff.shows(line.id, voice=line.voice) and (until is None or line.at <= until)]


def _line(handoff: Handoff, line: Line) -> dict[str, Any]:
    return {
        "who": line.who, "name": line.name, "text": line.text, "when": clock.spoken(line.at),
        "voice": f"/desk/talks/{handoff.id}/voice/{line.id}" if line.voice else "",
        "unsure": line.voice and (line.confidence or 1) < UNSURE_BELOW,
    }  # fmt: skip
