"""A trial of an edition: the index as it would be with it, and which golden answers that would change. Kept in the
database, so that any process of the service can show it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.database import Base
from core.errors import MingbaiError
from knowledge_base.golden import Change, Comparison, Reached

SILENT_FOR = timedelta(minutes=2)  # a trial that has not moved for so long died with its process


class TrialNeeded(MingbaiError):
    """请先试跑金标问题，看哪些回答会变，再发布。"""


class Trial(Base):
    """``fingerprint`` says which index was tried; a trial of another index than today's says nothing."""

    __tablename__ = "edition_trials"
    id: Mapped[int] = mapped_column(primary_key=True)
    edition_id: Mapped[int] = mapped_column(ForeignKey("sheet_editions.id"), index=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(8))  # running | done | failed
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    result: Mapped[str] = mapped_column(Text, default="")
    moved_at: Mapped[datetime]

    @property
    def runs(self) -> bool:
        return self.state == "running" and clock.now() - self.moved_at < SILENT_FOR

    @property
    def comparison(self) -> Comparison:
        """What came of it, once done."""
        stored = json.loads(self.result)
        changes = [
            Change(row["question"], row["wanted"], Reached(**row["before"]), Reached(**row["after"]), row["verdict"])
            for row in stored["changes"]
        ]
        return Comparison(changes, stored["asked"], stored["right_before"], stored["right_after"])


def newest_trial(session: Session, edition_id: int) -> Trial | None:
    return session.scalars(select(Trial).where(Trial.edition_id == edition_id).order_by(Trial.id.desc()).limit(1)).first()


def open_trial(session: Session, edition_id: int, fingerprint: str, total: int) -> Trial:
    trial = Trial(edition_id=edition_id, fingerprint=fingerprint, state="running", total=total, moved_at=clock.now())
    session.add(trial)
    session.flush()
    return trial


def move(session: Session, trial_id: int, done: int) -> None:
    trial = session.get_one(Trial, trial_id)
    trial.done, trial.moved_at = done, clock.now()


def close_trial(session: Session, trial_id: int, comparison: Comparison | None) -> None:
    """Done with what came of it, or failed."""
    trial = session.get_one(Trial, trial_id)
    trial.state, trial.moved_at = ("failed" if comparison is None else "done"), clock.now()
    if comparison is not None:
        trial.done, trial.result = trial.total, json.dumps(asdict(comparison), ensure_ascii=False)
