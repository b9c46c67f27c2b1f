"""Deadlines that come near or pass: a reminder before, an alert after, then one level up at a time until the county."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cadres.case import Case, Cases
from core import clock

AT_ONCE = 500  # cases a round; the rest are due in the next
COUNTY = 6  # digits


class Deadlines:
    """Goes through what is due. It works inside the caller's transaction."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases

    def sweep(self, session: Session) -> int:
        """Warn of every case that is due for it, and say of how many. A paused case is not due."""
        due = (
            select(Case)
            .where(Case.next_warning_at <= clock.now(), Case.closed_at.is_(None), Case.paused_at.is_(None))
            .order_by(Case.next_warning_at)
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        found = session.scalars(due).all()
        for case in found:
            self._warn(session, case)
        return len(found)

    def _warn(self, session: Session, case: Case) -> None:
        now, climb = clock.now(), self._cases.plan.climb
        assert case.due_at is not None
        if now < case.due_at:
            self._cases.note(session, case, None, "remind")
            case.next_warning_at, case.warnings = case.due_at, 1
        elif case.warnings < 2:
            self._cases.note(session, case, None, "overdue")
            case.next_warning_at, case.warnings = now + climb, 2
        elif case.reach > COUNTY:
            case.reach = 9 if case.reach > 9 else COUNTY
            self._cases.note(session, case, None, "climb", body={"reach": str(case.reach)})
            case.next_warning_at, case.warnings = now + climb if case.reach > COUNTY else None, case.warnings + 1
        else:
            case.next_warning_at = None


def overdue_for(case: Case, now: datetime) -> timedelta | None:
    """How long a case has been overdue, or None."""
    return now - case.due_at if case.due_at is not None and case.paused_at is None and now > case.due_at else None
