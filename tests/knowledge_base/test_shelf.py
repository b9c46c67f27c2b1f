"""The shelf: trials, publication without a restart, and what is served meanwhile, on each kind of database."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core import clock
from core.accounts import EDITOR, Account
from core.database import Database
from knowledge_base import editions, golden
from knowledge_base.index import build_index, stored_fingerprint
from knowledge_base.seed import import_seed
from knowledge_base.shelf import Shelf, Workshop
from knowledge_base.trial import SILENT_FOR, TrialNeeded, newest_trial
from tests.fakes import COUNTY, DAY, OUT_OF_SCOPE, FakeEncoder, section_text, sheet_text, write_sheet

NEW = sheet_text(sections=section_text(short="先去镇里。"))


class Place:
    """A county's database with three seeds in print, two editors, and a shelf over it."""

    def __init__(self, database: Database, directory: Path) -> None:
        self.database, self.directory = database, directory
        seed = directory / "seed"
        sheets = {"dibao": ("农村低保", "低保怎么申请"), "rights": ("投诉", "去哪里投诉"), "medical": ("医保", "住院报多少")}
        for name, (title, asked) in sheets.items():
            write_sheet(seed, sheet_text(name, title, sections=section_text(title=title, asked=asked)), name=name)
        with database.begin() as session:
            import_seed(session, seed)
            self.mo, self.chen = (
                Account(username=n, name=n, role=EDITOR, region=COUNTY, password_hash="x") for n in ("mo", "chen")
            )
            session.add_all([self.mo, self.chen])
            session.flush()
            golden.add(session, self.mo, "低保怎么办", ("dibao", "how"), editions.sheets_in_print(session))
        self.encoder = FakeEncoder()
        self.workshop = Workshop(self.encoder, "fake", OUT_OF_SCOPE, COUNTY, answer_from=0.0)  # type: ignore[arg-type]
        with database.read() as session:
            build_index(editions.sheets_in_print(session), self.encoder, OUT_OF_SCOPE, self.file, "fake")  # type: ignore[arg-type]

    @property
    def file(self) -> Path:
        return self.directory / "knowledge.db"

    def shelf(self) -> Shelf:
        return Shelf(self.database, self.workshop, self.file)

    def submitted(self, text: str = NEW) -> int:
        """An edition by the first editor that waits for the second."""
        with self.database.begin() as session:
            edition = editions.begin(session, self.mo, text)
            editions.submit(session, edition, self.mo)
        return edition.id

    def try_and_publish(self, shelf: Shelf, edition_id: int) -> None:
        trial = shelf.try_edition(self.chen, edition_id)
        assert trial is not None
        trial.result(30)
        shelf.publish(self.chen, edition_id).result(30)


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Place:
    return Place(database, tmp_path)


@pytest.fixture
def shelf(place: Place) -> Iterator[Shelf]:
    opened = place.shelf()
    yield opened
    opened.close()


def short(shelf: Shelf) -> str:
    """What is said first of how to apply for dibao."""
    hit = shelf.searcher().section("dibao", "how", COUNTY, DAY)
    return hit.short if hit else ""


def test_a_publication_is_served_without_a_restart(place: Place, shelf: Shelf) -> None:
    """After trial and publication the next question gets the new words; a request in flight keeps the old ones."""
    in_flight = shelf.searcher()
    place.try_and_publish(shelf, place.submitted())
    assert short(shelf) == "先去镇里。"
    assert in_flight.search("低保怎么申请", region=COUNTY, day=DAY).hits[0].short == "到村里申请。"
    assert not list(place.directory.glob("trial-*"))


def test_nothing_is_published_without_its_trial(place: Place, shelf: Shelf) -> None:
    """Without a trial, and with one of an index that another publication has overtaken, a publication is refused."""
    first, second = place.submitted(), place.submitted(sheet_text("rights", "投诉", sections=section_text(short="打12317。")))
    with pytest.raises(TrialNeeded):
        shelf.publish(place.chen, first)
    trial = shelf.try_edition(place.chen, second)
    assert trial is not None
    trial.result(30)
    assert shelf.tried(place.chen, second)
    place.try_and_publish(shelf, first)
    assert not shelf.tried(place.chen, second)
    with pytest.raises(TrialNeeded):
        shelf.publish(place.chen, second)
    place.try_and_publish(shelf, second)


def test_the_author_does_not_publish_though_it_was_tried(place: Place, shelf: Shelf) -> None:
    """A trial changes nothing about who may publish; nothing is printed and nothing served."""
    edition_id = place.submitted()
    trial = shelf.try_edition(place.mo, edition_id)
    assert trial is not None
    trial.result(30)
    with pytest.raises(editions.OwnWork):
        shelf.publish(place.mo, edition_id)
    assert short(shelf) == "到村里申请。"


def test_a_trial_says_which_answers_would_change(place: Place, shelf: Shelf) -> None:
    """The stored result has the golden question with the words before and after, and says how far it came."""
    edition_id = place.submitted()
    future = shelf.try_edition(place.chen, edition_id)
    assert future is not None
    future.result(30)
    with place.database.read() as session:
        trial = newest_trial(session, edition_id)
        assert trial is not None
        assert (trial.state, trial.done) == ("done", trial.total)
        change = trial.comparison.changes[0]
        assert (change.verdict, change.before.short, change.after.short) == ("worded", "到村里申请。", "先去镇里。")
        assert (trial.comparison.asked, trial.comparison.right_after) == (1, 1)


def test_a_trial_that_fails_says_so_and_can_be_run_again(place: Place, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error while building ends the trial as failed; what is served stays; the next trial succeeds."""
    edition_id = place.submitted()
    with monkeypatch.context() as broken:
        broken.setattr(FakeEncoder, "passage", lambda self, text: (_ for _ in ()).throw(OSError("disk full")))
        future = shelf.try_edition(place.chen, edition_id)
        assert future is not None
        assert isinstance(future.exception(30), OSError)
    with place.database.read() as session:
        trial = newest_trial(session, edition_id)
        assert trial is not None
        assert trial.state == "failed"
    assert short(shelf) == "到村里申请。"
    place.try_and_publish(shelf, edition_id)


def test_a_trial_whose_process_died_does_not_block_the_next(place: Place, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """One trial at a time; one that has been silent for minutes counts as broken."""
    edition_id = place.submitted()
    waiting = threading.Event()
    shelf._in_background(lambda: waiting.wait(30) and None)
    first = shelf.try_edition(place.chen, edition_id)
    assert first is not None
    assert shelf.try_edition(place.mo, edition_id) is None
    later = clock.now() + SILENT_FOR + timedelta(seconds=1)
    with monkeypatch.context() as time:
        time.setattr(clock, "now", lambda: later)
        assert shelf.try_edition(place.mo, edition_id) is not None
    waiting.set()
    first.result(30)


def test_another_process_follows(place: Place, shelf: Shelf) -> None:
    """A second process that shares the database, with an index file of its own or the same, serves what the first published."""
    other = Place.__new__(Place)
    other.__dict__.update(place.__dict__)
    beside = place.directory / "other-host"
    beside.mkdir()
    (beside / "knowledge.db").write_bytes(place.file.read_bytes())
    same, elsewhere = place.shelf(), Shelf(place.database, place.workshop, beside / "knowledge.db")
    assert same.follow_others() is None
    place.try_and_publish(shelf, place.submitted())
    for process in (same, elsewhere):
        future = process.follow_others()
        assert future is not None
        future.result(30)
        assert short(process) == "先去镇里。"
        assert process.follow_others() is None
        process.close()


def test_only_changed_texts_are_encoded(place: Place, shelf: Shelf) -> None:
    """A publication encodes what is new in it and nothing that the open index knows; the index is the same as one built anew."""
    edition_id = place.submitted(sheet_text(sections=section_text(title="农村低保", asked="低保怎么申请 | 新的问法")))
    place.encoder.seen.clear()
    place.try_and_publish(shelf, edition_id)
    assert place.encoder.seen.count("新的问法") == 1
    assert not {"去哪里投诉", "住院报多少", "低保怎么申请"} & set(place.encoder.seen)
    fresh = place.directory / "fresh.db"
    with place.database.read() as session:
        build_index(editions.sheets_in_print(session), place.encoder, OUT_OF_SCOPE, fresh, "fake")  # type: ignore[arg-type]
    assert dumped(fresh) == dumped(place.file)


def test_questions_are_answered_while_the_index_is_exchanged(place: Place, shelf: Shelf) -> None:
    """Threads that ask all the time get an answer every time, through several publications."""
    failed: list[Exception] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                assert shelf.searcher().search("低保怎么申请", region=COUNTY, day=DAY).hits
            except Exception as error:  # noqa: BLE001  whatever it is, the test names it
                failed.append(error)
                return

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for word in ("甲", "乙", "丙"):
        place.try_and_publish(shelf, place.submitted(sheet_text(sections=section_text(short=f"{word}。"))))
    stop.set()
    for thread in threads:
        thread.join(30)
    assert (failed, short(shelf)) == ([], "丙。")


def test_old_trials_are_cleared_away(place: Place) -> None:
    """A trial's index that nobody published is removed after a day, a young one stays."""
    import os

    old, young = place.directory / "trial-old.db", place.directory / "trial-young.db"
    for file in (old, young):
        file.write_bytes(b"")
    os.utime(old, (0, 0))
    place.shelf().close()
    assert (old.exists(), young.exists()) == (False, True)


def test_the_index_says_what_is_published(place: Place, shelf: Shelf) -> None:
    """The file's fingerprint is that of what is in print, so that a restart builds nothing."""
    place.try_and_publish(shelf, place.submitted())
    with place.database.read() as session:
        assert stored_fingerprint(place.file) == place.workshop.fingerprint(editions.sheets_in_print(session))


def dumped(file: Path) -> list[str]:
    """All rows of an index as text."""
    connection = sqlite3.connect(file)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()
