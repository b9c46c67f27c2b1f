"""The dashboard's figures: they add up to the ledger, go down the tree, and name what is silent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cadres.figures import by_month, figures, refusal_sample
from cadres.ledger import Ledger
from core import clock
from core.crypto import Vault
from core.database import Database
from core.regions import load_regions
from tests.cadres.casework import OTHER_TOWN, Casework
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE

WAY = ("village", "grid", "town", "village", "town", "county")


@pytest.fixture
def work(database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Casework:
    """Two cases decided, one overdue, one in another town, one of violence."""
    made = Casework(vault, monkeypatch)
    with database.begin() as session:
        made.staff(session)
        for decision in ("admit", "refuse"):
            case = made.report(session)
            for who in WAY:
                made.forward(days=5 if case.state == "reviewing" else 0, hours=2)
                form = made.form("advance", case.state, decision)
                made.do(session, who, case, "advance", **form)
        made.report(session)
        made.report(session, OTHER_VILLAGE)
        made.report(session, danger="violence")
        made.forward(days=4)
    return made


def asked(database: Database, work: Casework, who: str, region: str):
    """The figures of a place for the last ninety days, for somebody."""
    with database.read() as session:
        return figures(session, load_regions(), work.people[who], region, clock.today() - timedelta(days=90), clock.today())


def test_they_add_up_to_the_ledger(database: Database, work: Casework) -> None:
    """Towns sum up to the county, the villages of a town to it, and all to the rows of the ledger."""
    county, town = asked(database, work, "county", COUNTY), asked(database, work, "county", TOWN)
    with database.read() as session:
        ledger = len(list(Ledger(work.cases, load_regions()).rows(session, work.people["county"], clock.today())))
    assert county.total.reported == sum(row.reported for row in county.rows) == ledger == 4
    by_place = {row.place: row for row in county.rows}
    assert (by_place[TOWN].reported, by_place[OTHER_TOWN].reported) == (town.total.reported, 1)
    total = county.total
    assert (total.open, total.overdue, total.states["recording"], total.states["refused"]) == (3, 3, 1, 1)
    assert total.visit_median is not None


def test_silent_villages_and_late_steps(database: Database, work: Casework) -> None:
    """Villages with no report are named; the two that have one are not."""
    found = asked(database, work, "county", COUNTY)
    assert not {VILLAGE, OTHER_VILLAGE} & set(found.silent)
    assert len(found.silent) == len(load_regions().villages(COUNTY)) - 2
    assert found.origins == {"self": 4}


@pytest.mark.parametrize(
    ("who", "region"),
    [("town", OTHER_TOWN), ("village", TOWN), ("grid", VILLAGE), ("editor", COUNTY), ("auditor", COUNTY),
     ("other_county", COUNTY), ("county", "450482"), ("county", "45"), ("county", ""), ("county", "450481%")],
)  # fmt: skip
def test_no_figures_of_another_place(database: Database, work: Casework, who: str, region: str) -> None:
    """Nobody sees what lies beside or above their place, nor grid members any."""
    assert asked(database, work, who, region) is None


def test_the_months(database: Database, work: Casework) -> None:
    """Twelve of them, the last one is this month."""
    with database.read() as session:
        months = by_month(session, work.people["county"], COUNTY)
    assert len(months) == 12
    assert sum(count for _, count in months) == 4


def test_refusals_for_the_auditor(database: Database, work: Casework) -> None:
    """Clause and other help, no name; the same month draws the same; nobody else draws any."""
    with database.read() as session:
        drawn = refusal_sample(session, work.cases, work.people["auditor"], 5, "2026-12")
        assert [(one.clause, one.other_help) for one in drawn] == [("没有六类风险", "临时救助")]
        assert refusal_sample(session, work.cases, work.people["auditor"], 5, "2026-12") == drawn
        assert refusal_sample(session, work.cases, work.people["county"], 5, "2026-12") == []
