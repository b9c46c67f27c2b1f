"""The index: built from the sheets, swapped in one step, rebuilt only when something changed."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from knowledge_base.index import build_index, fingerprint, stored_fingerprint
from knowledge_base.search import Searcher
from knowledge_base.sheet import Sheet
from knowledge_base.text import normalise
from tests.fakes import DAY, OUT_OF_SCOPE, FakeEncoder, tiny_sheets

KEY = "fake"


@pytest.fixture(scope="module")
def sheets() -> list[Sheet]:
    """The three tiny sheets."""
    return tiny_sheets()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the index goes, in a directory that is not there yet."""
    return tmp_path / "data" / "knowledge.db"


def test_the_same_is_the_same(sheets: list[Sheet]) -> None:
    """Equal sheets, questions and encoder have equal fingerprints."""
    assert fingerprint(sheets, OUT_OF_SCOPE, KEY) == fingerprint(tiny_sheets(), list(OUT_OF_SCOPE), KEY)


def test_every_change_is_noticed(sheets: list[Sheet]) -> None:
    """A changed word, order, day, question or encoder changes the fingerprint."""
    section, *others = sheets[0].sections
    changed = [
        fingerprint([replace(sheets[0], title="别的"), *sheets[1:]], OUT_OF_SCOPE, KEY),
        fingerprint([replace(sheets[0], effective_to=DAY), *sheets[1:]], OUT_OF_SCOPE, KEY),
        fingerprint([replace(sheets[0], sections=[replace(section, body="新的"), *others]), *sheets[1:]], OUT_OF_SCOPE, KEY),
        fingerprint([replace(sheets[0], sections=[replace(section, asked=["新问"]), *others]), *sheets[1:]], OUT_OF_SCOPE, KEY),
        fingerprint(sheets[::-1], OUT_OF_SCOPE, KEY),
        fingerprint(sheets[:2], OUT_OF_SCOPE, KEY),
        fingerprint(sheets, [*OUT_OF_SCOPE, "新的"], KEY),
        fingerprint(sheets, OUT_OF_SCOPE, "other"),
    ]  # fmt: skip
    assert len({*changed, fingerprint(sheets, OUT_OF_SCOPE, KEY)}) == len(changed) + 1


def test_the_fingerprint_is_stored(sheets: list[Sheet], encoder: FakeEncoder, file: Path) -> None:
    """A built index says what it was made of, so that nothing is rebuilt without need; a missing file says nothing."""
    assert stored_fingerprint(file) is None
    build_index(sheets, encoder, OUT_OF_SCOPE, file, KEY)
    assert stored_fingerprint(file) == fingerprint(sheets, OUT_OF_SCOPE, KEY)
    assert [path.name for path in file.parent.iterdir() if "-" not in path.name] == ["knowledge.db"]


def test_a_file_of_something_else_is_rebuilt(tmp_path: Path) -> None:
    """A database without the meta table counts as no index."""
    file = tmp_path / "knowledge.db"
    connection = sqlite3.connect(file)
    connection.execute("create table t (a)")
    connection.close()
    assert stored_fingerprint(file) is None


def test_building_twice_makes_the_same_index(sheets: list[Sheet], encoder: FakeEncoder, file: Path) -> None:
    """The build is a pure function: all rows of a second build are equal."""
    build_index(sheets, encoder, OUT_OF_SCOPE, file, KEY)
    first = dumped(file)
    build_index(sheets, encoder, OUT_OF_SCOPE, file, KEY)
    assert dumped(file) == first


def test_what_did_not_change_is_not_encoded_again(sheets: list[Sheet], file: Path) -> None:
    """A second build encodes new texts only, and its index is the one that a build from nothing would make."""
    build_index(sheets, FakeEncoder(), OUT_OF_SCOPE, file, KEY)
    section, other = sheets[0].sections
    changed = [replace(sheets[0], sections=[replace(section, asked=[*section.asked, "低保新问法"]), other]), *sheets[1:]]
    encoder = FakeEncoder()
    build_index(changed, encoder, OUT_OF_SCOPE, file, KEY)
    encoded = [text for text in encoder.seen if text not in map(normalise, OUT_OF_SCOPE)]
    assert sorted(encoded) == sorted(["低保新问法", normalise("农村低保 低保怎么申请 低保到村里申请。 先到村委会。")])
    fresh = file.with_name("fresh.db")
    build_index(changed, FakeEncoder(), OUT_OF_SCOPE, fresh, KEY)
    assert dumped(file) == dumped(fresh)


def test_another_encoder_takes_nothing_over(sheets: list[Sheet], file: Path) -> None:
    """Vectors of another encoder are worth nothing: all is encoded again."""
    build_index(sheets, FakeEncoder(), OUT_OF_SCOPE, file, KEY)
    encoder = FakeEncoder()
    build_index(sheets, encoder, OUT_OF_SCOPE, file, "other")
    assert "低保怎么申请" in encoder.seen


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0 and then nothing"])
def test_a_broken_file_is_built_over(sheets: list[Sheet], encoder: FakeEncoder, file: Path, content: bytes) -> None:
    """Whatever lies in the index's place, the build replaces it."""
    file.parent.mkdir()
    file.write_bytes(content)
    build_index(sheets, encoder, OUT_OF_SCOPE, file, KEY)
    assert stored_fingerprint(file) == fingerprint(sheets, OUT_OF_SCOPE, KEY)


def test_progress_is_told(sheets: list[Sheet], encoder: FakeEncoder, file: Path) -> None:
    """Each section done is told, with the number of all."""
    told: list[tuple[int, int]] = []
    build_index(sheets, encoder, OUT_OF_SCOPE, file, KEY, lambda done, total: told.append((done, total)))
    assert told == [(done, 6) for done in range(1, 7)]


def test_a_failed_build_leaves_the_old_index(sheets: list[Sheet], encoder: FakeEncoder, file: Path) -> None:
    """When the build breaks off, what stood before still answers, and the next build succeeds."""
    build_index(sheets[:2], encoder, OUT_OF_SCOPE, file, KEY)
    before = stored_fingerprint(file)

    class Broken(FakeEncoder):
        def passage(self, text: str):
            if "转账" in text:
                raise OSError("disk full")
            return self.question(text)

    with pytest.raises(OSError, match="disk full"):
        build_index(sheets, Broken(), OUT_OF_SCOPE, file, KEY)
    assert stored_fingerprint(file) == before
    build_index(sheets, encoder, OUT_OF_SCOPE, file, KEY)
    assert stored_fingerprint(file) == fingerprint(sheets, OUT_OF_SCOPE, KEY)


def test_an_open_index_survives_the_swap(sheets: list[Sheet], encoder: FakeEncoder, file: Path) -> None:
    """A searcher that is open while the file is replaced goes on with what it had."""
    build_index(sheets, encoder, OUT_OF_SCOPE, file, KEY)
    with Searcher(file, encoder) as searcher:
        before = searcher.search("低保怎么申请", day=DAY)
        build_index(sheets[1:], encoder, OUT_OF_SCOPE, file, KEY)
        assert searcher.search("低保怎么申请", day=DAY) == before


def dumped(file: Path) -> list[str]:
    """All rows of an index as text."""
    connection = sqlite3.connect(file)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()
