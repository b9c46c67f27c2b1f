"""What WeChat pushes, and what a passive reply looks like: XML in, XML out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from channels.pushed import NoPush, cdata, fields_of

SCENE = "qrscene_"
_ID_LIMIT = 80  # of the journal


@dataclass(frozen=True)
class Push:
    """One message or event, flat. ``fields`` has every field by its name in WeChat's documents."""

    account: str
    openid: str
    kind: str  # MsgType
    fields: dict[str, str]

    @property
    def event(self) -> str:
        return self.fields.get("Event", "").lower() if self.kind == "event" else ""

    @property
    def id(self) -> str:
        """What a retry has in common: MsgId, and for events, which have none, sender, second, event and key."""
        if self.fields.get("MsgId"):
            return self.fields["MsgId"][:_ID_LIMIT]
        parts = [self.fields.get("CreateTime", ""), self.event, self.fields.get("EventKey", "")]
        return hashlib.sha256("\n".join([self.openid, *parts]).encode()).hexdigest()

    @property
    def scene(self) -> str:
        """The scene of the code that was scanned, by who follows just now or did before; empty if none was."""
        key = self.fields.get("EventKey", "")
        if self.event == "subscribe":
            return key.removeprefix(SCENE) if key.startswith(SCENE) else ""
        return key if self.event == "scan" else ""


def parse_push(body: bytes) -> Push:
    """A push out of its XML. Raises NoPush."""
    fields = fields_of(body)
    try:
        return Push(fields["ToUserName"], fields["FromUserName"], fields["MsgType"], fields)
    except KeyError:
        raise NoPush from None


def text_reply(push: Push, text: str, at: int) -> bytes:
    """A passive reply of text to who pushed."""
    return (
        f"<xml><ToUserName>{cdata(push.openid)}</ToUserName><FromUserName>{cdata(push.account)}</FromUserName>"
        f"<CreateTime>{at}</CreateTime><MsgType>{cdata('text')}</MsgType><Content>{cdata(text)}</Content></xml>"
    ).encode()
