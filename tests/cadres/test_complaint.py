"""Complaints: seen above the one complained of, taken up once, taken back by nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadres.complaint import Complaint, Complaints, NoSuchComplaint, above
from core.accounts import Account
from core.crypto import Vault
from core.database import Database
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE


def account(region: str, role: str = "town", number: int = 1) -> Account:
    """A cadre of a place."""
    return Account(id=number, username=f"u{number}", name="莫", role=role, region=region, password_hash="")


def test_a_complaint_goes_one_level_up() -> None:
    """Village, township, county: each has a level above it."""
    assert [above(code) for code in (VILLAGE, TOWN, COUNTY)] == [TOWN, COUNTY, "4504"]


@given(
    st.sampled_from([VILLAGE, TOWN, COUNTY, OTHER_VILLAGE]), st.sampled_from([VILLAGE, TOWN, COUNTY, OTHER_VILLAGE, "4504", "45"])
)
def test_nobody_of_the_unit_is_addressed(about: str, place: str) -> None:
    """Whoever may see a complaint belongs to a place strictly above the one complained of."""
    sees = above(about).startswith(place)
    assert not sees or (about.startswith(place) and len(place) < len(about))


def test_only_the_level_above_takes_it_up(database: Database, vault: Vault) -> None:
    """The village cannot even name it, the township takes it up, the second one comes too late."""
    complaints = Complaints(vault)
    with database.begin() as session:
        town = account(TOWN)
        session.add(town)
        number = complaints.record(session, "c", VILLAGE, TOWN, "收钱").id
        assert complaints.waiting(session, town) == 1
    with database.begin() as session:
        for other in (account(VILLAGE), account("450481102"), account(COUNTY, "editor")):
            assert complaints.visible(session, other) == []
            with pytest.raises(NoSuchComplaint):
                complaints.accept(session, other, number)
        taken = complaints.accept(session, town, number)
        assert taken is not None
        assert complaints.accept(session, account(COUNTY), number) is None
        assert complaints.waiting(session, town) == 0
        assert not complaints.take_back(session, "c", number)


def test_the_words_are_sealed(database: Database, vault: Vault) -> None:
    """What was complained of is not readable in the table."""
    with database.begin() as session:
        Complaints(vault).record(session, "c", VILLAGE, TOWN, "支书收了五百块")
    with database.read() as session:
        row = session.query(Complaint).one()
        assert "支书".encode() not in bytes(row.body)
        assert Complaints(vault).text(row) == "支书收了五百块"
