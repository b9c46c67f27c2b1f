"""The rules of an outbound message's life."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.delivery import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MAY_FOLLOW,
    TRIES,
    Outcome,
    Result,
    State,
    decide,
    pause_after,
)

MINUTE = timedelta(minutes=1)


@given(tries=st.integers(1, 40))
def test_pauses_grow_up_to_an_hour_and_differ(tries: int) -> None:
    """A pause lies between half of ``5 s * 2**(tries - 1)``, an hour at most, and all of it."""
    full = min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE)
    assert full / 2 <= pause_after(tries) <= full
    assert len({pause_after(tries) for _ in range(20)}) > 1


@pytest.mark.parametrize(
    ("outcome", "tries", "state"),
    [
        (Outcome(Result.SENT), 1, State.SENT),
        (Outcome(Result.DELIVERED), 1, State.DELIVERED),
        (Outcome(Result.FAILED, "21610"), 1, State.FAILED),
        (Outcome(Result.UNKNOWN, "timeout"), 1, State.UNKNOWN),
        (Outcome(Result.RETRY, "20429"), 1, State.QUEUED),
        (Outcome(Result.RETRY, "20429"), TRIES - 1, State.QUEUED),
        (Outcome(Result.RETRY, "20429"), TRIES, State.DEAD),
        (Outcome(Result.WAIT, "20003"), TRIES + 50, State.QUEUED),
    ],
)
def test_what_follows_from_a_call(outcome: Outcome, tries: int, state: State) -> None:
    """Retries end, waiting for the carrier does not; a timeout is no reason to send again."""
    decision = decide(outcome, tries)
    assert (decision.state, decision.reason) == (state, outcome.reason)


def test_the_carrier_may_ask_for_a_longer_pause() -> None:
    """Retry-After counts where it is longer than our own pause, never where it is shorter."""
    assert decide(Outcome(Result.RETRY, after=10 * MINUTE), 1).pause == 10 * MINUTE
    assert decide(Outcome(Result.RETRY, after=timedelta(0)), 3).pause >= timedelta(seconds=10)
    assert decide(Outcome(Result.WAIT, after=MINUTE), 3).pause == MINUTE


def test_what_is_concluded_stays() -> None:
    """Nothing follows on «delivered» and «failed»; and from every other state a report still leads to one of them."""
    for concluded in (State.DELIVERED, State.FAILED):
        assert not any(concluded in before for before in MAY_FOLLOW.values())
    for state in set(State) - {State.DELIVERED, State.FAILED}:
        assert state in MAY_FOLLOW[State.DELIVERED]


def test_only_a_queued_message_is_sent() -> None:
    """Unknown is not sent again by any road: it leads to what a report says, and nowhere else."""
    assert MAY_FOLLOW[State.SENDING] == {State.QUEUED}
    after_unknown = {state for state, before in MAY_FOLLOW.items() if State.UNKNOWN in before}
    assert after_unknown == {State.SENT, State.DELIVERED, State.FAILED}
