"""The desk's lists: folders with their counts, a page at a time, and search. Built for a million cases.

Lists and counts of open cases read one partial index (``ix_cases_open``), which holds only what is not closed and every column
that they ask for; closed cases cost them nothing. «全部», which has no end, is counted up to a limit, then shown as «9999+».
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import phonenumbers
from sqlalchemy import ColumnElement, Select, and_, case, false, func, select
from sqlalchemy.orm import Session

from cadres.case import Case, Cases, id_of, open_to
from core import clock
from core.accounts import Account
from core.rights import is_cadre, within

PAGE = 50
COUNT_TO = 9_999  # a count above it is shown as «9999+»
SOON = timedelta(hours=24)
READ_THROUGH = 1_000  # newest cases whose words a search reads
FOUND = 50
BROAD = 4  # digits: such a place has so many cases that a list of all walks by number
LEAST_WORD = 2


class Folder(StrEnum):
    """The lists of the desk, in their order."""

    OPEN = "open"
    MINE = "mine"
    UNCLAIMED = "unclaimed"
    URGENT = "urgent"
    SOON = "soon"
    OVERDUE = "overdue"
    CALLED = "called"  # climbed or called up to this level
    ALL = "all"


@dataclass(frozen=True)
class Found:
    """What a search found; ``partial``: older words were not read."""

    cases: list[Case]
    partial: bool


class Inbox:
    """Every method works inside the caller's transaction and sees one account's jurisdiction."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases

    def page(self, session: Session, account: Account, folder: Folder, page: int = 0) -> list[Case]:
        """One page of a folder: urgent first, then what is due first; of all cases the newest first."""
        if folder is Folder.ALL:
            ids = _all(account).with_only_columns(Case.id).order_by(Case.id.desc())
        else:
            ids = _in(account, folder).with_only_columns(Case.id).order_by(Case.urgency != "urgent", Case.due_at, Case.id)
        found = list(session.scalars(ids.limit(PAGE).offset(page * PAGE)))
        rows = {row.id: row for row in session.scalars(select(Case).where(Case.id.in_(found)))}
        return [rows[one] for one in found]

    def ids(self, session: Session, account: Account, folder: Folder, limit: int) -> list[int]:
        """The first cases of a folder, for a deed upon all of them."""
        wanted = _all(account) if folder is Folder.ALL else _in(account, folder)
        return list(session.scalars(wanted.with_only_columns(Case.id).order_by(Case.id).limit(limit)))

    def counts(self, session: Session, account: Account) -> dict[Folder, int]:
        """How many cases each folder holds; of all of them at most ``COUNT_TO`` + 1 are counted."""
        conditions = [_holds(account, folder) for folder in _COUNTED]
        sums = [func.coalesce(func.sum(case((condition, 1), else_=0)), 0) for condition in conditions]
        row = session.execute(_open(account).with_only_columns(func.count(), *sums)).one()
        some = _all(account).with_only_columns(Case.id).limit(COUNT_TO + 1).subquery()
        everything = session.scalar(select(func.count()).select_from(some)) or 0
        counted = dict(zip(_COUNTED, (int(value) for value in row[1:]), strict=True))
        return {Folder.OPEN: int(row[0]), **counted, Folder.ALL: int(everything)}

    def incoming(self, session: Session, account: Account) -> list[Case]:
        """Cases that another place wants to hand over to this one."""
        waiting = select(Case).where(within(account, Case.transfer_to), ~within(account, Case.region), open_to(account))
        return list(session.scalars(waiting.order_by(Case.id).limit(PAGE)))

    def search(self, session: Session, account: Account, typed: str) -> Found:
        """Cases by number, phone, the household's name, or words of the newest ones."""
        typed = typed.strip()
        case_id, phone = id_of(typed), _phone(typed)
        if case_id is not None:
            return Found(self._by(session, account, Case.id == case_id), partial=False)
        if phone:
            return Found(self._by(session, account, Case.contact_hash == self._cases.phone_key(phone)), partial=False)
        if len(typed) < LEAST_WORD:
            return Found([], partial=False)
        named = self._by(session, account, Case.name_hash == self._cases.name_key(typed))
        said, partial = self._with_words(session, account, typed)
        there = {one.id for one in named}
        return Found([*named, *(one for one in said if one.id not in there)][:FOUND], partial)

    def _by(self, session: Session, account: Account, condition: ColumnElement[bool]) -> list[Case]:
        found = select(Case).where(condition, within(account, Case.region), open_to(account))
        return list(session.scalars(found.order_by(Case.id.desc()).limit(FOUND)))

    def _with_words(self, session: Session, account: Account, words: str) -> tuple[list[Case], bool]:
        """Case files are sealed, so their words cannot be indexed without giving them away: the newest ones are read."""
        # ids first, out of the index: together with the sealed files SQLite would sort all the files of the place
        newest = list(session.scalars(_all(account).with_only_columns(Case.id).order_by(Case.id.desc()).limit(READ_THROUGH)))
        files = select(Case.id, Case.details).where(Case.id.in_(newest)).order_by(Case.id.desc())
        rows = session.execute(files).all()
        hits = [row.id for row in rows if words in " ".join(vars(self._cases.details_of(row.details)).values())][:FOUND]
        found = session.scalars(select(Case).where(Case.id.in_(hits)).order_by(Case.id.desc()))
        return list(found), len(rows) == READ_THROUGH


_COUNTED = (Folder.MINE, Folder.UNCLAIMED, Folder.URGENT, Folder.SOON, Folder.OVERDUE, Folder.CALLED)


def _open(account: Account) -> Select[Case]:
    return select(Case).where(Case.closed_at.is_(None), within(account, Case.region), open_to(account))


def _in(account: Account, folder: Folder) -> Select[Case]:
    rows = _open(account)
    return rows if folder is Folder.OPEN else rows.where(_holds(account, folder))


def _all(account: Account) -> Select[Case]:
    if is_cadre(account) and 0 < len(account.region) <= BROAD:
        # no range here: the index by place would be sorted as a whole to find the newest
        return select(Case).where(func.substr(Case.region, 1, len(account.region)) == account.region, open_to(account))
    return select(Case).where(within(account, Case.region), open_to(account))


def _holds(account: Account, folder: Folder) -> ColumnElement[bool]:
    """What makes an open case belong to a folder."""
    now = clock.now()
    conditions = {
        Folder.MINE: Case.assignee_id == account.id,
        Folder.UNCLAIMED: Case.assignee_id.is_(None),
        Folder.URGENT: Case.urgency == "urgent",
        Folder.SOON: _runs(Case.due_at >= now, Case.due_at < now + SOON),
        Folder.OVERDUE: _runs(Case.due_at < now),
        Folder.CALLED: Case.reach <= len(account.region) if len(account.region) < 12 else false(),
    }
    return conditions[folder]


def _runs(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(Case.paused_at.is_(None), *conditions)


def _phone(typed: str) -> str:
    """A phone number as it is stored (E.164); empty for what is none."""
    if not re.fullmatch(r"[\d\s+()-]{7,20}", typed):
        return ""
    try:
        number = phonenumbers.parse(typed, "CN")
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def due_words(case_: Case, now: datetime) -> tuple[str, str]:
    """The deadline's badge: what it says, and how it looks (late, soon, calm, paused, over)."""
    if case_.closed_at is not None or case_.due_at is None:
        return "", "over"
    if case_.paused_at is not None:
        return f"暂停：{case_.pause_reason}", "paused"
    left, about = case_.due_at - now, "（暂定）" if case_.provisional else ""
    if left < timedelta(0):
        return f"超期{_much(-left)}", "late"
    return f"还有{_much(left)}{about}", "soon" if left < SOON else "calm"


def _much(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    return f"{hours}小时" if hours < 48 else f"{hours // 24}天"


def last_day(moment: datetime) -> str:
    """A deadline as a day: midnight belongs to the day before it."""
    day = (moment - timedelta(seconds=1)).astimezone(clock.CHINA)
    return f"{day.month}月{day.day}日"
