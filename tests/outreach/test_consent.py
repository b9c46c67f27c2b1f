"""A refusal on any channel stops broadcasts everywhere at once, and nothing else."""

from __future__ import annotations

import pytest

from core.accounts import Account
from core.crypto import Vault
from core.database import Database
from core.delivery import Priority, State
from core.outbox import Outbox, Outgoing
from outreach.consent import Consents
from outreach.contacts import CannotMerge, Contacts
from outreach.tables import Hold
from tests.fakes import COUNTY
from tests.outreach.conftest import HEAD, people
from tests.talk import Talk

NUMBER = "+8613800000001"
LIST = (
    f"{HEAD}\n莫小兰,13800000001,岑城镇,探花村,1,低保\n莫志明,13800000001,岑城镇,探花村,1,脱贫户\n黄桂芳,13900000002,,善村,2,\n"
)


def queued(database: Database, outbox: Outbox, number: str = NUMBER) -> list[str]:
    """A broadcast, a reply and a notice wait for a number; gives their ids."""
    with database.begin() as session:
        outbox.enqueue(
            session,
            [Outgoing(f"{p}{number}", "sms", number, {"text": "x"}, p) for p in (Priority.BULK, Priority.REPLY, Priority.NOTICE)],
        )
    with database.read():
        return [letter.id for letter in reversed(outbox.letters([State.QUEUED, State.DEAD]))][-3:]


def test_a_refusal_by_sms_stops_what_waits(take_in, database: Database, vault: Vault, outbox: Outbox, consents: Consents) -> None:
    """The broadcast that is queued dies, reply and notice go on; who shares the number is out; a wish brings them back."""
    take_in(LIST)
    bulk, reply, notice = queued(database, outbox)
    with database.begin() as session:
        consents.said_in_conversation(session, outbox.recipient("sms", NUMBER), wanted=False, said="退订", channel="sms")
    assert [outbox.state(each) for each in (bulk, reply, notice)] == [State.DEAD, State.QUEUED, State.QUEUED]
    assert {name: Hold(row.hold) for name, row in people(database, vault).items()} == {
        "莫小兰": Hold.OPTED_OUT, "莫志明": Hold.OPTED_OUT, "黄桂芳": Hold.NONE,
    }  # fmt: skip
    with database.begin() as session:
        assert consents.refuses(session, NUMBER)
        consents.said_in_conversation(session, outbox.recipient("sms", NUMBER), wanted=True, said="订阅", channel="sms")
        entries = consents.entries(session, NUMBER)
        assert not consents.refuses(session, NUMBER)
    assert [(entry.wanted, entry.said, entry.basis) for entry in entries] == [
        (False, "退订", "本人拒收"),
        (True, "订阅", "本人同意"),
    ]
    assert {row.hold for row in people(database, vault).values()} == {Hold.NONE}


def test_a_linked_channel_speaks_for_the_number(
    take_in, database: Database, vault: Vault, outbox: Outbox, consents: Consents
) -> None:
    """Who refuses on WeChat gets no SMS; who had refused there before it was known whose it is, neither."""
    take_in(LIST)
    wechat = outbox.recipient("wechat", "openid")
    with database.begin() as session:
        consents.said_in_conversation(session, wechat, wanted=False, said="别发了", channel="wechat")
        assert not consents.refuses(session, NUMBER)
        assert consents.link(session, wechat, people(database, vault)["莫小兰"].id)
        assert consents.refuses(session, NUMBER)


def test_a_refusal_outlives_the_list(take_in, database: Database, vault: Vault, officer: Account, consents: Consents) -> None:
    """Said before the list came, or before it came again: it holds."""
    with database.begin() as session:
        consents.said_to_cadre(session, NUMBER, wanted=False, said="上门说不要", account_id=officer.id)
    take_in(LIST)
    assert Hold(people(database, vault)["莫小兰"].hold) == Hold.OPTED_OUT
    take_in(LIST, "replace")
    assert Hold(people(database, vault)["莫小兰"].hold) == Hold.OPTED_OUT


def test_a_key_that_is_no_senders(database: Database, consents: Consents) -> None:
    """A strange key changes nothing and breaks nothing."""
    with database.begin() as session:
        consents.said_in_conversation(session, "no hex at all", wanted=False, said="退订")
        assert not consents.link(session, "abcd", 1)


def test_the_bot_writes_into_the_ledger(talk: Talk, database: Database, vault: Vault, consents: Consents) -> None:
    """«退订» in a conversation reaches the ledger in the same transaction, with its words."""
    heard: list[tuple[str, bool, str]] = []
    object.__setattr__(talk.skills._shared, "consent", lambda _session, *rest: heard.append(rest))
    talk.say("退订", "opt_out")
    talk.say("订阅", "opt_in")
    assert heard == [(talk.key, False, "退订"), (talk.key, True, "订阅")]


def test_two_entries_of_one_person(take_in, database: Database, vault: Vault, officer: Account) -> None:
    """Merged, the one leaves and its categories go over; undone, both are as before. What is no pair is refused."""
    take_in(LIST)
    contacts, found = Contacts(vault), people(database, vault)
    one, other, far = (found[name].id for name in ("莫小兰", "莫志明", "黄桂芳"))
    with database.begin() as session:
        contacts.merge(session, one, other, officer.id)
        [left] = contacts.by_number(session, NUMBER, COUNTY)
        assert (left.name, left.categories, left.phone) == ("莫小兰", ["脱贫户", "低保"], "138****0001")
        for wrong in ((one, other), (one, one), (one, far), (one, 999999)):
            with pytest.raises(CannotMerge):
                contacts.merge(session, *wrong, officer.id)
        assert contacts.undo_merge(session, other)
        assert not contacts.undo_merge(session, other)
        assert [person.categories for person in contacts.by_number(session, NUMBER, COUNTY)] == [["低保"], ["脱贫户"]]
        assert contacts.counts(session, COUNTY) == {Hold.NONE: 3}
