"""The inbound journal on each kind of database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from channels.journal import InboundRow, Journal, Notice, new_id
from channels.message import Answer, Button, Reply, Understood
from core import clock
from core.crypto import Vault
from core.database import Database


def answer_to(message_id: str, text: str = "好的") -> Answer:
    """An answer with one bubble and a button."""
    return Answer(message_id, [Reply(text, [Button("说详细点", "section:a/b")])], Understood("policy", "ask_policy", 0.9))


def test_ids_sort_by_time() -> None:
    """Ids are 24 hex digits, unique, and those of a later millisecond sort behind."""
    ids = [new_id() for _ in range(200)]
    assert len(set(ids)) == 200
    assert all(len(one) == 24 and set(one) <= set("0123456789abcdef") for one in ids)
    assert all(first[:12] <= second[:12] for first, second in pairwise(ids))


def test_the_conversation_key_tells_nothing(journal: Journal) -> None:
    """A key has 40 characters without the sender, and differs by sender and by channel."""
    key = journal.conversation("web", "13800138000")
    assert len(key) == 40
    assert "138" not in key or "13800138000" not in key
    assert len({key, journal.conversation("sms", "13800138000"), journal.conversation("web", "13800138001")}) == 3


def test_a_message_is_recorded_before_it_is_answered(journal: Journal) -> None:
    """A new message comes back with an id of ours and no answer, and counts as unanswered."""
    message, stored = journal.record("c", text="低保怎么办", region="450481", client_id="1")
    assert stored is None
    assert (message.text, message.payload, message.region) == ("低保怎么办", "", "450481")
    assert journal.unanswered(clock.now() + timedelta(seconds=1)) == [message]


def test_a_retry_before_the_answer_finds_the_same_message(journal: Journal) -> None:
    """The same client's id gives the first message again, whatever the retry says."""
    first, _ = journal.record("c", text="低保怎么办", client_id="1")
    again, stored = journal.record("c", text="别的话", client_id="1")
    assert (again, stored) == (first, None)


def test_a_retry_after_the_answer_gets_the_stored_answer(journal: Journal) -> None:
    """A retried message that was answered comes with its answer, in the contract's form."""
    message, _ = journal.record("c", text="低保怎么办", client_id="1")
    said = journal.answered(answer_to(message.id))
    again, stored = journal.record("c", text="低保怎么办", client_id="1")
    assert stored == said == answer_to(message.id).as_json()
    assert again.id == message.id


def test_client_ids_belong_to_their_conversation(journal: Journal) -> None:
    """Two senders may use the same id, and messages without an id never meet."""
    messages = [
        journal.record(conversation, text="你好", client_id=given)[0]
        for conversation, given in [("a", "1"), ("b", "1"), ("a", None), ("a", None)]
    ]
    assert len({message.id for message in messages}) == 4


def test_the_first_answer_stands(journal: Journal) -> None:
    """A second answer to a message is dropped and the first given back."""
    message, _ = journal.record("c", text="你好")
    journal.answered(answer_to(message.id, "第一"))
    assert journal.answered(answer_to(message.id, "第二"))["replies"][0]["text"] == "第一"


def test_an_answer_to_nothing_is_an_error(journal: Journal) -> None:
    """An answer without a journalled message is refused."""
    with pytest.raises(LookupError):
        journal.answered(answer_to("0" * 24))


def test_one_id_at_the_same_time_is_one_message(journal: Journal) -> None:
    """Eight requests of one id at once make one row, and all get its id."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: journal.record("c", text="你好", client_id="same")[0].id, range(8)))
    assert len(set(found)) == 1


def test_only_old_unanswered_messages_are_recovered(journal: Journal) -> None:
    """What was answered, or came after the moment, is not recovered; the rest comes oldest first."""
    old = [journal.record("c", text=str(number))[0] for number in range(3)]
    journal.answered(answer_to(old[1].id))
    moment = clock.now()
    journal.record("c", text="new")
    assert {message.text for message in journal.unanswered(moment)} == {"0", "2"}
    assert [message.id for message in journal.unanswered(moment)] == sorted([old[0].id, old[2].id])


def test_nothing_readable_is_stored(journal: Journal, database: Database) -> None:
    """Neither question, answer nor notice stands in the tables in clear."""
    message, _ = journal.record("c", text="我老公得了癌症", payload="do:urgent")
    journal.answered(answer_to(message.id, "打12345"))
    journal.notify("c", "已经受理")
    with database.read() as session:
        row = session.scalars(select(InboundRow)).one()
        notice = session.scalars(select(Notice)).one()
    kept = row.body + (row.answer or b"") + notice.body
    assert not any(secret.encode() in kept for secret in ("癌症", "12345", "受理", "urgent"))


def test_another_key_reads_nothing(database: Database, journal: Journal) -> None:
    """A journal with another key finds no conversation of the first."""
    other = Journal(database, Vault(bytes(32)))
    assert other.conversation("web", "a") != journal.conversation("web", "a")


def test_lines_are_the_conversation_in_order(journal: Journal) -> None:
    """Question, answer and notice stand in the order in which they were said; buttons and other senders do not."""
    first, _ = journal.record("c", text="你好")
    journal.answered(answer_to(first.id, "您好"))
    button, _ = journal.record("c", payload="section:dibao/how")
    journal.answered(answer_to(button.id, "先到村委会"))
    journal.notify("c", "已受理")
    journal.record("other", text="不是我")
    assert [(line.who, line.text) for line in journal.lines("c")] == [
        ("villager", "你好"), ("bot", "您好"), ("bot", "先到村委会"), ("bot", "已受理"),
    ]  # fmt: skip
    assert journal.lines("c")[1].buttons == [{"title": "说详细点", "payload": "section:a/b"}]


def test_only_the_last_lines_are_shown(journal: Journal) -> None:
    """The limit keeps the newest lines."""
    for number in range(5):
        journal.record("c", text=str(number))
    assert [line.text for line in journal.lines("c", limit=2)] == ["3", "4"]


def test_updates_come_once(journal: Journal) -> None:
    """Notices after a known id are given, older ones and other senders' are not."""
    first = journal.notify("c", "一")
    later = f"{int(first[:12], 16) + 1:012x}{first[12:]}"
    journal.notify("other", "别人的")
    assert [update["replies"][0]["text"] for update in journal.updates("c", "")] == ["一"]
    assert journal.updates("c", first) == []
    assert journal.updates("c", later) == []


@pytest.mark.parametrize("after", ["'; drop table notices; --", "é" * 50, "\\"])
def test_any_after_is_harmless(journal: Journal, after: str) -> None:
    """What a browser sends as the last id it has seen is only compared."""
    journal.notify("c", "一")
    assert isinstance(journal.updates("c", after), list)
