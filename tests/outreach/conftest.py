"""What outreach is tested with: officers who log in, lists, and people on the list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from core.accounts import Account
from core.crypto import Vault
from core.database import Database
from core.outbox import Outbox
from core.regions import Regions
from outreach.consent import Consents
from outreach.files import guess_mapping, header_and_sample
from outreach.importer import Imports
from outreach.reading import unsealed
from outreach.tables import ContactRow, ImportRow
from tests.fakes import COUNTY

HEAD = "姓名,手机号,乡镇,村,户编号,类别"


def add_officer(
    database: Database, username: str, role: str = "outreach", region: str = COUNTY, *, named: bool = False
) -> Account:
    """Somebody who works for outreach, without the cost of a password."""
    with database.begin() as session:
        account = Account(username=username, name=f"{username}某", role=role, region=region, password_hash="", named=named)
        session.add(account)
    return account


@pytest.fixture
def officer(database: Database) -> Account:
    """The county's outreach officer."""
    return add_officer(database, "officer")


@pytest.fixture
def outbox(database: Database, vault: Vault) -> Outbox:
    """An empty outbox."""
    return Outbox(database, vault)


@pytest.fixture
def consents(vault: Vault, outbox: Outbox) -> Consents:
    """An empty ledger."""
    return Consents(vault, outbox)


@pytest.fixture
def imports(database: Database, vault: Vault, regions: Regions, tmp_path: Path) -> Imports:
    """The lists of a county."""
    return Imports(database, vault, regions, tmp_path / "imports")


@pytest.fixture
def take_in(database: Database, imports: Imports, officer: Account) -> Callable[..., ImportRow]:
    """Takes a list in, and gives what came of it."""

    def take(content: str | bytes, mode: str = "add") -> ImportRow:
        number = hand_in(database, imports, officer, content, mode)
        assert imports.run(number)
        with database.read() as session:
            return session.get_one(ImportRow, number)

    return take


def hand_in(database: Database, imports: Imports, officer: Account, content: str | bytes, mode: str = "add") -> int:
    """Hand a list in and begin with it; gives its number."""
    data = content.encode() if isinstance(content, str) else content
    with database.begin() as session:
        number = imports.receive(session, officer, "名单.csv", iter([data]))
        header, _ = header_and_sample(imports._file(number))
        imports.begin(session, number, guess_mapping(header), mode)
    return number


def people(database: Database, vault: Vault) -> dict[str, ContactRow]:
    """The entries by name."""
    with database.read() as session:
        return {unsealed(vault, row.sealed)[1]: row for row in session.scalars(select(ContactRow))}
