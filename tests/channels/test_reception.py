"""The reception: journalled first, answered once, each sender's in order, whatever crashes or floods."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from channels import reception as module
from channels.journal import Journal, answer_key
from channels.message import Answer, Inbound, Reach, Reply, Said, Understood
from channels.reception import Busy, Reception
from core import clock
from core.delivery import State
from core.outbox import Outbox, OutboxRow

REACH = Reach("sms", "+8613800000001")


class Answerer:
    """Answers in its time, notes the order, and can be made to fail."""

    def __init__(self, pause_s: float = 0.0) -> None:
        self.pause_s, self.fails = pause_s, 0
        self.order: defaultdict[str, list[str]] = defaultdict(list)
        self.at_once = self.most = 0
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, message: Inbound) -> Answer:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await self.go.wait()
        await asyncio.sleep(self.pause_s)
        self.at_once -= 1
        if self.fails:
            self.fails -= 1
            raise RuntimeError("down")
        self.order[message.conversation].append(message.text)
        return Answer(message.id, [Reply(f"答{message.text}")], Understood("policy", "ask_policy", 1.0))


async def until(check: Any) -> None:
    """Wait until something holds, five seconds at most."""
    for _ in range(500):
        if check():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


def sent(journal: Journal) -> list[OutboxRow]:
    """What is in the outbox."""
    with journal._database.read() as session:
        return list(session.scalars(select(OutboxRow).order_by(OutboxRow.id)))


async def test_what_is_taken_is_answered_through_the_outbox(journal: Journal) -> None:
    """A channel that cannot wait hands it over; a retry of it, before or after the answer, changes nothing."""
    reception = Reception(journal, Answerer())
    said = Said("低保", client_id="SM1", reach=REACH)
    first, second = await asyncio.gather(reception.take("c", said), reception.take("c", said))
    assert first is not None
    assert second in (first, None)
    await until(lambda: len(sent(journal)) == 1)
    assert await reception.take("c", said) is None
    [row] = sent(journal)
    assert (row.key, row.state) == (answer_key(first), "queued")
    body = journal._vault.unseal_json(row.body)
    assert body == {"to": REACH.to, "content": {"replies": [{"text": "答低保", "buttons": []}]}}


async def test_an_answer_that_was_passed_on_is_not_sent(journal: Journal) -> None:
    """A passive reply takes the outbox's place; without word of it the outbox sends after its time."""
    reception = Reception(journal, Answerer())
    one = await reception.say("c", Said("一", client_id="1", reach=REACH), send_after=timedelta(seconds=20))
    two = await reception.say("c", Said("二", client_id="2", reach=REACH), send_after=timedelta(seconds=20))
    journal.passed_on(one["message_id"])
    states = {row.key: (row.state, row.due_at > clock.now()) for row in sent(journal)}
    assert states[answer_key(one["message_id"])][0] == State.SENT
    assert states[answer_key(two["message_id"])] == (State.QUEUED, True)


async def test_each_senders_order_is_kept_and_room_is_bounded(journal: Journal) -> None:
    """Forty messages of eight senders through four places: every sender's in order, never more than four at once."""
    answerer = Answerer(pause_s=0.002)
    reception = Reception(journal, answerer, room=4)
    for number in range(5):
        for sender in "abcdefgh":
            await reception.take(sender, Said(str(number), client_id=str(number), reach=Reach("sms", sender)))
    await until(lambda: len(sent(journal)) == 40)
    assert answerer.most <= 4
    assert all(order == list("01234") for order in answerer.order.values())


async def test_danger_does_not_wait_for_room(journal: Journal) -> None:
    """With all places taken an urgent message is answered at once, a common one waits."""
    answerer = Answerer()
    answerer.go.clear()
    reception = Reception(journal, answerer, is_urgent=lambda text: "救命" in text, room=1)
    await reception.take("a", Said("一", client_id="1", reach=REACH))
    await reception.take("b", Said("二", client_id="1", reach=REACH))
    await until(lambda: answerer.at_once == 1)
    await reception.take("c", Said("救命", client_id="1", reach=REACH))
    await until(lambda: answerer.at_once == 2)
    answerer.go.set()
    await until(lambda: len(answerer.order) == 3)


async def test_a_long_line_asks_to_come_back(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A web client is turned away with kind words and nothing is journalled; a message of danger is not."""
    monkeypatch.setattr(module, "LINE", 1)
    answerer = Answerer()
    answerer.go.clear()
    reception = Reception(journal, answerer, is_urgent=lambda text: "救命" in text, room=1)
    for sender in "ab":
        await reception.take(sender, Said("问", client_id="1", reach=REACH))
    with pytest.raises(Busy, match="110"):
        await reception.say("c", Said("问"))
    assert len(journal.unanswered(clock.now())) == 2
    urgent = asyncio.create_task(reception.say("d", Said("救命")))
    await until(lambda: answerer.at_once == 2)
    answerer.go.set()
    assert (await urgent)["replies"][0]["text"] == "答救命"


async def test_after_a_crash_the_old_ones_come_first(journal: Journal) -> None:
    """What was left is answered in order, before what the same sender writes now; a retry gets that answer."""
    for number in range(3):
        journal.record("c", text=f"旧{number}", client_id=f"old{number}", reach=REACH)
    journal.record("web", text="网页")
    answerer = Answerer(pause_s=0.005)
    reception = Reception(journal, answerer)
    await reception.recover(clock.now())
    retried = asyncio.create_task(reception.say("c", Said("旧1", client_id="old1", reach=REACH)))
    new = await reception.say("c", Said("新", client_id="new", reach=REACH))
    assert answerer.order["c"] == ["旧0", "旧1", "旧2", "新"]
    assert (await retried)["replies"][0]["text"] == "答旧1"
    assert new["replies"][0]["text"] == "答新"
    await until(lambda: len(sent(journal)) == 3)  # the caller of «new» has its answer in hand
    assert [update["replies"][0]["text"] for update in journal.updates("web", "")] == ["答网页"]


async def test_what_failed_is_tried_again_a_few_times(journal: Journal) -> None:
    """A turn that raises loses no message; one that always raises does not go round for ever."""
    answerer = Answerer()
    answerer.fails = 1
    reception = Reception(journal, answerer)
    await reception.take("c", Said("问", client_id="1", reach=REACH))
    await until(lambda: not reception._waiting)
    assert sent(journal) == []
    await reception.recover(clock.now())
    await until(lambda: len(sent(journal)) == 1)
    answerer.fails = 99
    await reception.take("c", Said("毒", client_id="2", reach=REACH))
    for _ in range(6):
        await until(lambda: not reception._waiting)
        await reception.recover(clock.now())
    await until(lambda: not reception._waiting)
    assert answerer.fails == 99 - module.FAILURES


async def test_closing_leaves_the_rest_in_the_journal(journal: Journal) -> None:
    """What is under way when the service stops is answered at the next start."""
    answerer = Answerer()
    answerer.go.clear()
    reception = Reception(journal, answerer)
    await reception.take("c", Said("问", client_id="1", reach=REACH))
    await until(lambda: answerer.at_once == 1)
    await reception.close()
    assert [message.text for message in journal.unanswered(clock.now())] == ["问"]


def test_news_go_to_the_address_too(journal: Journal) -> None:
    """A notice to a conversation with an address is sent; on the web it waits for the next look."""
    journal.record("c", text="你好", reach=REACH)
    journal.notify("c", "已受理")
    journal.notify("c", "我明天来", cadre="莫志明")
    journal.notify("web", "已受理")
    outbox = Outbox(journal._database, journal._vault)
    first = outbox.claim("sms", "me", 5)
    assert [message.content["replies"][0]["text"] for message in first] == ["已受理"]
    assert [line.text for line in journal.lines("c")] == ["你好", "已受理", "我明天来"]
