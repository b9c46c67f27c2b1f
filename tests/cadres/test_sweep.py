"""Households out of a spreadsheet, and sweeps over them: a place's own only, each once, nobody left out."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from openpyxl import Workbook

from cadres.case import Case
from cadres.household import Household, read_list, take_in
from cadres.spreadsheet import BadList
from cadres.sweep import LeftOut, NoSuchSweep, NotNow, Sweeps
from core.crypto import Vault
from core.database import Database
from core.regions import load_regions
from tests.cadres.casework import Casework
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE

TITLES = ["村代码", "户编号", "户主", "电话", "人口"]
GOOD = [
    [int(VILLAGE), "H1", "覃建国", 13800138001, 4], [VILLAGE, "H2", "黄秀英", "", None], [OTHER_VILLAGE, "H3", "莫海生", "", 2.0],
]  # fmt: skip


def excel(tmp_path: Path, rows: list[list[object]], titles: list[str] = TITLES) -> Path:
    """An Excel file with a row of titles."""
    book = Workbook()
    for row in [titles, *rows]:
        book.active.append(row)
    book.save(tmp_path / "list.xlsx")
    return tmp_path / "list.xlsx"


@pytest.fixture
def work(database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Casework:
    """A workflow with its people, and three households in two villages."""
    made = Casework(vault, monkeypatch)
    with database.begin() as session:
        made.staff(session)
        take_in(session, vault, read_list(excel(tmp_path, GOOD), load_regions(), COUNTY))
    return made


@pytest.fixture
def sweeps(work: Casework, vault: Vault) -> Sweeps:
    """The sweeps' methods."""
    return Sweeps(vault, work.cases, load_regions())


def test_a_list_is_taken_in_once(database: Database, work: Casework, vault: Vault, tmp_path: Path) -> None:
    """Names and phones are sealed; the same list again changes nothing; a changed line changes its household."""
    lines = read_list(excel(tmp_path, GOOD), load_regions(), COUNTY)
    changed = read_list(excel(tmp_path, [[VILLAGE, "H1", "覃建国", "13800138009", 5], *GOOD[1:]]), load_regions(), COUNTY)
    with database.begin() as session:
        assert [vars(take_in(session, vault, one)) for one in (lines, changed)] == [
            {"new": 0, "changed": 0}, {"new": 0, "changed": 1},
        ]  # fmt: skip
        row = session.query(Household).filter_by(official="H1").one()
        assert "覃建国".encode() not in row.name
        assert (vault.unseal(row.phone), row.people) == ("+8613800138009", 5)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (["450482100201", "H9", "某", "", 1], "不是本县的村"), ([COUNTY, "H9", "某", "", 1], "不是本县的村"),
        ([VILLAGE, "", "某", "", 1], "户编号"), ([VILLAGE, "H9", "", "", 1], "户主"), ([VILLAGE, "H9", "某", "12", 1], "电话"),
        ([VILLAGE, "H9", "某", "", 99], "人口"), ([VILLAGE, "H9", "某", "", "三"], "人口"),
        ([VILLAGE, "H1", "某", "", 1], "和第2行一样"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named(tmp_path: Path, row: list[object], said: str) -> None:
    """The line's number and what is wrong with it; of such a file nothing is taken in."""
    with pytest.raises(BadList) as bad:
        read_list(excel(tmp_path, [*GOOD, row]), load_regions(), COUNTY)
    assert bad.value.faults == [fault for fault in bad.value.faults if fault.startswith("第5行")]
    assert said in bad.value.faults[0]


def test_what_is_no_list(tmp_path: Path) -> None:
    """A file without the columns, and one that is no spreadsheet."""
    with pytest.raises(BadList, match="户主"):
        read_list(excel(tmp_path, GOOD, ["村代码", "户编号", "姓名"]), load_regions(), COUNTY)
    (tmp_path / "x.xlsx").write_text("村代码,户编号", "utf-8")
    with pytest.raises(BadList, match="xlsx"):
        read_list(tmp_path / "x.xlsx", load_regions(), COUNTY)


def test_until_nobody_is_left_out(database: Database, work: Casework, sweeps: Sweeps) -> None:
    """Safe, at risk, not at home and again: the sweep ends when every household was seen; who is at risk has a case."""
    with database.begin() as session:
        county, grid, other = work.people["county"], work.people["grid"], work.people["other_village"]
        sweep = sweeps.open(session, county, COUNTY, "集中排查", 15)
        first, second = sweeps.to_check(session, grid, sweep)
        assert (first.name, first.people, second.name) == ("覃建国", 4, "黄秀英")
        made = sweeps.check(session, grid, sweep.id, first.id, "risk", "刚做了手术，欠了三万")
        case = session.get(Case, made.case_id)
        assert (case.origin, case.region, case.official_number) == ("sweep", VILLAGE, "H1")
        assert work.cases.details(case).name == "覃建国"
        with pytest.raises(NotNow):
            sweeps.check(session, grid, sweep.id, first.id, "safe", "")
        sweeps.check(session, grid, sweep.id, second.id, "away", "")
        assert [one.away for one in sweeps.to_check(session, grid, sweep)] == [True]
        with pytest.raises(LeftOut):
            sweeps.close(session, county, sweep.id)
        sweeps.check(session, grid, sweep.id, second.id, "safe", "")
        (third,) = sweeps.to_check(session, other, sweep)
        sweeps.check(session, other, sweep.id, third.id, "safe", "")
        assert [(row.households, row.checked, row.risk, row.left) for row in sweeps.coverage(session, county, sweep)] == [
            (2, 2, 1, 0), (1, 1, 0, 0),
        ]  # fmt: skip
        with pytest.raises(NoSuchSweep):
            sweeps.close(session, work.people["town"], sweep.id)  # it is the county's
        sweeps.close(session, county, sweep.id)


@pytest.mark.parametrize(
    "who", ["other_village", "other_town", "other_county", "editor", "civil", "auditor", "admin", "outreach"]
)
def test_from_outside_the_tree(database: Database, work: Casework, sweeps: Sweeps, who: str) -> None:
    """Nobody sees or checks households of another place, nor opens or ends a sweep there."""
    with database.begin() as session:
        account = work.people[who]
        sweep = sweeps.open(session, work.people["town"], TOWN, "重点排查", 5)
        household = sweeps.to_check(session, work.people["village"], sweep)[0]
        assert sweep not in sweeps.listed(session, account)
        assert sweeps.to_check(session, account, sweep) == []
        assert sweeps.coverage(session, account, sweep) == []
        with pytest.raises(NoSuchSweep):
            sweeps.check(session, account, sweep.id, household.id, "risk", "x")
        with pytest.raises(NoSuchSweep):
            sweeps.close(session, account, sweep.id)
        assert sweeps.open(session, account, TOWN, "x", 5) is None


@pytest.mark.parametrize(
    ("who", "region", "days"),
    [("village", VILLAGE, 5), ("grid", VILLAGE, 5), ("town", COUNTY, 5), ("county", COUNTY, 0), ("county", COUNTY, 61),
     ("county", "450481999", 5)],
)  # fmt: skip
def test_who_opens_one(database: Database, work: Casework, sweeps: Sweeps, who: str, region: str, days: int) -> None:
    """Townships and counties, for places of theirs that there are, with an end in sight."""
    with database.begin() as session:
        assert sweeps.open(session, work.people[who], region, "排查", days) is None


def test_one_household_makes_one_case(database: Database, work: Casework, sweeps: Sweeps) -> None:
    """Two phones send the same household at the same moment: one case."""
    with database.begin() as session:
        sweep = sweeps.open(session, work.people["county"], COUNTY, "集中排查", 15)
        household = sweeps.to_check(session, work.people["grid"], sweep)[0]
    results, start = [], threading.Barrier(2)

    def check(who: str) -> None:
        start.wait()
        try:
            with database.begin() as session:
                sweeps.check(session, work.people[who], sweep.id, household.id, "risk", "病了")
            results.append("done")
        except NotNow:
            results.append("not now")

    threads = [threading.Thread(target=check, args=(who,)) for who in ("grid", "village")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["done", "not now"]
    with database.read() as session:
        assert session.query(Case).count() == 1
