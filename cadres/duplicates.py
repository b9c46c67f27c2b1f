"""Other reports that may be of the same household. They are proposed to a cadre; nothing is merged by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from sqlalchemy import case as sql_case
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cadres.case import OPEN, Case, Cases, open_to
from core import clock
from core.accounts import Account
from core.rights import within

WITHIN = timedelta(days=180)
LIKE_FROM = 0.35  # shared pairs of characters, of all pairs of the shorter text
LOOK_AT = 60  # newest reports of the village that are compared
SHOW = 5


@dataclass(frozen=True)
class Likely:
    """A case that may be of the same household, and why we think so."""

    case: Case
    same_phone: bool


def likely_duplicates(session: Session, cases: Cases, account: Account, case: Case) -> list[Likely]:
    """Cases in the account's jurisdiction with the same phone, or of the same village with a similar story, newest first."""
    same_phone = Case.contact_hash == case.contact_hash if case.contact_hash else None
    same_village = Case.region == case.region if len(case.region) == 12 else None
    reasons = [reason for reason in (same_phone, same_village) if reason is not None]
    if not reasons:
        return []
    rows = session.scalars(
        select(Case)
        .where(
            or_(*reasons), Case.id != case.id, within(account, Case.region), open_to(account), Case.state.in_(OPEN),
            Case.created_at > clock.now() - WITHIN,
        )
        .order_by(sql_case((Case.contact_hash == case.contact_hash, 0), else_=1), Case.id.desc())
        .limit(LOOK_AT)
    )  # fmt: skip
    story = _pairs(cases.details(case).event)
    found = []
    for other in rows:
        phone = case.contact_hash is not None and other.contact_hash == case.contact_hash
        if phone or _likeness(story, _pairs(cases.details(other).event)) >= LIKE_FROM:
            found.append(Likely(other, phone))
    return found[:SHOW]


def _pairs(text: str) -> set[str]:
    kept = [char for char in text if char.isalnum()]
    return {"".join(pair) for pair in pairwise(kept)}


def _likeness(one: set[str], other: set[str]) -> float:
    shorter = min(len(one), len(other))
    return len(one & other) / shorter if shorter >= 4 else 0.0
