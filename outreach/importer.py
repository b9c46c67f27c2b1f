"""Lists of contacts are taken in: read into a staging table batch by batch, then merged slice by slice.

Every step is a transaction that notes how far it came, so a stop or a crash loses no row and repeats none. Staging keeps the
random access of indexes out of the reading; into an empty list everything is merged at once and the indexes are built after it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.orm import Session

from core import clock
from core.accounts import Account
from core.crypto import Vault
from core.database import Database
from core.errors import MingbaiError
from core.regions import Regions
from outreach import bulk, merging
from outreach.files import count_rows, header_and_sample, rows_of
from outreach.reading import COLUMNS, Batch, Remark, RowReader
from outreach.tables import ImportRow, StagedRow

BATCH = 5000  # rows of a transaction
MODES = {"add": "只加新的，旧的不动", "replace": "以这份名单为准：更新旧的，名单上没有的移出", "compare": "只比较，不改动"}
OPEN = ("new", "running")


class ImportRefused(MingbaiError):
    """这次导入现在不能开始。"""


@dataclass(frozen=True)
class Preview:
    """What somebody sees before a list is taken in: headings, first rows, and what would be said of them."""

    header: list[str]
    sample: list[list[str]]
    remarks: list[Remark]


class Imports:
    """The lists that were handed in. Files lie in ``folder`` as long as they are open, readable by the service alone."""

    def __init__(
        self, database: Database, vault: Vault, regions: Regions, folder: Path, now: Callable[[], datetime] = clock.now
    ) -> None:
        self._database, self._vault, self._regions, self._folder, self._now = database, vault, regions, folder, now

    def receive(self, session: Session, account: Account, name: str, content: Iterable[bytes]) -> int:
        """Store a list that somebody hands in; gives its number. Raises UnreadableFile."""
        now = self._now()
        row = ImportRow(
            account_id=account.id, region=account.region, name=name[:120], state="new", created_at=now, updated_at=now
        )
        session.add(row)
        session.flush()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._file(row.id)
        try:
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                for piece in content:
                    out.write(piece)
                out.flush()
                os.fsync(out.fileno())
            header_and_sample(file)
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        row.total = max(0, count_rows(file) - 1)
        return row.id

    def preview(self, import_id: int, mapping: dict[str, int] | None = None) -> Preview:
        """The first rows, and the remarks on them where a mapping is given. Raises UnreadableFile, BadMapping."""
        header, sample = header_and_sample(self._file(import_id))
        batch = Batch()
        if mapping:
            with self._database.read() as session:
                region = session.get_one(ImportRow, import_id).region
            reader = RowReader(self._vault, self._regions, region, mapping)
            for number, row in enumerate(sample, 2):
                reader.read(batch, number, row)
        return Preview(header, sample, batch.remarks)

    def begin(self, session: Session, import_id: int, mapping: dict[str, int], mode: str) -> None:
        """Let a list be taken in. Raises BadMapping, ImportRefused."""
        row = session.get_one(ImportRow, import_id, with_for_update=True)
        if row.state != "new" or mode not in MODES:
            raise ImportRefused
        RowReader(self._vault, self._regions, row.region, mapping)
        row.mapping, row.mode, row.state, row.updated_at = json.dumps(mapping), mode, "running", self._now()

    def run(self, import_id: int, stop: Callable[[], bool] = lambda: False) -> bool:
        """Take a list in, behind what was taken before. True when it is done, False when stopped. Raises UnreadableFile."""
        with self._database.read() as session:
            row = session.get_one(ImportRow, import_id)
        if row.state != "running":
            return row.state == "done"
        if row.slices == 0 and not self._read(row, stop):
            return False
        if not self._merge(row, stop):
            return False
        self._file(import_id).unlink(missing_ok=True)
        return True

    def give_up(self, session: Session, import_id: int, problem: str = "") -> None:
        """Leave a list that is not done; what was merged stays."""
        row = session.get_one(ImportRow, import_id, with_for_update=True)
        if row.state in OPEN:
            row.state, row.problem, row.updated_at = ("failed" if problem else "given_up"), problem[:200], self._now()
            session.execute(delete(StagedRow).where(StagedRow.import_id == import_id))
            self._file(import_id).unlink(missing_ok=True)

    def open_ones(self) -> list[int]:
        """Lists that were begun and are not done: after a crash somebody has to go on with them."""
        with self._database.read() as session:
            return list(session.scalars(select(ImportRow.id).where(ImportRow.state == "running").order_by(ImportRow.id)))

    def remarks_file(self, import_id: int) -> Path:
        """The remarks on rows, CSV: number of the row, column, what is wrong. Nothing personal."""
        return self._folder / f"{import_id}.remarks.csv"

    def _file(self, import_id: int) -> Path:
        return self._folder / f"{import_id}.list"

    def _read(self, row: ImportRow, stop: Callable[[], bool]) -> bool:
        reader = RowReader(self._vault, self._regions, row.region, json.loads(row.mapping))
        numbered = enumerate(rows_of(self._file(row.id)), 1)
        next(islice(numbered, row.rows, None), None)  # the headings and what was read before
        remarks = _Remarks(self.remarks_file(row.id), row.remarks_bytes)
        while lines := list(islice(numbered, BATCH)):
            if stop():
                return False
            batch = Batch()
            for number, cells in lines:
                reader.read(batch, number, cells)
            written = remarks.add(batch.remarks)
            with self._database.statement(writes=True) as connection:
                staged = [(row.id, *values) for values in batch.values]
                bulk.append(connection, StagedRow.__tablename__, ("import_id", *COLUMNS), staged)
                self._note(connection, row.id, len(lines), batch, written)
        return True

    def _note(self, connection: Connection, import_id: int, rows: int, batch: Batch, written: int) -> None:
        refused = sum(remark.refused for remark in batch.remarks)
        progress: dict[str, Any] = {
            "rows": ImportRow.rows + rows, "refused": ImportRow.refused + refused,
            "doubtful": ImportRow.doubtful + len(batch.remarks) - refused, "remarks_bytes": written, "updated_at": self._now(),
        }  # fmt: skip
        connection.execute(update(ImportRow).where(ImportRow.id == import_id).values(progress))

    def _merge(self, row: ImportRow, stop: Callable[[], bool]) -> bool:
        """Slice by slice, or at once where the list of contacts is empty; then what only the whole list says."""
        with self._database.statement(writes=True) as connection:
            if row.slices == 0 and row.mode != "compare" and merging.is_empty(connection):
                merging.merge_into_nothing(connection, row.id)
                row.slices = merging.SLICES
                self._merged(connection, row)
        while row.slices < merging.SLICES:
            if stop():
                return False
            with self._database.statement(writes=True) as connection:
                if row.mode == "compare":
                    merging.compare(connection, row.id, row.slices)
                else:
                    merging.merge(connection, row.id, row.mode, row.slices)
                row.slices += 1
                self._merged(connection, row)
        with self._database.statement(writes=True) as connection:
            merging.finish(connection, row.id, row.mode, row.region)
            done = {"state": "done", "updated_at": self._now()}
            connection.execute(update(ImportRow).where(ImportRow.id == row.id).values(done))
        return True

    def _merged(self, connection: Connection, row: ImportRow) -> None:
        done = {"slices": row.slices, "updated_at": self._now()}
        connection.execute(update(ImportRow).where(ImportRow.id == row.id).values(done))


class _Remarks:
    """The file of remarks. What a crash left behind the committed length is cut off."""

    HEAD = "\ufeff行号,栏目,问题,结果\r\n"

    def __init__(self, file: Path, length: int) -> None:
        self._file, self._length = file, length
        if file.exists():
            os.truncate(file, length)

    def add(self, remarks: list[Remark]) -> int:
        """Write remarks behind the committed ones, durably; gives the new length, to be committed with the rows."""
        if not remarks:
            return self._length
        lines = [
            f"{remark.row},{remark.column},{remark.text},{'没有导入' if remark.refused else '已导入'}\r\n" for remark in remarks
        ]
        with self._file.open("ab") as out:
            out.write(("" if self._length else self.HEAD).encode() + "".join(lines).encode())
            out.flush()
            os.fsync(out.fileno())
            self._length = out.tell()
        return self._length
