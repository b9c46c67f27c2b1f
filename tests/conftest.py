"""Fixtures that several tests share: a migrated database of each kind, a vault, a journal, a small index."""

from __future__ import annotations

import secrets
import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

import cadres.bulk
import cadres.referral
import cadres.sweep  # noqa: F401
import channels.token
import channels.wechat.followers  # noqa: F401
import core.audit
import core.lease
import core.outbox
import core.village_code  # noqa: F401  # tables that nothing else here brings in
import outreach.broadcast_tables
import outreach.tables  # noqa: F401  # tables that nothing else here brings in
from bot.skills import Shared, Skills
from bot.texts import Texts
from cadres.alert import Alerts
from cadres.case import Cases
from cadres.complaint import Complaints
from cadres.handoff import Handoffs
from channels.journal import Journal
from core.county import County
from core.crypto import Vault
from core.database import Base, Database
from core.regions import Regions, load_regions
from knowledge_base.index import build_index
from knowledge_base.search import Searcher
from tests.checking import checked_index
from tests.fakes import COUNTY, OUT_OF_SCOPE, FakeEncoder, tiny_sheets
from tests.talk import Talk

# a busy machine is not a failure; the suite has to stay quick
settings.register_profile("mingbai", deadline=None, max_examples=60)
settings.load_profile("mingbai")

POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/test"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """A migrated, empty database: a file of its own on SQLite, a schema of this run on PostgreSQL."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def sqlite(tmp_path: Path, _sqlite_template: Path) -> Iterator[Database]:
    """A migrated, empty SQLite database."""
    file = tmp_path / "operational.db"
    shutil.copy(_sqlite_template, file)
    database = Database(f"sqlite:///{file}")
    yield database
    database.close()


@pytest.fixture
def postgresql(_postgresql_schema: Database) -> Iterator[Database]:
    """A migrated, empty PostgreSQL database. Emptied after each test: a schema for each would take most of the run."""
    yield _postgresql_schema
    with _postgresql_schema.engine.begin() as connection:
        connection.exec_driver_sql("set local lock_timeout to '5s'")  # a transaction left open is an error, not a hang
        for table in reversed(Base.metadata.sorted_tables):
            # the audit log refuses to be deleted from
            connection.execute(text(f"truncate {table.name}") if table.name == "audit_entries" else table.delete())


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "template.db"
    migrated = Database(f"sqlite:///{file}")
    migrated.upgrade()
    migrated.close()
    return file


@pytest.fixture(scope="session")
def _postgresql_schema() -> Iterator[Database]:
    address = make_url(POSTGRESQL)
    try:
        socket.create_connection((str(address.host), int(address.port or 5432)), timeout=2).close()
    except OSError as error:
        pytest.skip(f"no PostgreSQL answers on {address.host}:{address.port}: {error}")
    schema = f"test_{secrets.token_hex(8)}"
    outside = create_engine(POSTGRESQL)
    with outside.begin() as connection:
        connection.exec_driver_sql(f"create schema {schema}")
    database = Database(f"{POSTGRESQL}?options=-csearch_path%3D{schema}%20-csynchronous_commit%3Doff")
    try:
        database.upgrade()
        yield database
    finally:
        database.close()
        with outside.begin() as connection:
            connection.exec_driver_sql(f"drop schema {schema} cascade")
        outside.dispose()


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


@pytest.fixture
def county() -> County:
    """The county that the tests serve."""
    return County(COUNTY, demo=True, accepted_door=False)


@pytest.fixture
def shared(database: Database, vault: Vault, regions: Regions, county: County, searcher: Searcher) -> Shared:
    """What skills work with: the tiny sheets and an empty database of each kind."""
    return make_shared(database, vault, regions, county, searcher)


def make_shared(database: Database, vault: Vault, regions: Regions, county: County, searcher: Searcher) -> Shared:
    """What skills work with, over the tiny sheets and a database."""
    return Shared(
        database=database,
        vault=vault,
        regions=regions,
        county=county,
        texts=Texts(),
        cases=Cases(vault),
        alerts=Alerts(),
        handoffs=Handoffs(),
        complaints=Complaints(vault),
        searcher=lambda: searcher,
        forget=Journal(database, vault).forget,
        topic_life=timedelta(minutes=30),
    )


@pytest.fixture
def skills(shared: Shared) -> Skills:
    """All skills over the tiny sheets and an empty database, on each kind of database."""
    return Skills(shared)


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


@pytest.fixture(scope="session")
def checked_searcher(tmp_path_factory: pytest.TempPathFactory, encoder: FakeEncoder) -> Iterator[Searcher]:
    """An index of one tiny sheet that has a pre-check, opened."""
    file = tmp_path_factory.mktemp("checked") / "knowledge.db"
    checked_index(file)
    with Searcher(file, encoder) as opened:
        yield opened


@pytest.fixture
def talker(skills: Skills, database: Database, vault: Vault, regions: Regions) -> Callable[..., Talk]:
    """Makes a sender, on each kind of database."""
    return lambda sender="": Talk(skills, database, vault, regions, sender)


@pytest.fixture
def talk(talker: Callable[..., Talk]) -> Talk:
    """A fresh sender."""
    return talker()
