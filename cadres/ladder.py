"""Who is asked first, and who after them: from a village over its township up to the county.

What waits for a person has a ``region``, where it belongs, and a ``reach``: the code of the highest place whose people
have been asked so far. Rights do not change with it: whoever may see the region may act at any time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from core.accounts import Account
from core.rights import CADRES, Column, within

_LEVELS = (12, 9, 6)  # digits of a village's, township's, county's code


@dataclass(frozen=True)
class Word:
    """Something to tell a villager: the name of a text and what is filled in. ``region`` decides whom to call."""

    conversation: str
    name: str
    region: str
    values: dict[str, str] = field(default_factory=dict)


def ladder(session: Session, region: str, *, named: bool = False) -> list[str]:
    """The places from a region up to its county that have a cadre, lowest first. ``named``: only people for violence count."""
    above = [region[:digits] for digits in _LEVELS if digits <= len(region)]
    staffed = select(Account.region).where(Account.region.in_(above), *_at_work(named)).distinct()
    found = set(session.scalars(staffed))
    return [code for code in above if code in found]


def next_above(session: Session, region: str, reach: str, *, named: bool = False) -> str | None:
    """The next place to ask after ``reach``, or None at the top."""
    return next((code for code in ladder(session, region, named=named) if len(code) < len(reach)), None)


def people_of(session: Session, code: str, *, named: bool = False) -> list[Account]:
    """The cadres of one place, not of those below."""
    return list(session.scalars(select(Account).where(Account.region == code, *_at_work(named)).order_by(Account.id)))


def _at_work(named: bool) -> list[ColumnElement[bool]]:
    return [Account.role.in_(CADRES), Account.active.is_(True), *([Account.named.is_(True)] if named else [])]


def asked(account: Account, region: Column, reach: Column) -> ColumnElement[bool]:
    """The condition that something in an account's jurisdiction has come up to the account's level."""
    return within(account, region) & (func.length(reach) <= len(account.region))
