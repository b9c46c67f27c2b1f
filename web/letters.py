"""The desk's page of messages that did not get through: given up, refused, or nobody knows. For the county's level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from core import clock
from core.accounts import Account
from core.delivery import State
from core.outbox import Outbox
from core.rights import Right
from web.desk_frame import DeskFrame
from web.site import Site

HOME = "/desk/letters"
SHOWN = (State.DEAD, State.UNKNOWN, State.HELD, State.FAILED)
STATES = {State.DEAD: "没发出去", State.UNKNOWN: "不知道收到没有", State.HELD: "先扣着", State.FAILED: "对方收不到"}
CHANNELS = {"sms": "短信", "wechat": "微信", "wecom": "企业微信"}
ROWS = 100
InWords = Callable[[str, str], str]  # of an outbox channel and a carrier's code: what it means


def letters_router(site: Site, outbox: Outbox, in_words: InWords) -> APIRouter:
    """``/desk/letters``. Nothing of whom a message goes to or what it says."""
    router = APIRouter(prefix=HOME)
    frame = DeskFrame(site)

    def county(request: Request) -> Account:
        account = frame.holder(request, Right.SUPERVISE)
        if account.region != site.county.code:
            raise HTTPException(404)
        return account

    @router.get("")
    def letters(request: Request, after: str = "") -> Response:
        account = county(request)
        found = outbox.letters(SHOWN, ROWS, after[:32] if after.isalnum() else "")
        rows: list[dict[str, Any]] = [
            {
                "id": row.id, "channel": CHANNELS.get(row.channel, row.channel), "state": STATES[row.state],
                "why": in_words(row.channel, row.reason), "since": clock.spoken(row.updated_at),
                "can_retry": row.state == State.DEAD,
            }
            for row in found
        ]  # fmt: skip
        more = found[-1].id if len(found) == ROWS else ""
        return frame.page(request, "desk_letters.html", account, rows=rows, more=more, home=HOME, here="letters")

    @router.post("/{message_id}/retry")
    def retry(request: Request, message_id: str, csrf: str = Form("")) -> Response:
        account = county(request)
        frame.check_form(request, csrf)
        if not message_id.isalnum() or not outbox.try_again(message_id[:32]):
            raise HTTPException(404, "这一条已经再发了，或者不能再发。")
        with site.database.begin() as session:
            site.audit.record(session, account.id, "retry", "message", message_id)
        return RedirectResponse(HOME, 303)

    return router
