"""Outreach as this installation runs it: its terms out of the settings, its lists, broadcasts and jobs."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from cadres.case import Case, Cases
from channels.sms import number
from core.outbox import Outbox
from core.rights import below
from outreach.broadcast import Broadcasts, Terms
from outreach.importer import Imports
from outreach.sending import Sending
from service.assembly import Parts
from service.jobs import Jobs


def numbers_of_open_cases(cases: Cases, session: Session, region: str) -> Iterator[str]:
    """The phone numbers (E.164) that open cases of a place name."""
    sealed = select(Case.details).where(Case.closed_at.is_(None), below(Case.region, region))
    for details in session.scalars(sealed.execution_options(yield_per=1000)):
        told = number(cases.details_of(details).contact)
        if told is not None:
            yield told


class Outreach:
    """What the pages of outreach work with."""

    def __init__(self, parts: Parts, outbox: Outbox) -> None:
        settings = parts.settings
        terms = Terms(
            office=settings.office or f"{parts.county.name}防返贫办", price=settings.sms_price_li,
            budget=settings.sms_budget_yuan * 1000, signatures=settings.broadcast_signatures,
        )  # fmt: skip

        def busy(session: Session, region: str) -> Iterator[str]:
            return numbers_of_open_cases(parts.cases, session, region)

        self.imports = Imports(parts.database, parts.vault, parts.regions, settings.imports_dir)
        self.broadcasts = Broadcasts(parts.database, parts.vault, outbox, parts.regions, terms, busy=busy)
        sending = Sending(parts.database, parts.vault, outbox, self.broadcasts)
        self.jobs = Jobs(parts.database, self.imports, sending, settings.jobs_file)
