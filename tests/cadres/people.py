"""Cadres and a clock for tests of what waits for a person."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from sqlalchemy.orm import Session

from core.accounts import Account
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, 8, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, minutes: float) -> None:
        self.time += timedelta(minutes=minutes)


def cadre(session: Session, region: str, name: str = "莫志明", role: str = "") -> Account:
    """An account of a place, with the place's own role."""
    roles = {6: "county", 9: "town", 12: "village"}
    made = Account(username=f"{name}{region}{role}", name=name, role=role or roles[len(region)], region=region, password_hash="x")
    session.add(made)
    session.flush()
    return made


def staff(session: Session) -> dict[str, Account]:
    """One cadre on each level, one in another village, and an editor of the county."""
    return {
        "village": cadre(session, VILLAGE), "town": cadre(session, TOWN), "county": cadre(session, COUNTY),
        "other": cadre(session, OTHER_VILLAGE), "editor": cadre(session, COUNTY, role="editor"),
    }  # fmt: skip
