"""Likely duplicates are proposed inside the jurisdiction only, and nothing is merged."""

from __future__ import annotations

from cadres.case import Case, Cases, Details
from cadres.duplicates import likely_duplicates
from core.accounts import Account
from core.crypto import Vault
from core.database import Database
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE


def numbers(database: Database, vault: Vault, region: str, of: Case) -> list[tuple[str, bool]]:
    """What is proposed to a cadre of a place."""
    account = Account(username="x", name="x", role="county", region=region, password_hash="")
    with database.read() as session:
        return [(likely.case.number, likely.same_phone) for likely in likely_duplicates(session, Cases(vault), account, of)]


def test_same_phone_or_same_story_nearby(database: Database, vault: Vault) -> None:
    """The same phone counts anywhere in the jurisdiction, a similar story in the same village only."""
    cases = Cases(vault)
    with database.begin() as session:
        phone = "+8613800138000"
        mine = cases.open(session, "a", VILLAGE, Details("黄阿婆摔断了腿没人照顾", "x", phone), [])
        called = cases.open(session, "b", OTHER_VILLAGE, Details("房子塌了", "x", phone), [])
        alike = cases.open(session, "c", VILLAGE, Details("黄阿婆摔断腿，没人照顾她", "x"), [])
        cases.open(session, "d", OTHER_VILLAGE, Details("黄阿婆摔断了腿没人照顾", "x"), [])
        cases.open(session, "e", VILLAGE, Details("稻子被水淹了", "x", "+8613900139000"), [])
        gone = cases.open(session, "f", VILLAGE, Details("黄阿婆摔断了腿没人照顾", "x"), [])
        cases.withdraw(session, gone)
    assert numbers(database, vault, COUNTY, mine) == [(called.number, True), (alike.number, False)]
    assert numbers(database, vault, TOWN, mine) == [(alike.number, False)]
    with database.read() as session:
        assert session.query(Case).count() == 6


def test_without_phone_and_village_nothing_is_proposed(database: Database, vault: Vault) -> None:
    """A case of an unknown village without a phone has nothing to compare."""
    cases = Cases(vault)
    with database.begin() as session:
        one = cases.open(session, "a", COUNTY, Details("老公住院花了五万"), [])
        cases.open(session, "b", COUNTY, Details("老公住院花了五万"), [])
    assert numbers(database, vault, COUNTY, one) == []


def test_a_changed_phone_is_compared(database: Database, vault: Vault) -> None:
    """A corrected number is the one that is compared."""
    cases = Cases(vault)
    with database.begin() as session:
        one = cases.open(session, "a", VILLAGE, Details("甲", "x", "+8613800138000"), [])
        other = cases.open(session, "b", VILLAGE, Details("乙", "x", "+8613900139000"), [])
        cases.change_details(other, contact="+8613800138000")
    assert numbers(database, vault, COUNTY, one) == [(other.number, True)]
