"""Departments' warnings: held against households and open cases, routed to the village, never another county's."""

from __future__ import annotations

from pathlib import Path

import pytest

from cadres.case import Case
from cadres.household import Line, take_in
from cadres.spreadsheet import BadList
from cadres.warning import Warned, Warnings, read_warnings
from core.crypto import Vault
from core.database import Database
from core.regions import load_regions
from tests.cadres.casework import Casework
from tests.cadres.test_sweep import excel
from tests.fakes import COUNTY, OTHER_VILLAGE, VILLAGE

TITLES = ["村代码", "户编号", "户主", "事由"]
REASON = "个人自付医疗费9295元"


@pytest.fixture
def work(database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Casework:
    """A workflow with its people, and two households that have one name."""
    made = Casework(vault, monkeypatch)
    with database.begin() as session:
        made.staff(session)
        lines = [Line(VILLAGE, "H1", "覃建国", "+8613800138001", 4), Line(VILLAGE, "H2", "黄秀英", "", 2)]
        take_in(session, vault, [*lines, Line(VILLAGE, "H3", "黄秀英", "", 3)])
    return made


def test_a_warning_becomes_a_case_once(database: Database, work: Casework, vault: Vault) -> None:
    """The household's phone and number come along; the same household again joins the open case; a closed one does not count."""
    warnings, civil = Warnings(vault, work.cases, load_regions()), work.people["civil"]
    with database.begin() as session:
        lines = [
            Warned(VILLAGE, "H1", "覃建国", REASON),
            Warned(VILLAGE, "", "覃建国", "又住院"),
            Warned(OTHER_VILLAGE, "", "莫海生", REASON),
        ]
        assert vars(warnings.route(session, civil, lines)) == {"new": 2, "joined": 1}
        case = session.query(Case).filter_by(official_number="H1").one()
        details = work.cases.details(case)
        assert (case.origin, details.contact, details.name) == ("warning", "+8613800138001", "覃建国")
        assert details.event == f"民政预警：{REASON}"
        assert [event.kind for event, _ in work.cases.history(session, case)] == ["typed", "warned"]
        work.do(session, "village", case, "withdraw")
        assert vars(warnings.route(session, civil, lines[:1])) == {"new": 1, "joined": 0}


def test_two_households_of_one_name_are_not_guessed(database: Database, work: Casework, vault: Vault) -> None:
    """Without its official number the warning becomes a case without one: a person finds out whose it is."""
    with database.begin() as session:
        Warnings(vault, work.cases, load_regions()).route(session, work.people["civil"], [Warned(VILLAGE, "", "黄秀英", REASON)])
        assert session.query(Case).one().official_number == ""


@pytest.mark.parametrize("who", ["village", "county", "editor", "auditor", "admin"])
def test_only_departments_warn(database: Database, work: Casework, vault: Vault, who: str) -> None:
    """Nobody else makes cases out of lists."""
    with database.begin() as session:
        assert (
            Warnings(vault, work.cases, load_regions()).route(session, work.people[who], [Warned(VILLAGE, "", "某", "x")]) is None
        )


def test_a_list_is_checked_line_by_line(tmp_path: Path) -> None:
    """Another county's village, an empty name, a reason that is too long: each is named, nothing is given."""
    good = [VILLAGE, "", "覃建国", REASON]
    assert read_warnings(excel(tmp_path, [good], TITLES), load_regions(), COUNTY) == [Warned(VILLAGE, "", "覃建国", REASON)]
    bad = [["450482100201", "", "某", "x"], [VILLAGE, "", "", "x"], [VILLAGE, "", "某", "长" * 301]]
    with pytest.raises(BadList) as found:
        read_warnings(excel(tmp_path, [good, *bad], TITLES), load_regions(), COUNTY)
    assert [fault[:3] for fault in found.value.faults] == ["第3行", "第4行", "第5行"]
