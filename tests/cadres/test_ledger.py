"""The ledger: as it stood on a day, masked, one jurisdiction, nothing that a spreadsheet would run."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import load_workbook

from cadres.case import Details
from cadres.ledger import KEYS, OWN, Ledger, load_columns, masked_name, masked_phone
from core import clock
from core.crypto import Vault
from core.database import Database
from core.errors import ConfigurationError
from core.regions import load_regions
from tests.cadres.casework import Casework
from tests.fakes import OTHER_VILLAGE, VILLAGE


@pytest.fixture
def work(database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Casework:
    """A workflow with its people, on each kind of database."""
    made = Casework(vault, monkeypatch)
    with database.begin() as session:
        made.staff(session)
    return made


def column(ledger: Ledger, rows: list[list[str]], key: str) -> list[str]:
    """The cells of one column."""
    at = [one.key for one in ledger.columns].index(key)
    return [row[at] for row in rows]


def test_a_day_in_the_past(database: Database, work: Casework) -> None:
    """On each day the ledger says what was so then, whatever happened since."""
    ledger = Ledger(work.cases, load_regions())
    with database.begin() as session:
        case = work.report(session)
        first = clock.today()
        work.forward(days=1)
        work.do(session, "village", case, "advance")
        second = clock.today()
        work.forward(days=1)
        work.report(session, OTHER_VILLAGE)
        work.do(session, "village", case, "withdraw")
        third = clock.today()
        session.flush()
        seen = [list(ledger.rows(session, work.people["county"], day)) for day in (first, second, third)]
        assert [column(ledger, rows, "step") for rows in seen] == [["已上报，待受理"], ["已受理"], ["已撤回", "已上报，待受理"]]
        assert [column(ledger, rows, "accepted")[0] != "" for rows in seen] == [False, True, True]
        assert [column(ledger, rows, "result")[0] for rows in seen] == ["", "", "已撤回"]


@pytest.mark.parametrize(("who", "count"), [("county", 3), ("town", 2), ("village", 2), ("other_village", 1), ("other_county", 0),
                                            ("editor", 0), ("civil", 0), ("auditor", 0)])  # fmt: skip
def test_one_jurisdiction(database: Database, work: Casework, who: str, count: int) -> None:
    """Nobody takes out another place's cases; cases of violence go to named people only."""
    with database.begin() as session:
        work.report(session)
        work.report(session)
        work.report(session, OTHER_VILLAGE)
        work.report(session, danger="violence")
        session.flush()
        assert len(list(Ledger(work.cases, load_regions()).rows(session, work.people[who], clock.today()))) == count


def test_the_excel_file(database: Database, work: Casework, tmp_path: Path) -> None:
    """A mark, the county's titles, masked names and phones, no formula, no word of what was reported."""
    ledger = Ledger(work.cases, load_regions(), load_columns(OWN))
    with database.begin() as session:
        work.cases.open(
            session, "c", VILLAGE, Details("得了癌症", "探花村", "+8613912345678", name="覃建国"), [("villager", "得了癌症")],
            origin="12345", outside_number='=HYPERLINK("x")',
        )  # fmt: skip
        session.flush()
        file = tmp_path / "ledger.xlsx"
        assert ledger.write(session, work.people["county"], clock.today(), file, "谁导出的") == 1
    rows = list(load_workbook(file).active.iter_rows(values_only=True))
    assert rows[0][0] == "谁导出的"
    assert rows[1][:3] == ("编号", "来源", "热线单号")
    assert rows[2][5:7] == ("覃**", "139****5678")
    assert rows[2][2] == '\'=HYPERLINK("x")'
    assert not any("癌" in str(cell) or "覃建国" in str(cell) or "13912345678" in str(cell) for row in rows for cell in row)


def test_a_county_chooses_its_columns(tmp_path: Path) -> None:
    """Titles, order and choice; an unknown column is refused with its name."""
    file = tmp_path / "ledger.yml"
    file.write_text("- {title: 序号, key: number}\n- {title: 姓名, key: name}\n", "utf-8")
    assert [column.title for column in load_columns(file)] == ["序号", "姓名"]
    for wrong, said in (
        ("- {title: 身份证, key: id_card}", "id_card"),
        ("[]", "no columns"),
        ("- x", "TypeError"),
        ("{", "ParserError"),
    ):
        file.write_text(wrong, "utf-8")
        with pytest.raises(ConfigurationError, match=said):
            load_columns(file)


def test_every_key_can_be_shown() -> None:
    """The columns that come along are all there are."""
    assert {column.key for column in load_columns(OWN)} == set(KEYS)


@pytest.mark.parametrize(
    ("name", "masked"), [("覃建国", "覃**"), ("覃", "覃"), ("", "")]
)  # fmt: skip
def test_names_are_masked(name: str, masked: str) -> None:
    """The family name stays."""
    assert masked_name(name) == masked


@pytest.mark.parametrize(("phone", "masked"), [("+8613912345678", "139****5678"), ("110", "***"), ("", "")])
def test_phones_are_masked(phone: str, masked: str) -> None:
    """First three and last four digits stay, of short ones nothing."""
    assert masked_phone(phone) == masked
