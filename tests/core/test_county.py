"""The county's settings and contacts, and the demo."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from core import accounts, demo
from core.accounts import Account
from core.county import (
    Contact,
    County,
    CountySetting,
    Rule,
    changed_county,
    contacts_for,
    duty_phone,
    load_county,
    save_county,
)
from core.database import Database
from core.errors import ConfigurationError
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE


def test_before_set_up_there_is_no_county(database: Database) -> None:
    """An empty database has no county."""
    with database.read() as session:
        assert load_county(session) is None


@pytest.mark.parametrize(
    "county", [County(COUNTY, demo=True, accepted_door=False), County("450482", True, True, Rule("核实", 7, "文1号"), "五年。")]
)
def test_a_county_comes_back(database: Database, county: County) -> None:
    """A saved county is loaded as it was, also over an older one."""
    with database.begin() as session:
        save_county(session, County("450922", demo=False, accepted_door=False))
    with database.begin() as session:
        save_county(session, county)
    with database.read() as session:
        assert load_county(session) == county


def test_a_promise_needs_its_document() -> None:
    """Without days and document there is no promise; with both it holds until it is taken back."""
    county = County(COUNTY, demo=False, accepted_door=False)
    with pytest.raises(ConfigurationError):
        changed_county(county, "上门核实", 7, None, None, None)
    promised = changed_county(county, "上门核实", 7, "桂〔2026〕1号", None, True)
    assert (promised.rule, promised.accepted_door) == (Rule("上门核实", 7, "桂〔2026〕1号"), True)
    assert changed_county(promised, None, 10, None, "办完后保管五年。", None).rule == Rule("上门核实", 10, "桂〔2026〕1号")
    assert changed_county(promised, "", None, None, None, None).rule is None


def test_the_county_is_called_by_its_name() -> None:
    """A known code has its official name, an unknown one is shown itself."""
    assert County(COUNTY, demo=True, accepted_door=False).name == "岑溪市"
    assert County("999999", demo=True, accepted_door=False).name == "999999"


def test_the_nearest_contact_is_called(database: Database) -> None:
    """A village's own people come first, then the town's, then the county's."""
    with database.begin() as session:
        for code in (COUNTY, TOWN, VILLAGE):
            session.add(Contact(region=code, name="莫", role="信息员", phone=code))
    asked = {VILLAGE: VILLAGE, "450481100202": TOWN, TOWN: TOWN, OTHER_VILLAGE: COUNTY, COUNTY: COUNTY}
    with database.read() as session:
        assert {code: [row.phone for row in contacts_for(session, code)] for code in asked} == {
            code: [nearest] for code, nearest in asked.items()
        }
        assert contacts_for(session, "450482") == []


def test_the_demo_has_a_contact_for_every_place(database: Database, regions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every village, town and the county of the demo have a contact marked 示例 whose number cannot be dialled."""
    monkeypatch.setattr(accounts, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    with database.begin() as session:
        demo.seed_demo(session)
    with database.read() as session:
        rows = session.query(Contact).all()
        people = session.query(Account).all()
    places = {COUNTY, *(town.code for town in regions.children(COUNTY)), *(place.code for place in regions.villages(COUNTY))}
    assert {row.region for row in rows} == places
    assert all("示例" in row.name and "*" in row.phone for row in rows)
    assert {account.username for account in people} == {known.username for known in demo.demo_accounts(demo.COUNTY)}
    assert all(account.demo for account in people)


def test_a_live_county_lists_no_demo_accounts() -> None:
    """The log-in page of a live county shows no password."""
    assert demo.demo_accounts(County(COUNTY, demo=False, accepted_door=True)) == []


def test_an_older_demo_gets_the_accounts_that_it_lacks(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts that a newer version brings are added once, those that are there stay as they are."""
    monkeypatch.setattr(accounts, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    with database.begin() as session:
        accounts.add_account(session, "village", "已有", "village", VILLAGE, "own")
    for _ in range(2):
        with database.begin() as session:
            demo.seed_accounts(session)
    with database.read() as session:
        people = {account.username: account for account in session.query(Account)}
    assert people.keys() == {known.username for known in demo.demo_accounts(demo.COUNTY)}
    assert people["village"].name == "已有"
    assert (people["editor"].role, people["editor2"].role) == ("editor", "editor")
    assert people["editor"].name != people["editor2"].name


def test_the_duty_phone(database: Database) -> None:
    """The county's setting, else its own first contact, else nothing."""
    with database.begin() as session:
        assert duty_phone(session) == ""
        save_county(session, County(COUNTY, demo=False, accepted_door=False))
        assert duty_phone(session) == ""
        session.add(Contact(region=COUNTY, name="莫", role="县办", phone="0774-1"))
        assert duty_phone(session) == "0774-1"
        session.add(CountySetting(key="duty_phone", value="0774-2"))
        assert duty_phone(session) == "0774-2"
