"""Who may do what, and where: roles, the place tree, and the few things that only named people may see."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ColumnElement, and_, false
from sqlalchemy.orm import InstrumentedAttribute

from core.accounts import EDITOR, Account

CADRES = ("grid", "village", "town", "county")  # the roles that work with villagers
DEPARTMENT, OUTREACH, AUDITOR, ADMIN = "department", "outreach", "audit", "admin"
ROLES = {
    "grid": "网格员", "village": "村级信息员", "town": "乡镇", "county": "县级", DEPARTMENT: "部门", EDITOR: "编辑",
    OUTREACH: "宣传", AUDITOR: "审计", ADMIN: "管理员",
}  # fmt: skip
UNITS = {"civil": "民政", "health": "医保", "education": "教育", "housing": "住建", "water": "水利"}
SECOND_FACTOR_ROLES = ("county", AUDITOR, ADMIN)  # who sees or opens up a whole county logs in with a code as well
LEVEL_OF = {"grid": 12, "village": 12, "town": 9, "county": 6}  # digits of the place that a role works for
Column = InstrumentedAttribute[str] | InstrumentedAttribute[str | None]


class Right(StrEnum):
    """Something that a role may do within its place."""

    WORK_CASES = "work_cases"
    SUPERVISE = "supervise"  # assign, transfer, read the ledger and the dashboard of a place
    ANSWER_REFERRALS = "answer_referrals"
    WARN = "warn"
    KEEP_SHEETS = "keep_sheets"
    BROADCAST = "broadcast"
    READ_AUDIT = "read_audit"
    KEEP_ACCOUNTS = "keep_accounts"


_RIGHTS: dict[str, frozenset[Right]] = {
    "grid": frozenset({Right.WORK_CASES}),
    "village": frozenset({Right.WORK_CASES, Right.SUPERVISE}),
    "town": frozenset({Right.WORK_CASES, Right.SUPERVISE}),
    "county": frozenset({Right.WORK_CASES, Right.SUPERVISE}),
    DEPARTMENT: frozenset({Right.ANSWER_REFERRALS, Right.WARN}),
    EDITOR: frozenset({Right.KEEP_SHEETS}),
    OUTREACH: frozenset({Right.BROADCAST}),
    AUDITOR: frozenset({Right.READ_AUDIT}),
    ADMIN: frozenset({Right.KEEP_ACCOUNTS}),
}


def may(account: Account, right: Right) -> bool:
    return right in _RIGHTS.get(account.role, frozenset())


def is_cadre(account: Account) -> bool:
    """Whether somebody works with villagers: nobody else sees a case, a talk or a complaint."""
    return may(account, Right.WORK_CASES)


def covers(account: Account, code: str) -> bool:
    """Whether a place lies in an account's own, whatever its role; an account without a place covers none."""
    return bool(account.region) and code.startswith(account.region)


def is_within(account: Account, code: str) -> bool:
    """Whether a place lies in a cadre's jurisdiction."""
    return is_cadre(account) and covers(account, code)


def below(column: Column, code: str) -> ColumnElement[bool]:
    """The condition that a place is ``code`` or lies below it, as a range that an index serves on either database."""
    after = str(int(code) + 1) if code.isascii() and code.isdigit() else ""
    if len(after) != len(code):  # no division code, or all nines
        return false() if not code else column.startswith(code, autoescape=True)
    return and_(column >= code, column < after)


def within(account: Account, column: Column) -> ColumnElement[bool]:
    """The condition that a place lies in an account's jurisdiction. For those who are no cadres nothing does."""
    return below(column, account.region) if is_cadre(account) else false()
