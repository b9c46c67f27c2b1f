"""The county's confirmation of criteria, on each kind of database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from core.database import Database
from knowledge_base.confirmation import BadFigure, Confirmation, confirm, confirmed_precheck, withdraw
from tests.knowledge_base.criteria_cases import criteria


def test_off_confirmed_and_withdrawn(database: Database) -> None:
    """On only between the two; every decision stays, with who made it."""
    with database.begin() as session:
        assert confirmed_precheck(session, "dibao", "45", criteria()) is None
        confirm(session, "dibao", "45", criteria(), {"line": 8200}, by="莫某")
        check = confirmed_precheck(session, "dibao", "45", criteria())
        assert check is not None
        assert check.figures == {"line": 8200}
        assert confirmed_precheck(session, "dibao", "450481", criteria()) is None
        assert confirmed_precheck(session, "tekun", "45", criteria()) is None
        withdraw(session, "dibao", "45", criteria(), by="梁某", account_id=None)  # type: ignore[arg-type]
        assert confirmed_precheck(session, "dibao", "45", criteria()) is None
        assert [(row.by, row.standing) for row in session.scalars(select(Confirmation))] == [("莫某", True), ("梁某", False)]


@pytest.mark.parametrize("change", [{"year": 2025}, {"place": "别处"}, {"rules": criteria().rules[:2]}])
def test_other_criteria_are_not_confirmed(database: Database, change: dict[str, object]) -> None:
    """Another year, or other words: the county has to look again."""
    with database.begin() as session:
        confirm(session, "dibao", "45", criteria(), {"line": 8000}, by="莫某")
        assert confirmed_precheck(session, "dibao", "45", replace(criteria(), **change)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("figures", [{}, {"line": 0}, {"line": -1}, {"line": 10_000_000}, {"other": 5}])
def test_figures_must_be_there(database: Database, figures: dict[str, int]) -> None:
    """Without the county's figures nothing is confirmed."""
    with database.begin() as session:
        with pytest.raises(BadFigure, match="收入线"):
            confirm(session, "dibao", "45", criteria(), figures, by="莫某")
        assert session.scalars(select(Confirmation)).all() == []


def test_without_criteria_there_is_no_precheck(database: Database) -> None:
    """A sheet that declares none."""
    with database.read() as session:
        assert confirmed_precheck(session, "dibao", "45", None) is None
