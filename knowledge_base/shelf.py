"""The shelf: the published sheets as this process serves them. It tries editions and swaps the index while it serves.

Whoever holds a searcher keeps it to the end of what they do: a swap only changes what the next one gets, and an index
that nobody holds any more closes itself.
"""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy import func, select

from core import clock
from core.accounts import Account
from core.database import Database
from knowledge_base import editions, golden
from knowledge_base.encoder import Encoder
from knowledge_base.index import build_index, fingerprint, stored_fingerprint
from knowledge_base.search import Searcher
from knowledge_base.sheet import Sheet
from knowledge_base.trial import TrialNeeded, close_trial, move, newest_trial, open_trial

log = structlog.get_logger()
TELL_EVERY_S = 0.5
KEEP_TRIALS = timedelta(days=1)


@dataclass(frozen=True)
class Workshop:
    """What an index is made with beside the sheets, and how it is judged."""

    encoder: Encoder
    encoder_key: str
    out_of_scope: list[str]
    county: str
    answer_from: float  # how sure search must be to answer

    def fingerprint(self, sheets: list[Sheet]) -> str:
        return fingerprint(sheets, self.out_of_scope, self.encoder_key)


class Shelf:
    """One process's open index, and the thread that builds others. ``file`` is the index of the data directory."""

    def __init__(self, database: Database, workshop: Workshop, file: Path) -> None:
        self._database, self._workshop, self._file = database, workshop, file
        self._lock = threading.Lock()
        self._builder = ThreadPoolExecutor(1, "index")
        self._searcher, self._made_of = Searcher(file, workshop.encoder), stored_fingerprint(file)
        self._seen = self._editions()
        self.building = False  # whether the index follows a publication just now
        self._tidy()

    def searcher(self) -> Searcher:
        """The index as it stands now."""
        return self._searcher

    def close(self) -> None:
        self._builder.shutdown(cancel_futures=True)
        self._searcher.close()

    # --- following what is published -----------------------------------------------------------------------------

    def follow_others(self) -> Future[None] | None:
        """Follow if something was published since the last look, here or in another process; cheap to ask often."""
        return None if self._editions() == self._seen else self.follow()

    def follow(self) -> Future[None]:
        """Serve what is published: builds the index if need be, in the background."""
        return self._in_background(self._follow)

    def _follow(self) -> None:
        seen, sheets = self._editions(), self._published()
        wanted = self._workshop.fingerprint(sheets)
        if wanted == self._made_of:
            self._seen = seen
            return
        self.building = True
        try:
            if stored_fingerprint(self._file) != wanted:  # another process of this directory may have built it
                self._build(sheets, self._trial_file(wanted)).replace(self._file)
            self._swap(wanted)
            self._seen = seen
        finally:
            self.building = False

    def _swap(self, made_of: str) -> None:
        searcher = Searcher(self._file, self._workshop.encoder)
        with self._lock:
            self._searcher, self._made_of = searcher, made_of
        log.info("the index follows what is published", sections=len(searcher.places))

    # --- trials --------------------------------------------------------------------------------------------------

    def try_edition(self, account: Account, edition_id: int) -> Future[None] | None:
        """Start a trial in the background; None when one runs already. Raises NoSuchEdition."""
        with self._database.begin() as session:
            edition = editions.edition_of(session, account, edition_id, lock=True)
            running = newest_trial(session, edition.id)
            if running is not None and running.runs:
                return None
            sheets = editions.sheets_in_print(session, instead=edition)
            questions = golden.questions(session)
            total = sum(len(sheet.sections) for sheet in sheets) + len(questions)
            trial_id = open_trial(session, edition.id, self._workshop.fingerprint(sheets), total).id
        return self._in_background(self._try, trial_id, sheets, questions)

    def _try(self, trial_id: int, sheets: list[Sheet], questions: list[golden.GoldenQuestion]) -> None:
        comparison = None
        try:
            tell = self._teller(trial_id)
            made_of = self._workshop.fingerprint(sheets)
            file = self._build(sheets, self._trial_file(made_of), lambda done, _total: tell(done))
            sections = sum(len(sheet.sections) for sheet in sheets)
            with Searcher(file, self._workshop.encoder) as new:
                comparison = golden.compare(
                    questions, self._searcher, new, county=self._workshop.county, day=clock.today(),
                    answer_from=self._workshop.answer_from, progress=lambda done: tell(sections + done),
                )  # fmt: skip
        finally:
            with self._database.begin() as session:
                close_trial(session, trial_id, comparison)

    def publish(self, account: Account, edition_id: int) -> Future[None]:
        """Publish an edition whose trial shows today's sheets; the index follows in the background.

        Raises NoSuchEdition, TrialNeeded and what ``editions.publish`` raises.
        """
        with self._database.begin() as session:
            edition = editions.edition_of(session, account, edition_id, lock=True)
            trial = newest_trial(session, edition.id)
            sheets = editions.sheets_in_print(session, instead=edition)
            if trial is None or trial.state != "done" or trial.fingerprint != self._workshop.fingerprint(sheets):
                raise TrialNeeded
            editions.publish(session, edition, account)
        return self.follow()

    def tried(self, account: Account, edition_id: int) -> bool:
        """Whether an edition's newest trial is of the index that publishing it today would make."""
        with self._database.read() as session:
            edition = editions.edition_of(session, account, edition_id)
            trial = newest_trial(session, edition.id)
            sheets = editions.sheets_in_print(session, instead=edition)
        return trial is not None and trial.state == "done" and trial.fingerprint == self._workshop.fingerprint(sheets)

    # --- shared --------------------------------------------------------------------------------------------------

    def _published(self) -> list[Sheet]:
        with self._database.read() as session:
            return editions.sheets_in_print(session)

    def _editions(self) -> int:
        """How many editions were ever published: history only grows."""
        with self._database.read() as session:
            return session.scalar(select(func.count()).where(editions.Edition.state == "published")) or 0

    def _build(self, sheets: list[Sheet], file: Path, progress: Callable[[int, int], None] | None = None) -> Path:
        """The index of some sheets, made unless it is there; one process of a data directory builds at a time."""
        workshop = self._workshop
        with self._file.with_name("index.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not file.exists():
                build_index(
                    sheets, workshop.encoder, workshop.out_of_scope, file, workshop.encoder_key, progress, earlier=self._file
                )  # fmt: skip
        return file

    def _in_background(self, work: Callable[..., None], *arguments: object) -> Future[None]:
        future = self._builder.submit(work, *arguments)
        future.add_done_callback(_log_failure)
        return future

    def _teller(self, trial_id: int) -> Callable[[int], None]:
        """Writes how far a trial is, not more often than is looked."""
        told = 0.0

        def tell(done: int) -> None:
            nonlocal told
            if time.monotonic() - told >= TELL_EVERY_S:
                told = time.monotonic()
                with self._database.begin() as session:
                    move(session, trial_id, done)

        return tell

    def _trial_file(self, made_of: str) -> Path:
        return self._file.with_name(f"trial-{made_of[:16]}.db")

    def _tidy(self) -> None:
        """Remove old trials' indexes. Young ones may belong to a publication that is being prepared."""
        for file in self._file.parent.glob("trial-*.db*"):
            if clock.now().timestamp() - file.stat().st_mtime > KEEP_TRIALS.total_seconds():
                file.unlink(missing_ok=True)


def _log_failure(future: Future[None]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        log.error("the index could not be built", exc_info=error)
