"""Conversations and effects that happen once."""

from __future__ import annotations

import pytest

from bot.records import Conversation, Effect, conversation_row, once
from core import clock
from core.crypto import Vault
from core.database import Database


def test_an_effect_happens_once(database: Database, vault: Vault) -> None:
    """A second run of a message's action does nothing and gives what the first gave."""
    ran: list[int] = []

    def effect() -> dict[str, object]:
        ran.append(1)
        return {"number": "100016", "joined": False, "nothing": None}

    results = []
    for _ in range(3):
        with database.begin() as session:
            results.append(once(session, vault, "m1", "file_report", effect))
    assert ran == [1]
    assert results == [{"number": "100016", "joined": False, "nothing": None}] * 3


def test_an_effect_without_a_result_happens_once(database: Database, vault: Vault) -> None:
    """«Nothing» is a result too and is not tried again."""
    ran: list[int] = []
    for _ in range(2):
        with database.begin() as session:
            assert once(session, vault, "m1", "unanswered", lambda: ran.append(1)) is None
    assert ran == [1]


def test_other_messages_and_actions_are_other_effects(database: Database, vault: Vault) -> None:
    """Message and action together name an effect."""
    ran: list[str] = []
    with database.begin() as session:
        for message, action in [("m1", "a"), ("m1", "b"), ("m2", "a"), ("m1", "a")]:
            once(session, vault, message, action, lambda name=f"{message}{action}": ran.append(name))
    assert ran == ["m1a", "m1b", "m2a"]


def test_an_effect_that_failed_happens_again(database: Database, vault: Vault) -> None:
    """When the transaction is undone the effect is not counted as done."""

    def fail() -> None:
        with database.begin() as session:
            once(session, vault, "m1", "a", lambda: 1)
            raise OSError

    with pytest.raises(OSError):
        fail()
    with database.begin() as session:
        assert once(session, vault, "m1", "a", lambda: 2) == 2


def test_results_are_sealed(database: Database, vault: Vault) -> None:
    """What an effect gave is not readable in the table."""
    with database.begin() as session:
        once(session, vault, "m1", "a", lambda: {"event": "老公得了癌症"})
    with database.read() as session:
        row = session.get(Effect, ("m1", "a"))
        assert row is not None
        assert "癌症".encode() not in row.result


def test_a_conversation_is_made_once(database: Database) -> None:
    """The row of a sender is made at the first look, found at the second, and its time moves on."""
    with database.begin() as session:
        first = conversation_row(session, "c")
        first.region = "450481100201"
        touched = first.updated_at
    with database.begin() as session:
        again = conversation_row(session, "c")
        assert again.region == "450481100201"
        assert touched <= again.updated_at <= clock.now()
    with database.read() as session:
        assert session.query(Conversation).count() == 1
