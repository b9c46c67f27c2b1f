"""Declined questions as editors see them: grouped, without anyone's name, settled once, on each kind of database."""

from __future__ import annotations

import numpy as np
import pytest

from bot.records import Unanswered
from bot.unanswered import DeclinedQuestions, NothingToSettle, settle
from core import clock
from core.accounts import EDITOR, Account
from core.crypto import Vault
from core.database import Database
from core.regions import Regions
from tests.fakes import COUNTY, OTHER_VILLAGE, VILLAGE, FakeEncoder

NOWHERE = np.zeros(FakeEncoder.dimension, np.float32)


@pytest.fixture
def editor(database: Database) -> Account:
    """An editor of the county."""
    account = Account(username="e", name="e", role=EDITOR, region=COUNTY, password_hash="x")
    with database.begin() as session:
        session.add(account)
    return account


@pytest.fixture
def declined(database: Database, vault: Vault, regions: Regions) -> DeclinedQuestions:
    return DeclinedQuestions(database, vault, regions, COUNTY, FakeEncoder())  # type: ignore[arg-type]


def missed(database: Database, vault: Vault, question: str, region: str = VILLAGE, nearest: str = "dibao medical") -> None:
    """A question that was declined."""
    with database.begin() as session:
        session.add(Unanswered(region=region, question=vault.seal(question), nearest=nearest, confidence=0.1, at=clock.now()))


def test_questions_come_grouped_with_counts_and_places(
    database: Database, vault: Vault, editor: Account, declined: DeclinedQuestions
) -> None:
    """Often asked ones first, with the townships they come from and the nearest sheet; a village is not named."""
    missed(database, vault, "结婚证丢了去哪里补")
    for region in (VILLAGE, VILLAGE, OTHER_VILLAGE):
        missed(database, vault, "养蜂有没有补贴", region)
    missed(database, vault, "养蜂有补贴没有")
    first, second = declined.groups(editor, NOWHERE)
    assert (first.count, {said.text for said in first.said}) == (4, {"养蜂有没有补贴", "养蜂有补贴没有"})
    assert first.places == [("岑溪市岑城镇", 3), ("岑溪市马路镇", 1)]
    assert (first.nearest, second.count, second.said[0].text) == ("dibao", 1, "结婚证丢了去哪里补")


def test_nobody_s_name_or_number_reaches_the_editor(
    database: Database, vault: Vault, editor: Account, declined: DeclinedQuestions
) -> None:
    """Neither the list nor the page of a group has what points to a person."""
    missed(database, vault, "我叫莫志明，探花村的，13877412345，养蜂有没有补贴")
    group = declined.groups(editor, NOWHERE)[0]
    shown = repr((group, declined.one(editor, group.ids)))
    assert all(private not in shown for private in ("莫志明", "探花", "13877412345"))
    assert "养蜂有没有补贴" in shown


def test_a_group_is_settled_once(database: Database, vault: Vault, editor: Account, declined: DeclinedQuestions) -> None:
    """What one editor dealt with is gone for the next, whose click changes nothing; the rows stay."""
    missed(database, vault, "养蜂有没有补贴")
    ids = declined.groups(editor, NOWHERE)[0].ids
    with database.begin() as session:
        settle(session, editor, ids, "golden")
    assert declined.groups(editor, NOWHERE) == []
    with pytest.raises(NothingToSettle):
        declined.one(editor, ids)
    with pytest.raises(NothingToSettle), database.begin() as session:
        settle(session, editor, ids, "dismissed")
    with database.read() as session:
        row = session.query(Unanswered).one()
        assert (row.settled_as, row.settled_by) == ("golden", editor.id)


@pytest.mark.parametrize("account", [Account(role="county", region=COUNTY), Account(role=EDITOR, region="450482")])
def test_others_see_and_settle_nothing(
    database: Database, vault: Vault, editor: Account, declined: DeclinedQuestions, account: Account
) -> None:
    """Neither a cadre of the county nor an editor of another one gets at the questions."""
    missed(database, vault, "养蜂有没有补贴")
    ids = declined.groups(editor, NOWHERE)[0].ids
    assert declined.groups(account, NOWHERE) == []
    with pytest.raises(NothingToSettle):
        declined.one(account, ids)
    with pytest.raises(NothingToSettle), database.begin() as session:
        settle(session, account, ids, "dismissed")


def test_what_has_no_words_is_left_out(database: Database, vault: Vault, editor: Account, declined: DeclinedQuestions) -> None:
    """Question marks alone teach nobody anything."""
    missed(database, vault, "？？？")
    assert declined.groups(editor, NOWHERE) == []
