"""Danger to life: the case stands where help is needed."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cadres.case import Case
from tests.fakes import COUNTY, VILLAGE
from tests.talk import Talk


def where(talk: Talk) -> list[str]:
    """The places of the urgent cases."""
    with talk.database.read() as session:
        return list(session.scalars(select(Case.region).where(Case.urgency == "urgent")))


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("我不想活了，药都买好了，我在探花村", VILLAGE),
        ("我不想活了，药都买好了", COUNTY),
        ("我不想活了，拿探花都没用", COUNTY),
    ],
)
def test_a_village_named_in_the_cry_for_help_gets_the_case(talk: Talk, text: str, region: str) -> None:
    """Named in full it is where the case goes at once; without one, or by a stem alone, the county's fallback queue."""
    assert talk.say(text).understood.kind == "urgent"
    assert where(talk) == [region]


def test_the_place_told_afterwards_moves_the_case(talk: Talk) -> None:
    """A stem alone is enough as the answer to our question."""
    talk.say("我不想活了，药都买好了")
    assert talk.say("探花").case is not None
    assert where(talk) == [VILLAGE]
