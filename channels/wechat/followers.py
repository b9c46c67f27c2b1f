"""What we know of a follower: the village whose code they scanned, when they last wrote, how much we sent since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from channels.wechat.settings import CHANNEL
from core import clock
from core.database import Base, Database
from core.outbox import Outbox


class FollowerRow(Base):
    """One follower. ``sent`` counts customer-service messages since ``heard_at``; ``gone``: they follow no more."""

    __tablename__ = "wechat_followers"
    conversation: Mapped[str] = mapped_column(String(40), primary_key=True)
    village: Mapped[str | None] = mapped_column(String(12), default=None)
    heard_at: Mapped[datetime | None] = mapped_column(default=None)
    sent: Mapped[int] = mapped_column(default=0)
    gone: Mapped[bool] = mapped_column(default=False)


@dataclass(frozen=True)
class Follower:
    """A follower as the channel needs them."""

    village: str | None = None
    heard_at: datetime | None = None
    sent: int = 0
    gone: bool = False


class Followers:
    """The followers of the account."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database, self._outbox = database, outbox

    def of(self, openid: str) -> Follower:
        columns = select(FollowerRow.village, FollowerRow.heard_at, FollowerRow.sent, FollowerRow.gone)
        with self._database.statement(writes=False) as connection:
            row = connection.execute(columns.where(FollowerRow.conversation == self._key(openid))).one_or_none()
        return Follower() if row is None else Follower(*row)

    def heard(self, openid: str) -> None:
        """They wrote: the window and its count begin anew."""
        self._set(openid, heard_at=clock.now(), sent=0, gone=False)

    def came(self, openid: str, village: str | None) -> None:
        """They follow, or scanned a code, perhaps of another village than before."""
        self._set(openid, gone=False, **({"village": village} if village else {}))

    def went(self, openid: str) -> None:
        self._set(openid, gone=True)

    def was_sent(self, openid: str) -> None:
        with self._database.statement(writes=True) as connection:
            row = update(FollowerRow).where(FollowerRow.conversation == self._key(openid))
            connection.execute(row.values(sent=FollowerRow.sent + 1))

    def _key(self, openid: str) -> str:
        return self._outbox.recipient(CHANNEL, openid)

    def _set(self, openid: str, **values: object) -> None:
        with self._database.statement(writes=True) as connection:
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            row = {"sent": 0, "gone": False, **values}
            new = dialect.insert(FollowerRow).values(conversation=self._key(openid), **row)
            connection.execute(new.on_conflict_do_update(index_elements=["conversation"], set_=values))
