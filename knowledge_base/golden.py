"""Golden questions: what villagers ask, and the section that must answer it. Run before a publication, old against new."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import yaml
from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.accounts import Account
from core.database import Base
from core.errors import MingbaiError
from knowledge_base.search import Searcher
from knowledge_base.sheet import Sheet
from knowledge_base.text import clean, has_words
from knowledge_base.view import WHOLE_REGION

SEED = Path(__file__).parent / "golden.yml"
QUESTION_LIMIT = 120


class BadQuestion(MingbaiError):
    """问题是空的，或者太长了（最多120个字）。"""


class KnownQuestion(MingbaiError):
    """这句已经在金标问题里了。"""


class NoSuchSection(MingbaiError):
    """没有这一节。"""


class GoldenQuestion(Base):
    """One question, and the ``section`` of the ``sheet`` that must answer it in a ``region``."""

    __tablename__ = "golden_questions"
    __table_args__ = (UniqueConstraint("question", "region"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    question: Mapped[str] = mapped_column(String(QUESTION_LIMIT))
    region: Mapped[str] = mapped_column(String(6))
    sheet: Mapped[str] = mapped_column(String(40))
    section: Mapped[str] = mapped_column(String(60))
    added_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), default=None)  # None: came with the software
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None] = mapped_column(default=None)


@dataclass(frozen=True)
class Reached:
    """What an index answers: the section, and the words said first. ``name`` is empty where it declines."""

    name: str = ""
    title: str = ""
    short: str = ""


@dataclass(frozen=True)
class Change:
    """A golden question whose answer changes. ``verdict``: worse | better | other | worded (same section, other words)."""

    question: str
    wanted: str
    before: Reached
    after: Reached
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """The changes, those for the worse first; and how many of ``asked`` reach their section before and after."""

    changes: list[Change]
    asked: int
    right_before: int
    right_after: int


def questions(session: Session) -> list[GoldenQuestion]:
    """Those that count, in order of sheet."""
    rows = select(GoldenQuestion).where(GoldenQuestion.removed_at.is_(None))
    return list(session.scalars(rows.order_by(GoldenQuestion.sheet, GoldenQuestion.section, GoldenQuestion.id)))


def add(session: Session, account: Account, question: str, target: tuple[str, str], sheets: Iterable[Sheet]) -> None:
    """Add a question for the editor's own county. ``target``: sheet and section key.

    Raises BadQuestion, KnownQuestion, NoSuchSection.
    """
    said = clean(question, QUESTION_LIMIT + 1)
    if not has_words(said) or len(said) > QUESTION_LIMIT:
        raise BadQuestion
    sheet, section = target
    if not any(known.id == sheet and known.section(section) for known in sheets):
        raise NoSuchSection
    region = account.region[:6]
    row = session.scalars(select(GoldenQuestion).where(GoldenQuestion.question == said, GoldenQuestion.region == region)).first()
    if row is None:
        row = GoldenQuestion(question=said, region=region)
        session.add(row)
    elif row.removed_at is None:
        raise KnownQuestion
    row.sheet, row.section, row.added_by = sheet, section, account.id
    row.added_at, row.removed_at = clock.now(), None


def remove(session: Session, account: Account, question_id: int) -> None:
    """Take a question out; the row stays, so that an upgrade does not bring it back. Raises NoSuchSection."""
    row = session.get(GoldenQuestion, question_id)
    if row is None or not account.is_editor or not (row.region == WHOLE_REGION or row.region.startswith(account.region)):
        raise NoSuchSection
    row.removed_at = clock.now()


def seed_questions(session: Session) -> int:
    """Add the questions that come with the software and are not known here yet; says how many."""
    known = set(session.scalars(select(GoldenQuestion.question).where(GoldenQuestion.region == WHOLE_REGION)))
    wanted: dict[str, list[str]] = yaml.safe_load(SEED.read_text("utf-8"))
    fresh = [(said, name) for name, said_all in wanted.items() for said in said_all if said not in known]
    for said, name in fresh:
        sheet, _, section = name.partition("#")
        session.add(GoldenQuestion(question=said, region=WHOLE_REGION, sheet=sheet, section=section, added_at=clock.now()))
    return len(fresh)


def reached(searcher: Searcher, question: str, region: str, day: date, answer_from: float) -> Reached:
    """What an index answers to a question; nothing where it is less sure than ``answer_from``."""
    result = searcher.search(question, region=region, day=day)
    if not result.hits or result.confidence < answer_from or result.missing:
        return Reached()
    best = result.hits[0]
    return Reached(f"{best.sheet}#{best.key}", f"《{best.sheet_title}》{best.title}", best.short)


def compare(
    golden: list[GoldenQuestion], old: Searcher, new: Searcher, *, county: str, day: date, answer_from: float,
    progress: Callable[[int], None] | None = None,
) -> Comparison:  # fmt: skip
    """Ask both indexes every question, a county-wide one as a villager of ``county``."""
    changes, right_before, right_after = [], 0, 0
    for done, row in enumerate(golden, 1):
        wanted = f"{row.sheet}#{row.section}"
        place = county if row.region == WHOLE_REGION else row.region
        before = reached(old, row.question, place, day, answer_from)
        after = reached(new, row.question, place, day, answer_from)
        right_before += before.name == wanted
        right_after += after.name == wanted
        if before != after:
            changes.append(Change(row.question, wanted, before, after, _verdict(wanted, before, after)))
        if progress is not None:
            progress(done)
    order = ("worse", "other", "better", "worded")
    return Comparison(sorted(changes, key=lambda c: order.index(c.verdict)), len(golden), right_before, right_after)


def _verdict(wanted: str, before: Reached, after: Reached) -> str:
    if before.name == after.name:
        return "worded"
    if wanted in (before.name, after.name):
        return "worse" if before.name == wanted else "better"
    return "other"
