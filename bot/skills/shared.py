"""What all skills share: the county's means, and what a conversation is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.records import Conversation
from bot.report import Draft
from bot.texts import Texts
from cadres.alert import Alerts
from cadres.case import STATES, Case, Cases
from cadres.complaint import Complaints
from cadres.handoff import Handoff, Handoffs
from channels.message import CaseView
from core import clock
from core.county import County, contacts_for
from core.crypto import Vault
from core.database import Database
from core.regions import Regions
from knowledge_base.search import Searcher

HOTLINE = "12345"
PASSED_ON = "已转给村里"


@dataclass(frozen=True)
class Known:
    """What a conversation is about: the open report, or one just filed; the village it has named, the last question, an
    open pre-check; and whether it is ``waiting`` for a person or ``held`` by one."""

    draft: Draft | None = None
    filed: Draft | None = None  # its further questions are open
    region: str | None = None
    last: str = ""
    checking: bool = False
    talk: str | None = None


@dataclass(frozen=True)
class Shared:
    """What the skills of one county's assistant work with. ``searcher`` gives the index that is open now.

    ``consent`` is told who wants broadcasts or not (conversation, yes or no, in which words), inside the same transaction.
    ``forget`` blanks journalled messages by id (a report that was refused or dropped leaves nothing); ``topic_life`` is
    how long a topic is remembered.
    """

    database: Database
    vault: Vault
    regions: Regions
    county: County
    texts: Texts
    cases: Cases
    alerts: Alerts
    handoffs: Handoffs
    complaints: Complaints
    searcher: Callable[[], Searcher]
    forget: Callable[[Session, list[str]], None]
    topic_life: timedelta
    consent: Callable[[Session, str, bool, str], None] = lambda _session, _conversation, _wanted, _said: None

    def known(self, conversation: str) -> Known:
        """What a conversation is about so far."""
        columns = select(
            Conversation.region, Conversation.last, Conversation.last_at, Conversation.draft, Conversation.precheck_until
        )
        with self.database.statement(writes=False) as connection:
            row = connection.execute(columns.where(Conversation.key == conversation)).one_or_none()
            found = select(Handoff.state).where(Handoff.open_key == conversation)
            talk = connection.execute(found).scalar_one_or_none()
        if row is None:
            return Known(talk=talk)
        draft = Draft.from_json(self.vault.unseal_json(row.draft)) if row.draft else None
        fresh = row.last and row.last_at and clock.now() - row.last_at < self.topic_life
        last = self.vault.unseal(row.last) if fresh else ""
        is_filed = draft is not None and bool(draft.number)
        checking = row.precheck_until is not None and row.precheck_until > clock.now()
        return Known(None if is_filed else draft, draft if is_filed else None, row.region, last, checking, talk)

    def whom_to_call(self, session: Session, region: str) -> str:
        """Whom to call for a place, as one says it; the hotline where nobody is listed."""
        people = contacts_for(session, region)
        return f"{people[0].role}{people[0].name} {people[0].phone}" if people else HOTLINE


def view_of(case: Case) -> CaseView:
    """What who reported a case may know of it; for somebody else's household only that it was passed on."""
    return CaseView(case.number, case.urgency, PASSED_ON if case.proxy else STATES[case.state])
