"""What each cadre is told once a day: how many cases of theirs come due, are overdue, wait for somebody. Numbers only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from cadres.inbox import Folder, Inbox
from core import clock
from core.accounts import Account
from core.county import CountySetting
from core.rights import CADRES

FROM_HOUR = 8  # in China: nobody is woken by a count
_DAY = "digest_day"


@dataclass(frozen=True)
class Digest:
    """One person's numbers of a day; ``key`` is the same however often it is made."""

    key: str
    account: Account
    soon: int
    overdue: int
    unclaimed: int
    called: int


def digests(session: Session, inbox: Inbox) -> Iterator[Digest]:
    """The day's digests, once a day from eight in the morning; nothing for who has nothing to do, or has no phone."""
    local = clock.now().astimezone(clock.CHINA)
    day = local.date().isoformat()
    done = session.get(CountySetting, _DAY, with_for_update=True)
    if local.hour < FROM_HOUR or (done is not None and done.value == day):
        return
    at_work = select(Account).where(Account.role.in_(CADRES), Account.active.is_(True), Account.phone.is_not(None))
    for account in session.scalars(at_work.order_by(Account.id)).all():
        counts = inbox.counts(session, account)
        numbers = [counts[folder] for folder in (Folder.SOON, Folder.OVERDUE, Folder.UNCLAIMED, Folder.CALLED)]
        if any(numbers):
            yield Digest(f"digest:{account.id}:{day}", account, *numbers)
    session.merge(CountySetting(key=_DAY, value=day))
