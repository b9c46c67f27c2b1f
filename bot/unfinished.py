"""Reports that were begun and left: after a day the cadres of the place see them, and may take them up as they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from bot.records import Conversation
from bot.report import NOTICE, Draft
from cadres.case import Case, Cases, Details
from core import clock
from core.accounts import Account
from core.crypto import Vault
from core.rights import within

AFTER = timedelta(hours=24)


@dataclass(frozen=True)
class UnfinishedReport:
    """A draft that says where and what, and was not touched for a day. ``key`` names its conversation, opaquely."""

    key: str
    region: str
    draft: Draft
    since: datetime


class UnfinishedReports:
    """What was left unfinished. Every method works inside the caller's transaction, and sees one account's jurisdiction."""

    def __init__(self, vault: Vault, cases: Cases) -> None:
        self._vault, self._cases = vault, cases

    def visible(self, session: Session, account: Account) -> list[UnfinishedReport]:
        """Those of an account's jurisdiction, oldest first."""
        rows = session.scalars(_left(account).order_by(Conversation.draft_at))
        return [UnfinishedReport(row.key, row.draft_region or "", self._draft(row), row.draft_at or clock.now()) for row in rows]

    def take_up(self, session: Session, account: Account, key: str) -> Case | None:
        """Make an unfinished report a case as it is; None when it was finished, dropped or taken up meanwhile."""
        row = session.scalars(_left(account).where(Conversation.key == key).with_for_update()).first()
        if row is None:
            return None
        draft = self._draft(row)
        details = Details(draft.event, draft.place, draft.contact, whom=draft.whom)
        case = self._cases.open(session, key, draft.region, details, [("villager", text) for text in draft.said], notice=NOTICE)
        row.draft, row.draft_region, row.draft_at = None, None, None
        return case

    def _draft(self, row: Conversation) -> Draft:
        assert row.draft is not None
        return Draft.from_json(self._vault.unseal_json(row.draft))


def _left(account: Account) -> Select[Conversation]:
    return select(Conversation).where(
        within(account, Conversation.draft_region),
        Conversation.draft_at < clock.now() - AFTER,
        Conversation.draft.is_not(None),
    )
