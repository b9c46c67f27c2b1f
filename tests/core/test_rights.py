"""Roles and places: who may do what, and only down the tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from core.accounts import Account
from core.county import Contact
from core.database import Database
from core.rights import CADRES, ROLES, Right, covers, is_cadre, is_within, may, within


@pytest.mark.parametrize(
    ("region", "code", "seen"),
    [
        ("450481", "450481100201", True),
        ("450481100", "450481100201", True),
        ("450481100201", "450481100201", True),
        ("450481100", "450481", False),
        ("450481100201", "450481100202", False),
        ("450481", "450482100201", False),
        ("", "450481", False),
    ],
)
def test_jurisdiction_goes_down_the_tree(region: str, code: str, seen: bool) -> None:
    """Never up or sideways."""
    assert is_within(Account(region=region, role="town"), code) is seen
    assert covers(Account(region=region, role="outreach"), code) is seen


@pytest.mark.parametrize("role", [*sorted(set(ROLES) - set(CADRES)), "", "nonsense"])
def test_who_is_no_cadre_has_no_villagers(role: str) -> None:
    """Departments, editors, outreach, auditors, administrators and unknown roles see nobody's trouble."""
    account = Account(region="450481", role=role)
    assert not is_cadre(account)
    assert not is_within(account, "450481100201")


def test_each_role_has_its_rights() -> None:
    """No role has another's power: who keeps accounts reads no audit log, who reads it keeps no accounts."""
    holders = {right: {role for role in ROLES if may(Account(role=role), right)} for right in Right}
    assert holders[Right.KEEP_ACCOUNTS] == {"admin"}
    assert holders[Right.READ_AUDIT] == {"audit"}
    assert holders[Right.KEEP_SHEETS] == {"editor"}
    assert holders[Right.WORK_CASES] == set(CADRES)


CODES = st.sampled_from(
    ["450481", "450481100", "450481100201", "450481100202", "450481101", "450481101201", "450482100201", "45"]
)


@given(CODES, st.lists(CODES, max_size=8), st.sampled_from(sorted(ROLES)))
def test_the_query_means_the_same(database_rows, region: str, codes: list[str], role: str) -> None:
    """The condition in a query selects exactly the places that lie within."""
    account = Account(region=region, role=role)
    with database_rows.begin() as session:
        session.add_all(Contact(region=code, name="n", role="r", phone="1") for code in codes)
        session.flush()
        found = sorted(session.scalars(select(Contact.region).where(within(account, Contact.region))))
        session.rollback()
    assert found == sorted(code for code in codes if is_within(account, code))


@pytest.fixture(scope="module")
def database_rows(tmp_path_factory: pytest.TempPathFactory):
    """A database that many examples share: each takes its rows back."""
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('rights') / 'rights.db'}")
    made.upgrade()
    yield made
    made.close()


def test_the_range_is_the_prefix_on_postgresql(postgresql: Database) -> None:
    """Whatever collation the server has, the range selects what begins with the code."""
    account = Account(region="450481", role="county")
    codes = ["450481", "450481100", "450481999999", "450482", "45048", "450480999999"]
    with postgresql.begin() as session:
        session.add_all(Contact(region=code, name="n", role="r", phone="1") for code in codes)
        session.flush()
        assert sorted(session.scalars(select(Contact.region).where(within(account, Contact.region)))) == codes[:3]
