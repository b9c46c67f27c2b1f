"""Reports left unfinished: shown to the place's cadres after a day, taken up as they are."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.records import Conversation
from bot.unfinished import UnfinishedReports
from cadres.case import Cases
from core.accounts import Account
from core.crypto import Vault
from core.database import Database
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE
from tests.talk import Talk


def account(region: str, role: str = "village") -> Account:
    """A cadre of a place."""
    return Account(username="x", name="x", role=role, region=region, password_hash="")


def wait(talk: Talk, hours: float) -> None:
    """Let time pass since the draft was touched."""
    with talk.database.begin() as session:
        row = session.get(Conversation, talk.key)
        assert row is not None
        if row.draft_at is not None:
            row.draft_at -= timedelta(hours=hours)


@pytest.fixture
def unfinished(vault: Vault) -> UnfinishedReports:
    """The unfinished reports."""
    return UnfinishedReports(vault, Cases(vault))


def test_after_a_day_the_place_sees_it(talk: Talk, database: Database, unfinished: UnfinishedReports) -> None:
    """Not before a day, and not outside the place, nor by an editor."""
    talk.say("老公住院花了五万", "report_hardship")
    talk.say("探花村")
    with database.read() as session:
        assert unfinished.visible(session, account(VILLAGE)) == []
    wait(talk, 25)
    with database.read() as session:
        seen = {region: len(unfinished.visible(session, account(region))) for region in (VILLAGE, TOWN, COUNTY, OTHER_VILLAGE)}
        assert seen == {VILLAGE: 1, TOWN: 1, COUNTY: 1, OTHER_VILLAGE: 0}
        assert unfinished.visible(session, account(COUNTY, "editor")) == []
        assert unfinished.visible(session, account(VILLAGE))[0].draft.event == "老公住院花了五万"


@pytest.mark.parametrize("end", ["13800138000", "不同意"])
def test_what_was_finished_or_refused_is_not_shown(talk: Talk, database: Database, unfinished, end: str) -> None:
    """A filed or refused report is no unfinished one."""
    talk.say("老公住院花了五万", "report_hardship")
    talk.say("探花村")
    wait(talk, 25)
    talk.say(end)
    wait(talk, 25)
    with database.read() as session:
        assert unfinished.visible(session, account(VILLAGE)) == []


def test_it_is_taken_up_once(talk: Talk, database: Database, unfinished: UnfinishedReports) -> None:
    """It becomes a case with what is known; a second cadre, or one elsewhere, finds nothing; the villager starts afresh."""
    talk.say("老公住院花了五万", "report_hardship")
    talk.say("探花村")
    wait(talk, 25)
    with database.begin() as session:
        assert unfinished.take_up(session, account(OTHER_VILLAGE), talk.key) is None
        assert unfinished.take_up(session, account(VILLAGE), talk.key) is not None
        assert unfinished.take_up(session, account(VILLAGE), talk.key) is None
    ((case, details, said),) = talk.filed()
    assert (case.region, details.event, said) == (VILLAGE, "老公住院花了五万", ["老公住院花了五万", "探花村"])
    assert talk.skills.known(talk.key).draft is None
    assert talk.say("我报的怎么样了", "ask_status").case.number == case.number
