"""Twilio's webhooks: messages of villagers, and what became of ours. Nothing happens before the signature is checked."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from starlette.datastructures import MultiDict
from twilio.request_validator import RequestValidator

from channels.carrier import Means
from channels.limit import Limiter, TooFast
from channels.message import Reach, Said
from channels.sms import CHANNEL, number
from channels.sms_twilio.settings import TwilioSettings
from channels.web.request import TEXT_LIMIT, BadRequest, read_body
from core.delivery import State

LIMIT = 64 * 1024
EMPTY = "<Response/>"
STATES = {
    "sent": State.SENT, "delivered": State.DELIVERED, "read": State.DELIVERED,
    "undelivered": State.FAILED, "failed": State.FAILED, "canceled": State.FAILED,
}  # fmt: skip


def twilio_router(settings: TwilioSettings, means: Means) -> APIRouter:
    """``/sms/twilio/inbound`` and ``/sms/twilio/status/{id}``."""
    router = APIRouter(prefix="/sms/twilio")
    told = Limiter(1, 1, lambda _: False)
    validators = [RequestValidator(token) for token in settings.tokens]

    async def form_of(request: Request) -> MultiDict | None:
        """The form, or None where it is not Twilio's. Twilio signs the public address, not the one behind the proxy."""
        body = await read_body(request, LIMIT, "too long")
        form = MultiDict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        query = f"?{request.url.query}" if request.url.query else ""
        address = f"{means.public_url}{request.url.path}{query}"
        signature = request.headers.get("X-Twilio-Signature", "")
        signed = any(validator.validate(address, form, signature) for validator in validators)
        return form if signed and form.get("AccountSid") == settings.account_sid else None

    async def _slower(sender: str, words: str) -> str:
        """The kind words, once a minute: two machines that answer each other must come to rest."""
        try:
            told.check(sender, "")
        except TooFast:
            return EMPTY
        return f"<Response><Message>{words}</Message></Response>"

    @router.post("/inbound")
    async def inbound(request: Request) -> Response:
        try:
            form = await form_of(request)
        except BadRequest:
            return Response(status_code=413)
        if form is None:
            return Response(status_code=403)
        sender, text = number(form.get("From", "")), means.clean(form.get("Body", ""), TEXT_LIMIT)
        message_id = means.clean(form.get("MessageSid", ""), 80)
        if sender is None or not message_id:
            return _xml(EMPTY)
        try:
            means.limiter.check(means.outbox.recipient(CHANNEL, sender), text)
        except TooFast as error:
            return _xml(await _slower(sender, str(error)))
        said = Said(text=text, client_id=message_id, reach=Reach(CHANNEL, sender))
        conversation = means.journal.conversation(CHANNEL, sender)
        # with Advanced Opt-Out Twilio has answered STOP itself, and would refuse ours: it is only noted
        await means.reception.take(conversation, said, send=not form.get("OptOutType"))
        return _xml(EMPTY)

    @router.post("/status/{message_id}")
    async def status(request: Request, message_id: str) -> Response:
        try:
            form = await form_of(request)
        except BadRequest:
            return Response(status_code=413)
        if form is None:
            return Response(status_code=403)
        state = STATES.get(form.get("MessageStatus", ""))
        if state is not None:  # the words before «sent» say nothing that we do not know
            reason = form.get("ErrorCode", "")
            sid = means.clean(form.get("MessageSid", ""), 64) or None
            await asyncio.to_thread(
                means.outbox.report, means.clean(message_id, 32), state, provider_id=sid, reason=means.clean(reason, 20)
            )
        return _xml(EMPTY)

    return router


def _xml(body: str) -> Response:
    return Response(body, media_type="text/xml")
