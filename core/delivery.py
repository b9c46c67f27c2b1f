"""The life of an outbound message: its states, which may follow which, and when a try is made again. Pure rules.

    queued ──► sending ──► sent ──► delivered | failed
      ▲           │ ├────► unknown ──► (a report decides)
      └── retry ──┘ └────► failed, dead

A message is ``sending`` before its carrier is called. After that only what is known moves it: the carrier's answer, a
report that names it, or nothing, and then it is ``unknown`` and never sent again by itself.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum

TRIES = 8
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)
_random = secrets.SystemRandom()


class State(StrEnum):
    """Where a message is."""

    QUEUED = "queued"
    HELD = "held"  # kept back by a person, or after a restore
    SENDING = "sending"  # a sender has it; the carrier may have been called
    SENT = "sent"  # the carrier has taken it; the last word where a carrier reports nothing
    DELIVERED = "delivered"
    FAILED = "failed"  # the carrier says that it will never arrive
    UNKNOWN = "unknown"  # nobody can tell whether the carrier has taken it
    DEAD = "dead"  # given up by us, and certainly not sent


class Priority(IntEnum):
    """Classes of messages; a lower one goes first. Order is kept within a recipient and class."""

    URGENT = 0
    REPLY = 1
    NOTICE = 2
    BULK = 3


class Result(StrEnum):
    """What one call of a carrier came to."""

    SENT = "sent"
    DELIVERED = "delivered"
    RETRY = "retry"  # certainly not taken; the message's own fault or the carrier's, so the try counts
    WAIT = "wait"  # certainly not taken, for a reason that holds for all messages; the try does not count
    FAILED = "failed"
    UNKNOWN = "unknown"


LIVE = (State.QUEUED, State.SENDING)
_NOT_CONCLUDED = frozenset({State.QUEUED, State.HELD, State.SENDING, State.UNKNOWN, State.DEAD})

# the states that each state may be entered from. What proves that a carrier took a message counts wherever it is found:
# a report for a message that waits for its next try keeps it from being sent again
MAY_FOLLOW: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.SENDING, State.HELD, State.DEAD}),
    State.HELD: frozenset({State.QUEUED}),
    State.SENDING: frozenset({State.QUEUED}),
    State.SENT: _NOT_CONCLUDED,
    State.DELIVERED: _NOT_CONCLUDED | {State.SENT},
    State.FAILED: _NOT_CONCLUDED | {State.SENT},
    State.UNKNOWN: frozenset({State.SENDING}),
    State.DEAD: frozenset({State.QUEUED, State.SENDING, State.HELD}),
}


@dataclass(frozen=True)
class Outcome:
    """How a call ended. ``reason`` is the carrier's code or our word for it; ``after`` the least pause it asks for;
    ``parts`` what it is billed as."""

    result: Result
    reason: str = ""
    provider_id: str | None = None
    parts: int | None = None
    after: timedelta | None = None


@dataclass(frozen=True)
class Decision:
    """What becomes of a message after a call: its state, and for ``queued`` the pause before the next try."""

    state: State
    reason: str
    pause: timedelta = timedelta(0)


def decide(outcome: Outcome, tries: int) -> Decision:
    """What follows from the outcome of the try number ``tries`` (from 1)."""
    if outcome.result == Result.WAIT:
        return Decision(State.QUEUED, outcome.reason, outcome.after or FIRST_PAUSE)
    if outcome.result != Result.RETRY:
        return Decision(State(outcome.result), outcome.reason)
    if tries >= TRIES:
        return Decision(State.DEAD, outcome.reason)
    return Decision(State.QUEUED, outcome.reason, max(pause_after(tries), outcome.after or timedelta(0)))


def pause_after(tries: int) -> timedelta:
    """``min(5 s * 2**(tries - 1), 1 h)``, less up to half of it by chance, so that what failed together comes apart."""
    full: timedelta = min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE)
    return full * _random.uniform(0.5, 1.0)
