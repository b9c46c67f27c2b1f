"""Who is asked first and who after them."""

from __future__ import annotations

import pytest

from cadres.ladder import ladder, next_above, people_of
from core.database import Database
from tests.cadres.people import cadre, staff
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE


def test_the_ladder_leads_up_to_the_county(database: Database) -> None:
    """All three levels where each has a cadre; a level without one is left out."""
    with database.begin() as session:
        staff(session)
        assert ladder(session, VILLAGE) == [VILLAGE, TOWN, COUNTY]
        assert ladder(session, OTHER_VILLAGE) == [OTHER_VILLAGE, COUNTY]
        assert ladder(session, COUNTY) == [COUNTY]
        assert ladder(session, "450482100201") == []


def test_editors_are_nobody_to_ask(database: Database) -> None:
    """An account that keeps sheets is on no level."""
    with database.begin() as session:
        cadre(session, VILLAGE, role="editor")
        assert ladder(session, VILLAGE) == []
        assert people_of(session, VILLAGE) == []


@pytest.mark.parametrize(("reach", "above"), [(VILLAGE, TOWN), (TOWN, COUNTY), (COUNTY, None)])
def test_the_next_level(database: Database, reach: str, above: str | None) -> None:
    """After the village the township, after it the county, then nobody."""
    with database.begin() as session:
        staff(session)
        assert next_above(session, VILLAGE, reach) == above
