"""Outreach as this installation runs it: its terms out of the settings, its lists, broadcasts and jobs."""

from __future__ import annotations

from core.outbox import Outbox
from outreach.broadcast import Broadcasts, Terms
from outreach.importer import Imports
from outreach.sending import Sending
from service.assembly import Parts
from service.jobs import Jobs


class Outreach:
    """What the pages of outreach work with."""

    def __init__(self, parts: Parts, outbox: Outbox) -> None:
        settings = parts.settings
        terms = Terms(
            office=settings.office or f"{parts.county.name}防返贫办", price=settings.sms_price_li,
            budget=settings.sms_budget_yuan * 1000, signatures=settings.broadcast_signatures,
        )  # fmt: skip
        self.imports = Imports(parts.database, parts.vault, parts.regions, settings.imports_dir)
        self.broadcasts = Broadcasts(parts.database, parts.vault, outbox, parts.regions, terms)
        sending = Sending(parts.database, parts.vault, outbox, self.broadcasts)
        self.jobs = Jobs(parts.database, self.imports, sending, settings.jobs_file)
