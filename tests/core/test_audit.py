"""The audit log: each row fits the one before it, and whatever is altered is found out."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from core.audit import Audit
from core.crypto import Vault
from core.database import Database


@pytest.fixture
def audit(database: Database, vault: Vault) -> Audit:
    """A log of five deeds."""
    log = Audit(vault)
    with database.begin() as session:
        for number in range(5):
            log.record(session, 7, "view", "case", number, "details")
    return log


def alter(database: Database, statement: str) -> None:
    """What somebody does who owns the database: away with the guard, then change the row."""
    with database.begin() as session:
        on = " on audit_entries" if database.engine.dialect.name == "postgresql" else ""
        for verb in ("update", "delete"):
            session.execute(text(f"drop trigger audit_entries_stay_{verb}{on}"))
        try:
            session.execute(text(statement))
            session.flush()
            broken = Audit(Vault(bytes(range(32)))).verify(session)
        finally:
            session.rollback()
    assert not broken.is_sound
    alter.fault = broken.fault


def test_what_stands_is_sound(database: Database, audit: Audit) -> None:
    """An untouched log verifies, with the head that was noted, and a later row keeps it so."""
    with database.begin() as session:
        head = audit.head(session)
        audit.record(session, None, "remind", "case", 9)
    with database.read() as session:
        verdict = audit.verify(session, head)
        assert (verdict.entries, verdict.is_sound) == (6, True)
        assert head[0] == 5


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("update audit_entries set actor = 8 where id = 3", "row 3 was changed"),
        ("update audit_entries set subject = '4' where id = 1", "row 1 was changed"),
        ("update audit_entries set at = '2026-01-01 00:00:00' where id = 5", "row 5 was changed"),
        ("delete from audit_entries where id = 2", "row 2 is missing"),
        ("delete from audit_entries where id = 5", "the end was cut off after row 4"),
        ("update audit_head set last = 4", "the end was cut off after row 5"),
    ],
)
def test_an_altered_database_is_found_out(database: Database, audit: Audit, statement: str, fault: str) -> None:
    """A changed, deleted or cut off row is named, on either database."""
    alter(database, statement)
    assert alter.fault == fault


def test_a_log_cut_off_with_its_head_is_found_by_the_auditor(database: Database, audit: Audit) -> None:
    """Rows and head taken back together still fit each other, but not what the auditor noted."""
    with database.read() as session:
        noted = audit.head(session)
        shorter = (4, audit.newest(session, 2)[1].digest)
    assert shorter != noted
    with database.begin() as session:
        on = " on audit_entries" if database.engine.dialect.name == "postgresql" else ""
        session.execute(text(f"drop trigger audit_entries_stay_delete{on}"))
        session.execute(text("delete from audit_entries where id = 5"))
        session.execute(text("update audit_head set last = 4, digest = :digest"), {"digest": shorter[1]})
        alone, noticed = audit.verify(session), audit.verify(session, noted)
        session.rollback()
    assert alone.is_sound
    assert noticed.fault == "row 5 was noted and is gone"


@pytest.mark.parametrize("statement", ["update audit_entries set actor = 1", "delete from audit_entries"])
def test_the_database_refuses_to_change_a_row(database: Database, audit: Audit, statement: str) -> None:
    """The service itself cannot rewrite the log."""
    with pytest.raises(DatabaseError, match="append-only"), database.begin() as session:
        session.execute(text(statement))


def test_a_key_is_needed_to_forge(database: Database, audit: Audit) -> None:
    """The chain does not fit another key."""
    with database.read() as session:
        assert Audit(Vault(bytes(32))).verify(session).fault == "row 1 was changed"


def test_writers_at_once_make_one_chain(database: Database, vault: Vault) -> None:
    """Rows that several write at the same moment stand one behind the other."""
    log, start = Audit(vault), threading.Barrier(4)

    def write(actor: int) -> None:
        start.wait()
        for number in range(5):
            with database.begin() as session:
                log.record(session, actor, "view", "case", number)

    writers = [threading.Thread(target=write, args=(actor,)) for actor in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with database.read() as session:
        verdict = log.verify(session)
        assert (verdict.entries, verdict.fault) == (20, "")
        assert {entry.actor for entry in log.of(session, "case", 3)} == {0, 1, 2, 3}
