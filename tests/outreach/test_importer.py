"""Lists are taken in whole, whatever they look like, and go on after a crash where they stopped."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select

from core.crypto import Vault
from core.database import Database
from core.regions import Regions
from outreach import importer
from outreach.categories import names_of
from outreach.files import UnreadableFile, guess_mapping, header_and_sample
from outreach.importer import Imports
from outreach.reading import BadMapping, RowReader, address_key, unsealed
from outreach.tables import ContactRow, Hold, ImportRow, StagedRow
from tests.fakes import COUNTY, OTHER_VILLAGE, VILLAGE
from tests.outreach.conftest import HEAD, hand_in, people

LIST = f"""{HEAD}
莫小兰,13800000001,岑城镇,探花村,1,低保
莫志明,138 0000-0001,岑城镇,探花村,1,低保
黄桂芳,+86 13900000002,马路镇,善村,2,监测对象、重残
李海生,,岑城镇,探花村,3,脱贫户
"""


def test_a_list_becomes_contacts(take_in, database: Database, vault: Vault) -> None:
    """Names, numbers, villages, households and categories are there; numbers only sealed; a shared phone is known as such."""
    done = take_in(LIST)
    found = people(database, vault)
    assert (done.state, done.rows, done.added, done.refused) == ("done", 4, 4, 0)
    assert {name: row.region for name, row in found.items()} == {
        "莫小兰": VILLAGE, "莫志明": VILLAGE, "黄桂芳": OTHER_VILLAGE, "李海生": VILLAGE,
    }  # fmt: skip
    assert found["莫小兰"].household == found["莫志明"].household != found["黄桂芳"].household
    assert [found[name].shared for name in ("莫小兰", "莫志明", "黄桂芳")] == [True, True, False]
    assert names_of(found["黄桂芳"].categories) == ["监测对象", "重度残疾"]
    assert found["黄桂芳"].address == address_key(vault, "+8613900000002")
    assert unsealed(vault, found["黄桂芳"].sealed) == ("+8613900000002", "黄桂芳")
    assert Hold(found["李海生"].hold) == Hold.NO_PHONE
    assert b"13900000002" not in found["黄桂芳"].sealed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings(take_in, database: Database, vault: Vault, encoding: str) -> None:
    """UTF-8 with and without its mark, and what Excel in China writes."""
    take_in(LIST.encode(encoding))
    assert set(people(database, vault)) == {"莫小兰", "莫志明", "黄桂芳", "李海生"}


def test_excel(take_in, database: Database, vault: Vault) -> None:
    """A workbook, with numbers that are numbers."""
    book = Workbook()
    book.active.append(HEAD.split(","))
    book.active.append(["莫小兰", 13800000001, "岑城镇", "探花村", 1, "低保"])
    book.active.append(["黄桂芳", "13900000002", None, int(OTHER_VILLAGE), 2.0, None])
    file = io.BytesIO()
    book.save(file)
    assert take_in(file.getvalue()).added == 2
    found = people(database, vault)
    assert unsealed(vault, found["莫小兰"].sealed)[0] == "+8613800000001"
    assert found["黄桂芳"].region == OTHER_VILLAGE


def test_remarks_name_row_and_column_and_nobody(take_in, imports: Imports, database: Database, vault: Vault) -> None:
    """What is wrong is listed for download; a bad number costs the number, a strange village the row."""
    done = take_in(
        f"{HEAD}\n,13800000001,岑城镇,探花村,1,低保\n莫某,13800000001,岑城镇,不存在村,1,低保\n\n"
        "黄某,1380000,岑城镇,探花村,2,低保\n李某,0774-8200001,岑城镇,探花村,3,贵族"
    )
    with imports.remarks_file(done.id).open(encoding="utf-8-sig") as file:
        rows = [tuple(row) for row in csv.reader(file)]
    assert [(row[0], row[1], row[3]) for row in rows[1:]] == [
        ("2", "姓名", "没有导入"), ("3", "村", "没有导入"),
        ("5", "手机号", "已导入"), ("6", "手机号", "已导入"), ("6", "类别", "已导入"),
    ]  # fmt: skip
    assert (done.added, done.refused, done.doubtful, done.rows) == (2, 2, 3, 5)
    assert all("莫" not in "".join(row) and "1380000" not in "".join(row) for row in rows)
    assert {row.hold for row in people(database, vault).values()} == {Hold.NO_PHONE}


def test_modes(take_in, database: Database, vault: Vault) -> None:
    """«add» leaves who is there, «replace» updates them and takes the others off, «compare» touches nothing."""
    take_in(LIST)
    changed = f"{HEAD}\n莫小兰,13700000007,岑城镇,探花村,1,特困\n韦新人,13700000008,岑城镇,探花村,9,低保\n"
    compared = take_in(changed, "compare")
    assert (compared.added, compared.changed, compared.same, compared.gone) == (1, 1, 0, 3)
    assert len(people(database, vault)) == 4
    added = take_in(changed)
    assert (added.added, added.same) == (1, 1)
    assert unsealed(vault, people(database, vault)["莫小兰"].sealed)[0] == "+8613800000001"
    replaced = take_in(changed, "replace")
    found = people(database, vault)
    assert (replaced.added, replaced.changed, replaced.gone) == (0, 2, 3)
    assert unsealed(vault, found["莫小兰"].sealed)[0] == "+8613700000007"
    assert {name for name, row in found.items() if row.hold == Hold.GONE} == {"莫志明", "黄桂芳", "李海生"}
    assert not found["莫小兰"].shared
    take_in(LIST)
    assert Hold.GONE not in {row.hold for row in people(database, vault).values()}


def test_who_stands_there_twice_is_one(take_in, database: Database, vault: Vault) -> None:
    """The last row of a person counts, into an empty list and into one that is not."""
    twice = f"{HEAD}\n莫小兰,,岑城镇,探花村,1,低保\n莫小兰,,岑城镇,探花村,1,特困\n"
    for _ in range(2):
        take_in(twice, "replace")
        assert [names_of(row.categories) for row in people(database, vault).values()] == [["特困"]]


def test_a_crash_loses_and_repeats_nothing(
    database: Database, vault: Vault, imports: Imports, officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped at every step of the way, the list is whole at the end, and so is the file of remarks."""
    monkeypatch.setattr(importer, "BATCH", 7)
    lines = [f"某{n},1380000{n:04d},岑城镇,{'探花村' if n % 5 else '错村'},{n},低保" for n in range(50)]
    number = hand_in(database, imports, officer, "\n".join([HEAD, *lines]))
    steps = 0

    class Crash(Exception):
        """The process dies."""

    def dies(after: int):
        left = [after]

        def check() -> bool:
            if left[0] == 0:
                raise Crash
            left[0] -= 1
            return False

        return check

    while True:
        steps += 1
        assert steps < 100
        try:
            if imports.run(number, dies(1)):
                break
        except Crash:
            with imports.remarks_file(number).open("ab") as file:
                file.write(b"half a li")
    with database.read() as session:
        row = session.get_one(ImportRow, number)
        assert session.scalar(select(func.count()).select_from(StagedRow)) == 0
    assert (row.state, row.rows, row.added, row.refused) == ("done", 50, 40, 10)
    assert len(people(database, vault)) == 40
    assert steps > 5
    assert len(imports.remarks_file(number).read_text("utf-8-sig").splitlines()) == 11
    assert not imports._file(number).exists()


def test_a_stop_is_gone_on_from(database: Database, imports: Imports, officer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that was stopped is among the open ones; given up, it leaves neither file nor staged rows."""
    number = hand_in(database, imports, officer, LIST)
    assert not imports.run(number, lambda: True)
    assert imports.open_ones() == [number]
    with database.begin() as session:
        imports.give_up(session, number)
    assert imports.open_ones() == []
    assert not imports._file(number).exists()


def test_what_is_no_list_is_refused(database: Database, imports: Imports, officer) -> None:
    """Pictures, empty files, broken workbooks: said in plain words, and nothing stays."""
    for content in (b"\x89PNG\r\n\x1a\n\0\0\0", b"", b"PK\x03\x04 broken"):
        with pytest.raises(UnreadableFile), database.begin() as session:
            imports.receive(session, officer, "x", iter([content]))
    assert list(imports._folder.iterdir()) == []


def test_mapping(vault: Vault, regions: Regions, tmp_path: Path) -> None:
    """Usual headings are known; a mapping without names, or with a column twice, is refused."""
    assert guess_mapping(["序号", "户主姓名", "联系电话", "行政村", "户类型"]) == {
        "name": 1,
        "phone": 2,
        "village": 3,
        "categories": 4,
    }
    for mapping in ({"name": 0}, {"name": 0, "village": 0}, {}):
        with pytest.raises(BadMapping):
            RowReader(vault, regions, COUNTY, mapping)
    file = tmp_path / "x"
    file.write_text("姓名\t村\n莫某\t探花村\n")
    assert header_and_sample(file) == (["姓名", "村"], [["莫某", "探花村"]])


def test_another_countys_village_is_refused(take_in, database: Database) -> None:
    """A list changes nothing outside its account's place."""
    assert take_in(f"{HEAD}\n莫某,13800000001,,450122101200,1,低保\n").refused == 1
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(ContactRow)) == 0
