"""Fixtures that several tests share: a migrated database of each kind, a vault, a journal, a small index."""

from __future__ import annotations

import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url

from channels.journal import Journal
from core.crypto import Vault
from core.database import Database
from core.regions import Regions, load_regions
from knowledge_base.index import build_index
from knowledge_base.search import Searcher
from tests.fakes import OUT_OF_SCOPE, FakeEncoder, tiny_sheets

# a busy machine is not a failure; the suite has to stay quick
settings.register_profile("mingbai", deadline=None, max_examples=60)
settings.load_profile("mingbai")

POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/test"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty database: a file of its own on SQLite, a schema of its own on PostgreSQL."""
    make = request.getfixturevalue(f"_{request.param}_urls")
    yield from make(tmp_path)


@pytest.fixture
def sqlite(tmp_path: Path, _sqlite_urls) -> Iterator[Database]:
    """A migrated, empty SQLite database, for tests whose subject is not the database."""
    yield from _sqlite_urls(tmp_path)


@pytest.fixture(scope="session")
def _sqlite_urls(tmp_path_factory: pytest.TempPathFactory):
    template = tmp_path_factory.mktemp("template") / "template.db"
    migrated = Database(f"sqlite:///{template}")
    migrated.upgrade()
    migrated.close()

    def make(directory: Path) -> Iterator[Database]:
        file = directory / "operational.db"
        shutil.copy(template, file)
        database = Database(f"sqlite:///{file}")
        yield database
        database.close()

    return make


@pytest.fixture(scope="session")
def _postgresql_urls():
    address = make_url(POSTGRESQL)
    try:
        socket.create_connection((str(address.host), int(address.port or 5432)), timeout=2).close()
    except OSError as error:
        pytest.skip(f"no PostgreSQL answers on {address.host}:{address.port}: {error}")
    engine = create_engine(f"{POSTGRESQL}?options=-csynchronous_commit%3Doff")
    migration = _recorded_migration(engine)

    def make(_directory: Path) -> Iterator[Database]:
        with _schema(engine) as schema:
            with engine.begin() as connection:
                connection.exec_driver_sql(f"set local search_path to {schema}; {migration}")
            database = Database(_in_schema(schema))
            yield database
            database.close()

    yield make
    engine.dispose()


@contextmanager
def _schema(engine: Engine) -> Iterator[str]:
    """A schema of its own, dropped afterwards."""
    name = f"test_{secrets.token_hex(8)}"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"create schema {name}")
    try:
        yield name
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"drop schema {name} cascade")


def _in_schema(schema: str) -> str:
    return f"{POSTGRESQL}?options=-csearch_path%3D{schema}%20-csynchronous_commit%3Doff"


def _recorded_migration(engine: Engine) -> str:
    """What the migrations say to PostgreSQL: run once for real, replayed for each test's schema, which is much faster."""
    said: list[str] = []
    with _schema(engine) as schema:
        database = Database(_in_schema(schema))

        @event.listens_for(database.engine, "before_cursor_execute")
        def note(_connection, _cursor, statement, parameters, *_rest):
            if statement.lstrip().lower().startswith(("create", "alter", "insert", "update", "drop")):
                assert not parameters, "a migration with parameters cannot be replayed as text"
                said.append(statement)

        database.upgrade()
        database.close()
    return ";".join(said)


@pytest.fixture
def vault() -> Vault:
    """A vault with a key that is always the same."""
    return Vault(bytes(range(32)))


@pytest.fixture
def journal(database: Database, vault: Vault) -> Journal:
    """An empty journal, on each kind of database."""
    return Journal(database, vault)


@pytest.fixture(scope="session")
def regions() -> Regions:
    """The real division table."""
    return load_regions()


@pytest.fixture(scope="session")
def encoder() -> FakeEncoder:
    """The encoder that knows characters only."""
    return FakeEncoder()


@pytest.fixture(scope="session")
def searcher(tmp_path_factory: pytest.TempPathFactory, encoder: FakeEncoder) -> Iterator[Searcher]:
    """An index of three tiny sheets, opened."""
    file = tmp_path_factory.mktemp("index") / "knowledge.db"
    build_index(tiny_sheets(), encoder, OUT_OF_SCOPE, file, "fake")
    with Searcher(file, encoder) as opened:
        yield opened
