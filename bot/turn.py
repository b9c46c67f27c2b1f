"""A turn: one message on its way to its answer. Actions find it by the message's id and write what they did to it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np

from bot.kinds import KIND_OF
from channels.message import Answer, CaseView, Inbound, Reply, Source, Understood


@dataclass
class Turn:
    """What is known of a message, and what came of it. ``region`` is the villager's place, the county's at least."""

    inbound: Inbound
    text: str
    region: str
    vector: np.ndarray | None = None
    last: str = ""  # what was asked before, for messages that need it
    checking: bool = False  # a pre-check is open
    checks: bool = False  # and this message answers its question, or leaves it
    intent: str = "nlu_fallback"
    confidence: float = 0.0
    kind: str | None = None
    sources: list[Source] = field(default_factory=list)
    case: CaseView | None = None
    interrupted: bool = False  # another action has answered; the report only asks its question again
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def id(self) -> str:
        return self.inbound.id

    @property
    def conversation(self) -> str:
        return self.inbound.conversation

    def answer(self, replies: list[Reply]) -> Answer:
        kind = self.kind or KIND_OF.get(self.intent, "oos")
        understood = Understood(kind, self.intent, round(self.confidence, 3))
        return Answer(self.id, replies, understood, self.sources, self.case)


class Turns:
    """The turns that are inside Rasa now.

    A turn that the service gives up is removed (``close``): an action that comes late, or that was called by anyone
    but our own Rasa, finds nothing and changes nothing.
    """

    def __init__(self) -> None:
        self._open: dict[str, Turn] = {}

    def open(self, turn: Turn) -> None:
        self._open[turn.id] = turn

    def get(self, message_id: str) -> Turn | None:
        return self._open.get(message_id)

    def close_idle(self, turn: Turn) -> bool:
        """Close a turn that no action is at work on; False if one is: then ``close`` has to wait for it."""
        if not turn.lock.acquire(blocking=False):
            return False
        try:
            self._open.pop(turn.id, None)
        finally:
            turn.lock.release()
        return True

    def close(self, turn: Turn) -> None:
        """From here on no action touches the turn. Waits for one that is at work."""
        with turn.lock:
            self._open.pop(turn.id, None)
