"""Cases: numbers people say, jurisdiction, urgent cases that are joined, one acceptance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from cadres.case import Case, CaseMessage, Cases, Details, NoSuchCase, id_of, number_of
from cadres.inbox import Folder, Inbox
from core.accounts import EDITOR, Account
from core.crypto import Vault
from core.database import Database
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE


@pytest.fixture
def cases(vault: Vault) -> Cases:
    """The queue's methods."""
    return Cases(vault)


def account(session, region: str, name: str = "mo") -> Account:
    """A cadre of a place."""
    made = Account(username=f"{name}{region}", name=name, role="village", region=region, password_hash="x")
    session.add(made)
    session.flush()
    return made


def opened(
    cases: Cases, session, region: str = VILLAGE, *, danger: str | None = None, conversation: str = "c", event: str = "住院"
) -> Case:
    """A case of a place."""
    return cases.open(session, conversation, region, Details(event=event), [("villager", event)], danger=danger)


@given(st.integers(1, 80_000_000))
def test_a_number_leads_back_to_its_case(case_id: int) -> None:
    """Every case's number, as said with blanks around it, gives the case."""
    assert id_of(f" {number_of(case_id)}\n") == case_id


@given(st.integers(1, 80_000_000), st.integers(0, 30), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(case_id: int, place: int, change: int) -> None:
    """A number with any one digit misheard is none."""
    number = number_of(case_id)
    place %= len(number)
    misheard = number[:place] + str((int(number[place]) + change) % 10) + number[place + 1 :]
    assert id_of(misheard) is None


@given(st.integers(1, 80_000_000), st.integers(0, 30))
def test_swapped_neighbours_are_noticed(case_id: int, place: int) -> None:
    """Two neighbouring digits in the wrong order are noticed, except 0 and 9, which Luhn cannot tell apart."""
    number = number_of(case_id)
    place %= len(number) - 1
    first, second = number[place], number[place + 1]
    swapped = number[:place] + second + first + number[place + 2 :]
    assert first == second or {first, second} == {"0", "9"} or id_of(swapped) is None


@given(st.text() | st.from_regex(r"\d{1,40}", fullmatch=True))
def test_any_text_may_be_asked_for(text: str) -> None:
    """Whatever stands in the address is a case that the database can look up, or none."""
    found = id_of(text)
    assert found is None or found < 2**31


@pytest.mark.parametrize("number", ["", "1", "abc", "１０００１８", "²", "-100018", "9" * 5000, "0" * 6000])
def test_what_is_no_number(number: str) -> None:
    """Words, foreign digits and absurd lengths are no number."""
    assert not id_of(number)


def test_numbers_have_six_digits_at_least() -> None:
    """The first case has a number that one can say on the phone."""
    assert number_of(1) == "100016"


def test_a_case_keeps_what_was_said(database: Database, cases: Cases) -> None:
    """A new case is reported and routine, and gives details and messages back in order."""
    with database.begin() as session:
        case = cases.open(session, "c", VILLAGE, Details("住院", "探花村", "+8613800138000"), [("villager", "一"), ("bot", "二")])
        number = case.number
    with database.read() as session:
        case = cases.visible(session, Account(region=COUNTY, role="county"), number)
        assert (case.state, case.urgency, case.danger, case.accepted_at) == ("reported", "routine", None, None)
        assert cases.details(case) == Details("住院", "探花村", "+8613800138000")
        assert [(said.who, said.text) for said in cases.messages(session, case)] == [("villager", "一"), ("bot", "二")]


def test_nothing_of_a_case_is_readable(database: Database, cases: Cases) -> None:
    """Neither details nor messages stand in the tables in clear."""
    with database.begin() as session:
        opened(cases, session, event="老公得了癌症")
    with database.read() as session:
        kept = session.scalars(select(Case)).one().details + session.scalars(select(CaseMessage)).one().body
    assert "癌症".encode() not in kept


def test_changed_details_keep_the_rest(database: Database, cases: Cases) -> None:
    """A place that is told later changes the place only."""
    with database.begin() as session:
        case = cases.open(session, "c", COUNTY, Details("住院", "", "110"), [])
        cases.change_details(case, place="探花村")
        assert cases.details(case) == Details("住院", "探花村", "110")


@pytest.mark.parametrize(
    ("place", "seen"),
    [
        (COUNTY, {COUNTY, VILLAGE, OTHER_VILLAGE}),
        (TOWN, {VILLAGE}),
        (VILLAGE, {VILLAGE}),
        (OTHER_VILLAGE, {OTHER_VILLAGE}),
        ("450482", set()),
        ("450481100202", set()),
        ("45048%", set()),
        ("______", set()),
    ],
)
def test_a_cadre_sees_only_the_own_place(database: Database, cases: Cases, place: str, seen: set[str]) -> None:
    """Queue, counts and single cases show what lies below the account's place, and nothing beside or above it."""
    with database.begin() as session:
        numbers = {region: opened(cases, session, region).number for region in (COUNTY, VILLAGE, OTHER_VILLAGE)}
    cadre = Account(region=place, role="town")
    with database.read() as session:
        assert {case.region for case in Inbox(cases).page(session, cadre, Folder.ALL)} == seen
        assert Inbox(cases).counts(session, cadre)[Folder.ALL] == len(seen)
        for region, number in numbers.items():
            if region in seen:
                assert cases.visible(session, cadre, number).region == region
            else:
                with pytest.raises(NoSuchCase):
                    cases.visible(session, cadre, number)


@pytest.mark.parametrize("number", ["100024", "10000", "", "x", "9" * 30, "0" * 4999 + "0"])
def test_an_unknown_number_is_refused_like_a_foreign_one(database: Database, cases: Cases, number: str) -> None:
    """A number that is none is refused in the same words, without an error of the database."""
    with database.read() as session, pytest.raises(NoSuchCase, match="没有这个编号"):
        cases.visible(session, Account(region=COUNTY, role="county"), number)


def test_repeats_find_the_open_urgent_case(database: Database, cases: Cases) -> None:
    """Only the sender's own urgent case that is not closed is joined."""
    with database.begin() as session:
        opened(cases, session, conversation="c")
        opened(cases, session, conversation="other", danger="medical")
        assert cases.open_urgent(session, "c") is None
        urgent = opened(cases, session, conversation="c", danger="trapped")
        assert urgent.urgency == "urgent"
        assert cases.open_urgent(session, "c") is urgent
        urgent.state = "accepted"
        assert cases.open_urgent(session, "c") is urgent
        urgent.state = "closed"
        assert cases.open_urgent(session, "c") is None


def test_joining_adds_the_words(database: Database, cases: Cases) -> None:
    """What is said again stands in the same case, and the case was touched."""
    with database.begin() as session:
        urgent = opened(cases, session, danger="trapped")
        before = urgent.updated_at
        cases.add_messages(session, urgent, [("villager", "水到腰了")])
        assert urgent.updated_at >= before
        assert [said.text for said in cases.messages(session, urgent)] == ["住院", "水到腰了"]


def test_a_senders_cases_are_newest_first(database: Database, cases: Cases) -> None:
    """A sender's own cases come newest first, without those of others."""
    with database.begin() as session:
        ids = [opened(cases, session).id for _ in range(3)]
        opened(cases, session, conversation="other")
        assert [case.id for case in cases.of_conversation(session, "c")] == ids[::-1]


def test_an_editor_sees_no_case(database: Database, cases: Cases) -> None:
    """The queue of an editor is empty, and a number gives them nothing, though the case lies in their county."""
    editor = Account(region=COUNTY, role=EDITOR)
    with database.begin() as session:
        number = opened(cases, session, danger="violence").number
    with database.read() as session:
        assert Inbox(cases).page(session, editor, Folder.ALL) == []
        assert not any(Inbox(cases).counts(session, editor).values())
        with pytest.raises(NoSuchCase):
            cases.visible(session, editor, number)


def test_violence_is_for_named_people(cases: Cases, database: Database) -> None:
    """A case of violence exists for those named to see such cases, for no other cadre of the place, in list or by number."""
    with database.begin() as session:
        number = opened(cases, session, danger="violence").number
        plain, named = account(session, VILLAGE, "plain"), account(session, TOWN, "named")
        named.named = True
        session.flush()
        assert Inbox(cases).page(session, plain, Folder.ALL) == []
        assert not any(Inbox(cases).counts(session, plain).values())
        with pytest.raises(NoSuchCase):
            cases.visible(session, plain, number)
        assert cases.visible(session, named, number).number == number
