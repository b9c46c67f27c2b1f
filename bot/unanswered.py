"""Declined questions for the editor: grouped by meaning, without names, places and numbers, settled one group at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from bot.records import Unanswered
from core import clock
from core.accounts import Account
from core.crypto import Vault
from core.database import Database
from core.errors import MingbaiError
from core.regions import Regions
from knowledge_base.encoder import Encoder
from knowledge_base.grouping import groups
from knowledge_base.scrub import Scrubbed, scrub
from knowledge_base.text import has_words, normalise

LOOKED_AT = 400  # newest questions at a time: 4 ms each to encode, once
OUTCOMES = {"asked": "加成问法", "draft": "写新纸", "golden": "加进金标问题", "dismissed": "不用管"}


class NothingToSettle(MingbaiError):
    """这些问题已经处理过了。"""


@dataclass(frozen=True)
class Group:
    """Questions that mean the same. ``ids`` of its rows, ``said`` its different wordings, the most central one first."""

    ids: list[int]
    said: list[Scrubbed]
    places: list[tuple[str, int]]
    nearest: str  # the sheet that search found nearest most often, or empty
    newest: datetime

    @property
    def count(self) -> int:
        return len(self.ids)


class DeclinedQuestions:
    """The table ``unanswered`` as editors see it."""

    def __init__(self, database: Database, vault: Vault, regions: Regions, county: str, encoder: Encoder) -> None:
        self._database, self._vault, self._regions, self._county = database, vault, regions, county
        self._vector = lru_cache(5000)(lambda text: encoder.question(normalise(text)))

    def groups(self, account: Account, centre: np.ndarray) -> list[Group]:
        """The open questions of an editor's place. ``centre``: the mean vector of many questions."""
        with self._database.read() as session:
            rows = list(session.scalars(_open(account).order_by(Unanswered.id.desc()).limit(LOOKED_AT)))
        questions = [(row, self._vault.unseal(row.question)) for row in rows]
        texts = list(dict.fromkeys(text for _, text in questions if has_words(text)))
        if not texts:
            return []
        rows_of = {text: [row for row, said in questions if said == text] for text in texts}
        found = groups(np.stack([self._vector(text) for text in texts]), centre)
        made = [self._group([texts[place] for place in members], rows_of) for members in found]
        return sorted(made, key=lambda group: (-group.count, -group.newest.timestamp()))

    def one(self, account: Account, ids: Iterable[int]) -> Group:
        """The group of some open rows again. Raises NothingToSettle."""
        with self._database.read() as session:
            rows = list(session.scalars(_open(account).where(Unanswered.id.in_(list(ids)))))
        if not rows:
            raise NothingToSettle
        questions = [(row, self._vault.unseal(row.question)) for row in rows]
        return self._group(list(dict.fromkeys(text for _, text in questions)), {
            text: [row for row, said in questions if said == text] for _, text in questions
        })  # fmt: skip

    def _group(self, texts: list[str], rows_of: dict[str, list[Unanswered]]) -> Group:
        rows = [row for text in texts for row in rows_of[text]]
        said = {scrubbed.text: scrubbed for text in texts for scrubbed in [scrub(text, self._regions, self._county)]}
        near = Counter(row.nearest.partition(" ")[0] for row in rows if row.nearest)
        places = Counter(self._town(row.region) for row in rows)
        return Group(
            [row.id for row in rows], list(said.values()), places.most_common(), near.most_common(1)[0][0] if near else "",
            max(row.at for row in rows),
        )  # fmt: skip

    def _town(self, region: str) -> str:
        """The township: the village would say more than an editor needs."""
        return self._regions.spoken(region[:9]) or self._regions.spoken(region[:6]) or "地方不明"


def settle(session: Session, account: Account, ids: Iterable[int], outcome: str) -> None:
    """Put questions away as dealt with. Raises NothingToSettle when somebody did before."""
    mine = select(_open(account).where(Unanswered.id.in_(list(ids))).subquery().c.id)
    done = session.execute(
        update(Unanswered)
        .where(Unanswered.id.in_(mine))
        .values(settled_at=clock.now(), settled_by=account.id, settled_as=outcome)
        .execution_options(synchronize_session=False)
    )
    if not done.rowcount:  # type: ignore[attr-defined]
        raise NothingToSettle


def _open(account: Account) -> Select[Unanswered]:
    mine = Unanswered.region.startswith(account.region[:6], autoescape=True) if account.is_editor else Unanswered.id < 0
    return select(Unanswered).where(Unanswered.settled_at.is_(None), mine)
