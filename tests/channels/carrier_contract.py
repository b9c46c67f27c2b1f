"""What every carrier has to keep: a test class that inherits this and brings a ``bench`` gets all the checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from channels.carrier import Carrier
from core import clock
from core.delivery import Outcome, Result
from core.outbox import Claimed, new_ids

_IDS = new_ids()
HONG_KONG = "+85251234567"


def claimed(to: str = HONG_KONG, content: dict[str, Any] | None = None) -> Claimed:
    """A message as a sender holds it."""
    said = {"text": "明天开会"} if content is None else content
    return Claimed(next(_IDS), "sms", to, said, 1, clock.now(), claimed_at=clock.now())


@dataclass
class Bench:
    """A carrier on something that takes its calls."""

    carrier: Carrier

    async def taken(self) -> list[tuple[str, str]]:
        """Number and text of what arrived there, in order."""
        raise NotImplementedError


class CarrierContract:
    """Inherit, and give a fixture ``bench``. ``trouble`` names faults that the bench's ``make_trouble`` can cause."""

    can_be_away: ClassVar[bool] = True

    async def test_a_message_arrives_as_it_is(self, bench: Bench) -> None:
        """Number and words come through, and the carrier's own id is kept."""
        outcome = await bench.carrier.send(claimed(content={"text": "您好，𠮷先生：低保已批😀"}))
        assert outcome.result in (Result.SENT, Result.DELIVERED)
        assert outcome.provider_id
        assert await bench.taken() == [(HONG_KONG, "您好，𠮷先生：低保已批😀")]

    async def test_an_answer_is_rendered(self, bench: Bench) -> None:
        """Bubbles and choices become text."""
        replies = [{"text": "到村里申请。", "buttons": [{"title": "要带什么", "payload": "x"}]}]
        await bench.carrier.send(claimed(content={"replies": replies}))
        [(_, text)] = await bench.taken()
        assert text.startswith("到村里申请。")
        assert "1要带什么" in text

    async def test_what_cannot_be_sent_fails_for_good(self, bench: Bench) -> None:
        """No number, no words: never tried again, never raised."""
        for message in (claimed("莫志明"), claimed(""), claimed(content={"text": ""}), claimed(content={"replies": []})):
            assert (await bench.carrier.send(message)).result == Result.FAILED
        assert await bench.taken() == []

    async def test_an_unknown_message_is_not_found(self, bench: Bench) -> None:
        """What never was there is unknown; what is there is found."""
        message = claimed()
        if not bench.carrier.capabilities.finds:
            return
        assert await bench.carrier.find(message) == Outcome(Result.UNKNOWN, (await bench.carrier.find(message)).reason)  # type: ignore[union-attr]
        await bench.carrier.send(message)
        found = await bench.carrier.find(message)
        assert found is not None
        assert found.result in (Result.SENT, Result.DELIVERED)

    async def test_nothing_personal_is_shown(self, bench: Bench) -> None:
        """What a log or a traceback would print of it names nobody."""
        message = claimed()
        outcome = await bench.carrier.send(message)
        shown = f"{bench.carrier!r} {outcome!r} {message!r} {vars(bench.carrier) if hasattr(bench.carrier, '__dict__') else ''}"
        assert HONG_KONG not in shown
        assert "明天开会" not in shown
