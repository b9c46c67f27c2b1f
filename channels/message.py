"""The common message model: what every channel hands in, and what it gets to send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from channels.voice import Audio, Heard


@dataclass(frozen=True)
class Inbound:
    """One message of a villager. ``text`` or ``payload`` (a button's) is set; ``region`` is a hint of 6 or 12 digits.

    A voice message has a transcript as its text, once there is one; ``unclear`` where it cannot be relied on.
    """

    id: str
    conversation: str  # opaque: a keyed hash of channel and sender
    text: str = ""
    payload: str = ""
    region: str | None = None
    voice: bool = False
    unclear: bool = False
    source: str = ""  # opaque: where it came from, if one place may hide behind many senders; caps alerts
    retried: bool = field(default=False, compare=False)  # its row was there already

    @property
    def origin(self) -> str:
        return self.source or self.conversation


@dataclass(frozen=True)
class Reach:
    """Where somebody can be told something later: a channel with an outbox, and their address on it."""

    channel: str
    to: str = field(repr=False)


@dataclass(frozen=True)
class Said:
    """What somebody said, as their channel read it. ``client_id`` is the channel's own id of the message: a retry has the
    same. ``heard`` is the transcript that comes along with ``audio``."""

    text: str = ""
    payload: str = ""
    client_id: str | None = None
    region: str | None = None
    source: str = ""
    audio: Audio | None = None
    heard: Heard | None = None
    reach: Reach | None = None


@dataclass(frozen=True)
class Button:
    title: str
    payload: str


@dataclass(frozen=True)
class Reply:
    """One bubble."""

    text: str
    buttons: list[Button] = field(default_factory=list)


@dataclass(frozen=True)
class Source:
    """A section of a sheet that an answer rests on. ``audio``: where its recording is, for channels that can play one."""

    sheet: str
    section: str
    title: str
    score: float
    url: str
    audio: str = ""


@dataclass(frozen=True)
class Understood:
    """What kind of message it was (``kind``), by which intent, and how sure we are (0..1)."""

    kind: str
    intent: str
    confidence: float


@dataclass(frozen=True)
class CaseView:
    """What a villager may know of a case."""

    number: str
    urgency: str  # routine | urgent
    state: str


@dataclass(frozen=True)
class Answer:
    """The whole answer to one message; ``as_json`` is the contract of POST /api/chat."""

    message_id: str
    replies: list[Reply]
    understood: Understood
    sources: list[Source] = field(default_factory=list)
    case: CaseView | None = None

    def as_json(self) -> dict[str, Any]:
        said = asdict(self)
        for source in said["sources"]:  # the contract has the key only where there is something to hear
            if not source["audio"]:
                del source["audio"]
        return said


Answerer = Callable[[Inbound], Awaitable[Answer]]
