"""The operational database: one code path for SQLite (embedded) and PostgreSQL (at scale)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, ClassVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, DateTime, Engine, MetaData, create_engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from core.clock import as_utc
from core.errors import ConfigurationError

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
    """An aware UTC time, on SQLite too."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(timezone.utc)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else as_utc(value)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar = {datetime: Moment()}


READ_ONLY = "mingbai_read_only"


class Database:
    """An engine and its sessions. ``with database.begin() as session`` is one transaction."""

    def __init__(self, url: str) -> None:
        self.url = url
        embedded = url.startswith("sqlite")
        self.engine = _sqlite_engine(url) if embedded else _server_engine(url)
        # SQLite has one writer at a time, and lets the others sleep and try again: here they queue up instead
        self._writing: AbstractContextManager[Any] = threading.RLock() if embedded else nullcontext()
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._read_only = self.engine.execution_options(**{READ_ONLY: True})
        self._readers = sessionmaker(self._read_only, expire_on_commit=False)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        with self._writing, self._sessions.begin() as session:
            yield session

    @contextmanager
    def statement(self, *, writes: bool) -> Iterator[Connection]:
        """A transaction of a plain statement or two, without the ORM's bookkeeping: for what every message does."""
        engine = self.engine if writes else self._read_only
        with self._writing if writes else nullcontext(), engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads: it never waits for a writer."""
        with self._readers.begin() as session:
            yield session

    def upgrade(self) -> None:
        """Bring the tables to the newest shape (Alembic). Safe to call at every start."""
        logging.getLogger("alembic").setLevel(logging.WARNING)
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        self.engine.dispose()


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": 30}, pool_size=12, max_overflow=20)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin by itself: begin_transaction does
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        level = cursor.execute("PRAGMA synchronous").fetchone()[0]
        cursor.close()
        if level != 2:
            raise ConfigurationError(f"SQLite runs with synchronous={level}, not FULL: commits could be lost")

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Any) -> None:
        # a deferred transaction that turns into a writer can fail at once with «database is locked»
        reads_only = connection.get_execution_options().get(READ_ONLY)
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    return engine


def _server_engine(url: str) -> Engine:
    return create_engine(url, pool_size=12, max_overflow=20, pool_pre_ping=True)
