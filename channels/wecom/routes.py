"""WeCom's callback: always sealed. A button on a card is a deed of the member's account at the desk."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from channels.carrier import Means
from channels.envelope import NotFromPlatform, check_signature, is_fresh, open_envelope, seal_envelope, signature
from channels.pushed import NoPush, cdata, fields_of, sealed_reply
from channels.texts import ChannelTexts
from channels.web.request import BadRequest, read_body
from channels.wecom.carrier import DEEDS
from channels.wecom.settings import WecomSettings
from core.errors import MingbaiError

LIMIT = 64 * 1024


class _Gate:
    """Opens what WeCom sealed for this corp, and seals what goes back."""

    def __init__(self, settings: WecomSettings) -> None:
        self._settings, self._token = settings, settings.token.get_secret_value()

    def open(self, query: Any, sealed: str) -> bytes:
        """Raises NotFromPlatform, also for what is too old or from the future."""
        stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        if not sealed or not is_fresh(stamp, self._settings.clock_s):
            raise NotFromPlatform
        check_signature(query.get("msg_signature", ""), self._token, stamp, nonce, sealed)
        return open_envelope([self._settings.key], sealed, self._settings.corp_id)[0]

    def seal(self, plain: bytes) -> bytes:
        at, nonce = int(time.time()), secrets.token_hex(8)
        sealed = seal_envelope(self._settings.key, plain, self._settings.corp_id)
        return sealed_reply(sealed, signature(self._token, str(at), nonce, sealed), at, nonce)


def wecom_router(settings: WecomSettings, means: Means) -> APIRouter:
    """``/wecom``: GET when the callback is saved, POST for each push."""
    router, gate, texts = APIRouter(), _Gate(settings), ChannelTexts(Path(__file__).parent)

    def acted(member: str, key: str) -> str:
        """What stands on the button afterwards."""
        deed, _, number = key.partition(":")
        if deed not in DEEDS:
            return ""
        try:
            means.act(member, deed, number)
        except MingbaiError as error:
            return str(error)[:30]
        return texts.say(f"done_{deed}")

    @router.get("/wecom")
    async def verify(request: Request) -> Response:
        try:
            return PlainTextResponse(gate.open(request.query_params, request.query_params.get("echostr", "")))
        except NotFromPlatform:
            return Response(status_code=403)

    @router.post("/wecom")
    async def pushed(request: Request) -> Response:
        try:
            sealed = fields_of(await read_body(request, LIMIT, "too long")).get("Encrypt", "")
            push = fields_of(gate.open(request.query_params, sealed))
        except BadRequest:
            return Response(status_code=413)
        except NotFromPlatform:
            return Response(status_code=403)
        except NoPush:
            return Response(status_code=400)
        member = means.clean(push.get("FromUserName", ""), 64)
        reply = ""
        if push.get("MsgType") == "event":
            if push.get("Event") == "template_card_event":
                said = await asyncio.to_thread(acted, member, means.clean(push.get("EventKey", ""), 60))
                reply = f"<MsgType>{cdata('update_button')}</MsgType><Button><ReplaceName>{cdata(said)}</ReplaceName></Button>"
                reply = reply if said else ""
        else:
            said = texts.say("hello", desk=f"{means.public_url}/desk")
            reply = f"<MsgType>{cdata('text')}</MsgType><Content>{cdata(said)}</Content>"
        if not reply:
            return Response(b"")
        head = f"<ToUserName>{cdata(member)}</ToUserName><FromUserName>{cdata(settings.corp_id)}</FromUserName>"
        plain = f"<xml>{head}<CreateTime>{int(time.time())}</CreateTime>{reply}</xml>"
        return Response(gate.seal(plain.encode()), media_type="application/xml")

    return router
