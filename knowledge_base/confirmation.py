"""That the county has checked a sheet's criteria: until then its pre-check asks nobody anything.

Rows are only ever added: who confirmed or withdrew what, and when, stays to be seen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.database import Base
from core.errors import MingbaiError
from knowledge_base.criteria import Criteria
from knowledge_base.precheck import PreCheck

MOST = 1_000_000  # no figure of a policy for one household is larger


class BadFigure(MingbaiError):
    """请填一个整数。"""


class Confirmation(Base):
    """``figures``: JSON of the county's figures. ``digest``: of the criteria as they were. ``by``: a name, for the page."""

    __tablename__ = "precheck_confirmations"
    id: Mapped[int] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(6))
    sheet: Mapped[str] = mapped_column(String(40))
    year: Mapped[int]
    digest: Mapped[str] = mapped_column(String(16))
    figures: Mapped[str] = mapped_column(String(400))
    standing: Mapped[bool]
    by: Mapped[str] = mapped_column(String(60))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), default=None)
    at: Mapped[datetime]


def confirm(
    session: Session, sheet: str, region: str, criteria: Criteria, figures: Mapping[str, int], *, by: str,
    account_id: int | None = None,
) -> Confirmation:  # fmt: skip
    """The county has checked the criteria and gives its figures. Raises BadFigure."""
    for figure in criteria.figures:
        if not 0 < figures.get(figure.id, 0) <= MOST:
            raise BadFigure(f"请填「{figure.name}」（{figure.unit}），1到{MOST}之间的整数。")
    kept = json.dumps({figure.id: figures[figure.id] for figure in criteria.figures})
    return _add(session, sheet, region, criteria, kept, standing=True, by=by, account_id=account_id)


def withdraw(session: Session, sheet: str, region: str, criteria: Criteria, *, by: str, account_id: int) -> Confirmation:
    """The pre-check is off again."""
    return _add(session, sheet, region, criteria, "{}", standing=False, by=by, account_id=account_id)


def latest(session: Session, sheet: str, region: str) -> Confirmation | None:
    """The last thing that was said about a sheet's criteria."""
    return session.scalars(
        select(Confirmation)
        .where(Confirmation.sheet == sheet, Confirmation.region == region)
        .order_by(Confirmation.id.desc())
        .limit(1)
    ).first()


def confirmed_precheck(session: Session, sheet: str, region: str, criteria: Criteria | None) -> PreCheck | None:
    """The pre-check of a sheet, if the county has confirmed the criteria as they are now, year and wording; else None."""
    if criteria is None:
        return None
    row = latest(session, sheet, region)
    if row is None or not row.standing or (row.year, row.digest) != (criteria.year, criteria.digest):
        return None
    return PreCheck(criteria, json.loads(row.figures))


def _add(
    session: Session, sheet: str, region: str, criteria: Criteria, figures: str, *, standing: bool, by: str,
    account_id: int | None,
) -> Confirmation:  # fmt: skip
    row = Confirmation(
        sheet=sheet, region=region, year=criteria.year, digest=criteria.digest, figures=figures, standing=standing, by=by[:60],
        account_id=account_id, at=clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row
