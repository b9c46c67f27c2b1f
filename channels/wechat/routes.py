"""WeChat's pushes: checked, journalled, and answered in the same response if the answer is there in time.

WeChat waits five seconds and asks three times. A response leaves before that with the answer or with a promise; the
answer then follows by a customer-service message or, for an account that may not send any, when the villager writes again.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.background import BackgroundTask

from channels.carrier import Means
from channels.envelope import NotFromPlatform, check_signature, is_fresh, open_envelope, seal_envelope, signature
from channels.limit import TooFast
from channels.message import Reach, Said
from channels.pushed import NoPush, fields_of, sealed_reply
from channels.reception import Busy
from channels.segment import WECHAT_BYTES, wechat_parts
from channels.texts import ChannelTexts
from channels.web.request import TEXT_LIMIT, BadRequest, read_body
from channels.wechat.followers import Followers
from channels.wechat.push import Push, parse_push, text_reply
from channels.wechat.render import joined, parts_of, spoken
from channels.wechat.settings import CHANNEL, WechatSettings
from core.delivery import Outcome, Priority, Result
from core.outbox import Claimed, Outgoing

log = structlog.get_logger()
LIMIT = 64 * 1024
PASSED_ON_WITHIN = timedelta(seconds=20)  # a passive reply that nobody confirms by then is sent by the outbox
AT_ONCE = 5  # waiting messages that are told in one reply
SEE = "1"
SUCCESS = "success"


@dataclass(frozen=True)
class _Opened:
    """A push in clear, and the key that its reply is to be sealed with; None in plain mode."""

    push: Push
    key: bytes | None


class _Gate:
    """Lets in what WeChat signed for this account, and seals what goes back."""

    def __init__(self, settings: WechatSettings) -> None:
        self._settings, self._token = settings, settings.token.get_secret_value()

    def check(self, query: Any, sealed: str = "") -> None:
        """Raises NotFromPlatform, also for a push that is too old or from the future."""
        stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        if not is_fresh(stamp, self._settings.clock_s):
            raise NotFromPlatform
        if sealed:
            check_signature(query.get("msg_signature", ""), self._token, stamp, nonce, sealed)
        else:
            check_signature(query.get("signature", ""), self._token, stamp, nonce)

    def open(self, query: Any, body: bytes) -> _Opened:
        """Raises NotFromPlatform, NoPush."""
        keys = self._settings.keys
        if not keys:
            self.check(query)
            return _Opened(parse_push(body), None)
        if query.get("encrypt_type") != "aes":
            raise NotFromPlatform  # an account in safe mode sends nothing in clear
        sealed = fields_of(body).get("Encrypt", "")
        if not sealed:
            raise NotFromPlatform
        self.check(query, sealed)
        message, key = open_envelope(keys, sealed, self._settings.app_id)
        return _Opened(parse_push(message), key)

    def reply(self, opened: _Opened, text: str) -> bytes:
        at = int(time.time())
        plain = text_reply(opened.push, text, at)
        if opened.key is None:
            return plain
        sealed, nonce = seal_envelope(opened.key, plain, self._settings.app_id), secrets.token_hex(8)
        return sealed_reply(sealed, signature(self._token, str(at), nonce, sealed), at, nonce)


class _Conversations:
    """What is said to a push."""

    def __init__(self, settings: WechatSettings, means: Means, followers: Followers) -> None:
        self._settings, self._means, self._followers = settings, means, followers
        self._texts = ChannelTexts(Path(__file__).parent)
        self._me = secrets.token_hex(12)
        self._promised: defaultdict[str, set[asyncio.Task[Any]]] = defaultdict(set)  # by OpenID: turns that go on

    async def said_to(self, push: Push, until: float) -> tuple[str, BackgroundTask | None]:
        """The text of the passive reply, empty for none, and what to do once it is out. ``until``: monotonic seconds."""
        if push.kind == "event":
            said = await self._event(push)
            if said is None:
                return "", None
            if isinstance(said, str):
                return said, None
        else:
            heard = self._heard(push)
            if isinstance(heard, str):
                return heard, None
            said = heard
        return await self._answered(push, said, until)

    def _heard(self, push: Push) -> Said | str:
        """What a message says, or what is said to one that we cannot read."""
        fields = push.fields
        if push.kind == "text":
            text = fields.get("Content", "")
        elif push.kind == "voice":
            text = fields.get("Recognition", "")
            if not text.strip():
                return self._texts.say("voice")
        elif push.kind == "location":
            text = fields.get("Label", "")
            if not text.strip():
                return self._texts.say("other")
        else:
            return self._texts.say("image" if push.kind == "image" else "other")
        return Said(text=self._means.clean(text, TEXT_LIMIT))

    async def _event(self, push: Push) -> Said | str | None:
        """Follows, scans and taps on the menu; nothing is said to the others."""
        if push.event == "unsubscribe":
            await asyncio.to_thread(self._followers.went, push.openid)
            return None
        if push.event in ("subscribe", "scan"):
            place = self._means.village(push.scene)
            await asyncio.to_thread(self._followers.came, push.openid, place[0] if place else None)
            welcome = self._texts.say("welcome", county=self._means.county_name) if push.event == "subscribe" else ""
            village = self._texts.say("village", place=place[1]) if place else ""
            return "\n".join(line for line in (welcome, village) if line) or self._texts.say(
                "welcome", county=self._means.county_name
            )
        if push.event == "click":
            key = self._means.clean(push.fields.get("EventKey", ""), 200)
            return Said(payload=key) if key.startswith("do:") else Said(text=key)
        return None

    async def _answered(self, push: Push, said: Said, until: float) -> tuple[str, BackgroundTask | None]:
        if said.text.strip() == SEE and not self._settings.verified:
            seen = await self._see(push, until)
            if seen:
                return seen
        elif await asyncio.to_thread(self._means.outbox.waits, CHANNEL, push.openid):
            waiting = await asyncio.to_thread(self._claim, push.openid)
            text, after = await self._answer(push, said, until)
            return self._together(push, waiting, text, after)
        return await self._answer(push, said, until)

    async def _answer(self, push: Push, said: Said, until: float) -> tuple[str, BackgroundTask | None]:
        means, openid = self._means, push.openid
        conversation = means.journal.conversation(CHANNEL, openid)
        try:
            means.limiter.check(conversation, said.text)
        except TooFast as error:
            return str(error), None
        follower = await asyncio.to_thread(self._followers.of, openid)
        await asyncio.to_thread(self._followers.heard, openid)
        whole = Said(
            text=said.text, payload=said.payload, client_id=push.id, region=follower.village, reach=Reach(CHANNEL, openid)
        )
        turn = asyncio.create_task(means.reception.say(conversation, whole, send_after=PASSED_ON_WITHIN))
        done, _ = await asyncio.wait([turn], timeout=max(until - time.monotonic(), 0))
        if not done:
            self._keep(openid, asyncio.create_task(self._follow(turn)))
            return self._promise(), None
        try:
            answer = turn.result()
        except Busy:  # nobody is turned away here: it is answered when there is room
            await means.reception.take(conversation, whole)
            return self._promise(), None
        return self._passive(push, answer)

    def _passive(self, push: Push, answer: dict[str, Any]) -> tuple[str, BackgroundTask | None]:
        """The answer as a reply; what one message cannot hold follows through the outbox."""
        parts = parts_of({"text": spoken(answer["replies"])})
        if not parts:
            return "", None
        text = parts[0]
        if len(parts) > 1 and not self._settings.verified:
            parts = _with_note(parts, self._texts.say("more_unverified"))
            text = parts[0]
        rest = [
            Outgoing(f"rest:{answer['message_id']}:{number}", CHANNEL, push.openid, {"text": part}, Priority.REPLY)
            for number, part in enumerate(parts[1:])
        ]

        def out() -> None:
            self._means.journal.passed_on(answer["message_id"])
            if rest:
                with self._means.database.begin() as session:
                    self._means.outbox.enqueue(session, rest)

        return text, BackgroundTask(out)

    async def _see(self, push: Push, until: float) -> tuple[str, BackgroundTask | None] | None:
        """«1»: the answers that were promised. None where none was."""
        promised = self._promised.get(push.openid)
        if promised:
            await asyncio.wait(set(promised), timeout=max(until - time.monotonic(), 0), return_when=asyncio.FIRST_COMPLETED)
        waiting = await asyncio.to_thread(self._claim, push.openid)
        if waiting:
            await asyncio.to_thread(self._followers.heard, push.openid)
            return self._together(push, waiting, "", None)
        return (self._texts.say("still"), None) if promised else None

    def _together(
        self, push: Push, waiting: list[Claimed], text: str, after: BackgroundTask | None
    ) -> tuple[str, BackgroundTask | None]:
        """What waited, then the answer, as far as one message holds it; what it does not hold goes on waiting."""
        told: list[Claimed] = []
        kept: list[Claimed] = []
        texts: list[str] = []
        for message in waiting:
            said = "\n\n".join(parts_of(message.content))
            if said == text:  # a retry of what was promised: it is told once
                told.append(message)
                continue
            fits = not kept and not joined([*texts, said, text])[1]
            if fits or (not texts and not text):
                texts.append(said)
                told.append(message)
            else:
                kept.append(message)
        reply, rest = joined([*texts, text])
        further = [
            Outgoing(f"rest:{waiting[0].id}:{number}", CHANNEL, push.openid, {"text": part}, Priority.REPLY)
            for number, part in enumerate(rest)
        ]

        async def out() -> None:
            if after is not None:
                await after()
            await asyncio.to_thread(self._told, told, kept, further)

        return reply, BackgroundTask(out)

    def _told(self, told: list[Claimed], kept: list[Claimed], further: list[Outgoing]) -> None:
        self._means.outbox.complete(self._me, [(message, Outcome(Result.SENT)) for message in told])
        self._means.outbox.give_back(self._me, kept)
        if further:
            with self._means.database.begin() as session:
                self._means.outbox.enqueue(session, further)

    def _claim(self, openid: str) -> list[Claimed]:
        return self._means.outbox.claim_waiting(CHANNEL, openid, self._me, AT_ONCE)

    async def _follow(self, turn: asyncio.Task[dict[str, Any]]) -> None:
        """A promised answer goes as soon as it is there."""
        try:
            answer = await turn
        except Exception as error:  # noqa: BLE001  # whatever it was, the message stays in the journal and is answered later
            log.warning("a promised answer is not there yet", reason=type(error).__name__)
            return
        await asyncio.to_thread(self._means.journal.was_promised, answer["message_id"])

    def _promise(self) -> str:
        return self._texts.say("later" if self._settings.verified else "later_unverified")

    def _keep(self, openid: str, following: asyncio.Task[None]) -> None:
        self._promised[openid].add(following)

        def over(task: asyncio.Task[None]) -> None:
            self._promised[openid].discard(task)
            if not self._promised[openid]:
                del self._promised[openid]

        following.add_done_callback(over)


def _with_note(parts: list[str], note: str) -> list[str]:
    """The parts anew, the first one with room for a note that more follows."""
    room = WECHAT_BYTES - len(note.encode()) - 1
    first = wechat_parts(parts[0], room)
    return [f"{first[0]}\n{note}", *wechat_parts("".join([*first[1:], *parts[1:]]))]


def wechat_router(settings: WechatSettings, means: Means, followers: Followers) -> APIRouter:
    """``/wechat``: GET when the server settings are saved, POST for each push."""
    router = APIRouter()
    gate, conversations = _Gate(settings), _Conversations(settings, means, followers)

    @router.get("/wechat")
    async def verify(request: Request) -> Response:
        try:
            gate.check(request.query_params)
        except NotFromPlatform:
            return Response(status_code=403)
        return PlainTextResponse(means.clean(request.query_params.get("echostr", ""), 200))

    @router.post("/wechat")
    async def pushed(request: Request) -> Response:
        until = time.monotonic() + settings.passive_s
        try:
            opened = gate.open(request.query_params, await read_body(request, LIMIT, "too long"))
        except BadRequest:
            return Response(status_code=413)
        except NotFromPlatform:
            return Response(status_code=403)
        except NoPush:
            return Response(status_code=400)
        text, after = await conversations.said_to(opened.push, until)
        if not text:
            return PlainTextResponse(SUCCESS, background=after)
        return Response(gate.reply(opened, text), media_type="application/xml", background=after)

    return router
