"""The ledger (台账): every case of a place as it stood at the end of a day, masked, written to Excel a row at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path

import yaml
from openpyxl import Workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from cadres.case import OPEN, STATES, Case, CaseEvent, Cases, open_to
from cadres.intake import ORIGINS
from core import clock
from core.accounts import Account
from core.errors import ConfigurationError
from core.regions import Regions
from core.rights import within

OWN = Path(__file__).parent / "data" / "ledger.yml"
BATCH = 500  # cases in memory at a time
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Column:
    """One column: the county's title, and which of ``KEYS`` stands in it."""

    title: str
    key: str


@dataclass(frozen=True)
class Standing:
    """A case as it stood at a moment."""

    case: Case
    state: str
    since: datetime
    at: datetime
    name: str
    phone: str
    town: str
    village: str

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


KEYS: dict[str, Callable[[Standing], str]] = {
    "number": lambda row: row.case.number,
    "origin": lambda row: ORIGINS.get(row.case.origin, row.case.origin),
    "outside_number": lambda row: row.case.outside_number,
    "town": lambda row: row.town,
    "village": lambda row: row.village,
    "name": lambda row: masked_name(row.name),
    "phone": lambda row: masked_phone(row.phone),
    "urgency": lambda row: "紧急" if row.case.urgency == "urgent" else "一般",
    "reported": lambda row: _moment(row.case.created_at),
    "accepted": lambda row: _moment(row.case.accepted_at) if row.case.accepted_at and row.case.accepted_at <= row.at else "",
    "step": lambda row: STATES[row.state],
    "since": lambda row: _moment(row.since),
    "due": lambda row: _moment(row.case.cap_at - timedelta(seconds=1))[:10],
    "late": lambda row: "超期" if (row.at if row.is_open else row.since) > row.case.cap_at else "",
    "closed": lambda row: "" if row.is_open else _moment(row.since),
    "result": lambda row: "" if row.is_open else STATES[row.state],
    "official_number": lambda row: row.case.official_number if row.state == "admitted" else "",
}


def load_columns(file: Path) -> tuple[Column, ...]:
    """The columns of a file. Raises ConfigurationError with what is wrong in it."""
    try:
        columns = tuple(Column(str(one["title"]), str(one["key"])) for one in yaml.safe_load(file.read_text("utf-8")))
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{file}: {error.__class__.__name__}: {error}") from error
    if unknown := [column.key for column in columns if column.key not in KEYS]:
        raise ConfigurationError(f"{file}: no such column: {', '.join(unknown)}; there are: {', '.join(KEYS)}")
    if not columns:
        raise ConfigurationError(f"{file}: no columns")
    return columns


@cache
def own_columns() -> tuple[Column, ...]:
    """The columns that come along."""
    return load_columns(OWN)


class Ledger:
    """Every method works inside the caller's transaction and sees one account's jurisdiction."""

    def __init__(self, cases: Cases, regions: Regions, columns: Sequence[Column] | None = None) -> None:
        self._cases, self._regions, self.columns = cases, regions, columns or own_columns()

    def rows(self, session: Session, account: Account, on: date) -> Iterator[list[str]]:
        """The ledger as it stood at the end of a day, oldest case first; a case that was not reported yet is not in it."""
        for standing in self._standings(session, account, _end(on)):
            yield [_harmless(KEYS[column.key](standing)) for column in self.columns]

    def write(self, session: Session, account: Account, on: date, file: Path, mark: str) -> int:
        """Write the ledger to an Excel file and give the number of cases. ``mark`` says in its first row who took it out."""
        book = Workbook(write_only=True)
        sheet = book.create_sheet("台账")
        sheet.append([mark])
        sheet.append([column.title for column in self.columns])
        count = 0
        for row in self.rows(session, account, on):
            sheet.append(row)
            count += 1
        book.save(file)
        return count

    def _standings(self, session: Session, account: Account, at: datetime) -> Iterator[Standing]:
        last = 0
        while True:
            after = select(Case).where(Case.id > last, Case.created_at < at, within(account, Case.region), open_to(account))
            batch = session.scalars(after.order_by(Case.id).limit(BATCH)).all()
            if not batch:
                return
            moves = self._moves(session, [case.id for case in batch], at)
            for case in batch:
                state, since = moves.get(case.id, ("reported", case.created_at))
                details = self._cases.details(case)
                town, village = self._places(case.region)
                yield Standing(case, state, since, min(at, clock.now()), details.name, details.contact, town, village)
            last = batch[-1].id
            session.expunge_all()  # or the session would hold every case of the ledger

    @staticmethod
    def _moves(session: Session, ids: list[int], at: datetime) -> dict[int, tuple[str, datetime]]:
        """For each case that had moved by then, the state that it was in, and since when."""
        moved = select(CaseEvent.case_id, CaseEvent.after, CaseEvent.at).where(
            CaseEvent.case_id.in_(ids), CaseEvent.at < at, CaseEvent.before != CaseEvent.after
        )
        return {row.case_id: (row.after, row.at) for row in session.execute(moved.order_by(CaseEvent.id))}

    def _places(self, code: str) -> tuple[str, str]:
        path = {place.level: place.short for place in self._regions.path(code)}
        return path.get("township", ""), path.get("village", "")


def masked_name(name: str) -> str:
    """«覃建国» → «覃**»."""
    return name[:1] + "*" * (len(name) - 1) if name else ""


def masked_phone(phone: str) -> str:
    """«+8613912345678» → «139****5678»."""
    digits = phone.removeprefix("+86")
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) > 7 else "*" * len(digits)


def _harmless(value: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _end(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), clock.CHINA)


def _moment(moment: datetime) -> str:
    return clock.as_utc(moment).astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M")
