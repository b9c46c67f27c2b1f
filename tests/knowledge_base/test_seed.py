"""The sheets that come with the software: imported once, followed while nobody has edited them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.accounts import EDITOR, Account
from core.database import Database
from core.errors import ConfigurationError
from knowledge_base import editions
from knowledge_base.seed import SeedImport, import_seed
from tests.fakes import COUNTY, sheet_text, write_sheet

OLD, NEW, OWN = (sheet_text().replace("到村里申请。", f"{word}。") for word in ("旧", "新", "县里自己写的"))


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    """Two sheets as they come with the software."""
    write_sheet(tmp_path, OLD)
    write_sheet(tmp_path, sheet_text("rights", "投诉"), name="rights")
    return tmp_path


def imported(database: Database, seed: Path) -> SeedImport:
    with database.begin() as session:
        return import_seed(session, seed)


def edited(database: Database, text: str = OWN) -> None:
    """Two editors bring a text of their own into print."""
    with database.begin() as session:
        both = [Account(username=name, name=name, role=EDITOR, region=COUNTY, password_hash="x") for name in ("a", "b")]
        session.add_all(both)
        session.flush()
        draft = editions.begin(session, both[0], text)
        editions.submit(session, draft, both[0])
        editions.publish(session, draft, both[1])


def short(database: Database) -> str:
    """What the sheet on dibao says first."""
    with database.read() as session:
        return next(sheet for sheet in editions.sheets_in_print(session) if sheet.id == "dibao").sections[0].short


def test_seeds_are_printed_once(database: Database, seed: Path) -> None:
    """The first import prints every sheet, the second finds nothing to do."""
    assert imported(database, seed).printed == ["45/dibao", "45/rights"]
    assert not imported(database, seed)
    with database.read() as session:
        assert [(row.number, row.origin, row.author_id) for row in editions.in_print(session)] == [(1, "seed", None)] * 2


def test_a_sheet_that_nobody_edited_follows_its_file(database: Database, seed: Path) -> None:
    """An upgrade's new text is printed as a further edition."""
    imported(database, seed)
    write_sheet(seed, NEW)
    assert imported(database, seed).printed == ["45/dibao"]
    assert short(database) == "新。"


def test_a_sheet_that_was_edited_stays(database: Database, seed: Path) -> None:
    """An upgrade's new text is offered beside it, once; a still newer one takes the older offer's place."""
    imported(database, seed)
    edited(database)
    assert not imported(database, seed)
    write_sheet(seed, NEW)
    assert imported(database, seed).offered == ["45/dibao"]
    assert not imported(database, seed)
    write_sheet(seed, NEW.replace("新", "更新"))
    assert imported(database, seed).offered == ["45/dibao"]
    assert short(database) == "县里自己写的。"
    with database.begin() as session:
        editor = session.query(Account).filter_by(username="a").one()
        offered = [row for row in editions.unpublished(session, editor) if row.state == "offered"]
        assert ["更新。" in row.text for row in offered] == [True]
        draft = editions.take_offer(session, offered[0], editor)
        assert (draft.state, offered[0].state) == ("draft", "discarded")


def test_an_edit_that_equals_the_new_seed_needs_no_offer(database: Database, seed: Path) -> None:
    """When the county had already written what the upgrade brings, there is nothing to decide."""
    imported(database, seed)
    edited(database, NEW)
    write_sheet(seed, NEW.strip() + "\n")
    assert not imported(database, seed)


def test_a_file_that_is_gone_takes_its_untouched_sheet_along(database: Database, seed: Path) -> None:
    """A sheet that the software no longer brings goes out of print, an edited one stays."""
    imported(database, seed)
    edited(database)
    (seed / "45" / "rights.md").unlink()
    assert imported(database, seed).withdrawn == ["45/rights"]
    write_sheet(seed, sheet_text("medical", "医保"), name="medical")
    (seed / "45" / "dibao.md").unlink()
    assert imported(database, seed).withdrawn == []
    with database.read() as session:
        assert [sheet.id for sheet in editions.sheets_in_print(session)] == ["dibao", "medical"]


def test_an_empty_directory_is_a_broken_installation(database: Database, seed: Path) -> None:
    """Without any sheet nothing is withdrawn: the installation is not whole."""
    imported(database, seed)
    with pytest.raises(ConfigurationError):
        imported(database, seed / "45")
    assert short(database) == "旧。"
