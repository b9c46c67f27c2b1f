"""Handing many cases to one person, and taking that back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cadres.bulk import Bulk, NoSuchBatch
from cadres.case import Case
from core.accounts import Account
from core.crypto import Vault
from core.database import Database
from tests.cadres.casework import Casework
from tests.fakes import OTHER_VILLAGE, VILLAGE


@pytest.fixture
def work(database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Casework:
    """A workflow with its people, on each kind of database."""
    made = Casework(vault, monkeypatch)
    with database.begin() as session:
        made.staff(session)
    return made


def test_who_may_not_see_a_case_is_not_given_it(database: Database, work: Casework) -> None:
    """Of three the one in another village, the one of violence and the kin's are left out; undone, all is as before."""
    bulk = Bulk(work.cases)
    with database.begin() as session:
        work.people["county"].named = True
        plain, elsewhere, kin = work.report(session), work.report(session, OTHER_VILLAGE), work.report(session)
        violent = work.report(session, danger="violence")
        work.do(session, "grid", plain, "claim")
        work.do(session, "village", kin, "recuse")
        ids = [case.id for case in (plain, elsewhere, violent, kin)]
        handed = bulk.assign(session, work.people["county"], ids, work.people["village"])
        assert (handed.count, handed.left_out) == (1, 3)
        assert plain.assignee_id == work.people["village"].id
        with pytest.raises(NoSuchBatch):
            bulk.undo(session, work.people["town"], handed.batch)
        assert bulk.undo(session, work.people["county"], handed.batch) == 1
        assert plain.assignee_id == work.people["grid"].id
        with pytest.raises(NoSuchBatch):
            bulk.undo(session, work.people["county"], handed.batch)


def test_an_undo_leaves_alone_what_changed_hands(database: Database, work: Casework) -> None:
    """A case that the person gave on by then stays where it is; after half an hour nothing is undone."""
    bulk = Bulk(work.cases)
    with database.begin() as session:
        first, second = work.report(session), work.report(session)
        handed = bulk.assign(session, work.people["town"], [first.id, second.id], work.people["village"])
        work.do(session, "village", first, "release")
        assert bulk.undo(session, work.people["town"], handed.batch) == 1
        late = bulk.assign(session, work.people["town"], [first.id], work.people["village"])
        work.now += timedelta(minutes=31)
        with pytest.raises(NoSuchBatch):
            bulk.undo(session, work.people["town"], late.batch)


@pytest.mark.parametrize("who", ["grid", "other_village", "editor", "civil", "auditor", "other_county"])
def test_nobody_hands_out_cases_of_another_place(database: Database, work: Casework, who: str) -> None:
    """Grid members hand out nothing, others only to their own people, and never a case from elsewhere."""
    bulk = Bulk(work.cases)
    with database.begin() as session:
        case = work.report(session)
        account: Account = work.people[who]
        assert bulk.assign(session, account, [case.id], work.people["village"]) is None
        own = bulk.assign(session, account, [case.id], account)
        assert own is None or own.count == 0
        assert session.get(Case, case.id).assignee_id is None
        assert not any(person.region == VILLAGE for person in bulk.people(session, account))
