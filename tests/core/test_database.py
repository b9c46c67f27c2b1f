"""Migrations, transactions and times on each kind of database."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, OperationalError

import service.app
from channels.journal import Notice
from core.accounts import DeskSession
from core.county import CountySetting
from core.database import Base, Database

EVERYTHING = service.app  # imported for the tables of every part


def test_the_fixture_is_what_it_says(database: Database, request: pytest.FixtureRequest) -> None:
    """The test named «postgresql» runs on PostgreSQL, the one named «sqlite» on SQLite."""
    assert database.engine.dialect.name == request.node.callspec.params["database"]


def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    """After all migrations nothing is left to migrate."""
    with database.engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    """A second start finds the tables as they are and keeps the rows."""
    with database.begin() as session:
        session.add(CountySetting(key="k", value="v"))
    database.upgrade()
    with database.read() as session:
        assert session.get(CountySetting, "k") is not None


def test_an_error_undoes_the_transaction(database: Database) -> None:
    """What was written before an error in the block is not there after it."""

    def write_and_fail() -> None:
        with database.begin() as session:
            session.add(CountySetting(key="k", value="v"))
            session.flush()
            raise LookupError

    with pytest.raises(LookupError):
        write_and_fail()
    with database.read() as session:
        assert session.get(CountySetting, "k") is None


def test_a_duplicate_key_is_an_integrity_error(database: Database) -> None:
    """Both databases refuse a second row of one key with the same exception."""

    def add() -> None:
        with database.begin() as session:
            session.add(CountySetting(key="k", value="v"))

    add()
    with pytest.raises(IntegrityError):
        add()


def test_a_dangling_reference_is_refused(database: Database) -> None:
    """Foreign keys hold, on SQLite too."""

    def add() -> None:
        with database.begin() as session:
            session.add(DeskSession(token_hash="t", account_id=77, expires_at=datetime.now(timezone.utc)))

    with pytest.raises(IntegrityError):
        add()


@pytest.mark.parametrize("hours", [0, 8, -11])
def test_times_come_back_aware_and_equal(database: Database, hours: int) -> None:
    """A moment of any zone comes back as the same moment in UTC, and compares in SQL."""
    moment = datetime(2026, 11, 23, 23, 59, 59, 123456, timezone(timedelta(hours=hours)))
    with database.begin() as session:
        session.add(Notice(id="n", conversation="c", body=b"", created_at=moment))
    with database.read() as session:
        found = session.scalars(select(Notice).where(Notice.created_at <= moment)).one()
        assert found.created_at == moment
        assert found.created_at.utcoffset() == timedelta(0)
        before = moment.astimezone(timezone.utc) - timedelta(microseconds=1)
        assert session.scalars(select(Notice).where(Notice.created_at <= before)).all() == []


def test_writers_of_many_threads_wait_for_each_other(database: Database) -> None:
    """Eight threads that read and then write in one transaction all succeed."""
    with database.begin() as session:
        session.add(CountySetting(key="count", value="0"))
    failed: list[Exception] = []

    def add_one() -> None:
        try:
            with database.begin() as session:
                row = session.scalars(select(CountySetting).where(CountySetting.key == "count").with_for_update()).one()
                row.value = str(int(row.value) + 1)
        except OperationalError as error:
            failed.append(error)

    threads = [threading.Thread(target=add_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        row = session.get(CountySetting, "count")
        assert row is not None
        assert (row.value, failed) == ("8", [])


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    """While a transaction writes, another one reads what stood before."""
    with database.begin() as writing:
        writing.add(CountySetting(key="k", value="v"))
        writing.flush()
        with database.read() as reading:
            assert reading.get(CountySetting, "k") is None


def test_sqlite_is_durable(sqlite: Database) -> None:
    """SQLite writes ahead, syncs fully and checks foreign keys on every connection."""
    with sqlite.engine.connect() as first, sqlite.engine.connect().execution_options(mingbai_read_only=True) as second:
        for connection in (second, first):
            found = [
                connection.execute(text(f"pragma {name}")).scalar() for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
            assert found == ["wal", 2, 1]
            connection.rollback()
