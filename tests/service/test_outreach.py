"""Outreach as the service puts it together: who has an open case is left in peace."""

from __future__ import annotations

from bot.skills import Shared
from cadres.case import Details
from core.database import Database
from service.outreach import numbers_of_open_cases
from tests.fakes import COUNTY, OTHER_VILLAGE, VILLAGE


def test_numbers_of_open_cases(shared: Shared, database: Database) -> None:
    """Of the place, as E.164; a case without a number that can be dialled names none."""
    with database.begin() as session:
        for region, contact in ((VILLAGE, "138 0000 0001"), (OTHER_VILLAGE, "13900000002"), (VILLAGE, "打隔壁老莫")):
            shared.cases.open(session, "x" + contact, region, Details("没饭吃", contact=contact), [])
        assert set(numbers_of_open_cases(shared.cases, session, COUNTY)) == {"+8613800000001", "+8613900000002"}
        assert list(numbers_of_open_cases(shared.cases, session, VILLAGE)) == ["+8613800000001"]
