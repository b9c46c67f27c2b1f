"""Opens the channels that the settings name, and brings the outbox to their carriers while the service runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from channels.carrier import Channel, Means, open_channels
from channels.deliverer import Deliverer
from channels.limit import Limiter
from channels.reception import Reception
from channels.texts import why
from core.outbox import Outbox
from core.village_code import code_of, scanned
from knowledge_base.text import clean
from service.assembly import Parts

DEMO = "sms_file"


class Channels:
    """The channels beside the web."""

    def __init__(self, parts: Parts, reception: Reception) -> None:
        settings = parts.settings
        self.outbox = Outbox(parts.database, parts.vault)
        self.deeds: Callable[[str, str, str], None] | None = None
        limiter = Limiter(
            settings.rate_per_minute, settings.rate_loopback_per_minute, lambda text: parts.urgent.check(text) is not None
        )
        means = Means(
            database=parts.database, vault=parts.vault, journal=parts.journal, reception=reception, outbox=self.outbox,
            limiter=limiter, clean=clean, village=lambda scene: _village(parts, scene), act=self._act,
            county_name=parts.county.name,
            public_url=(settings.public_url or "").rstrip("/"), data_dir=settings.data_dir,
            demo=parts.county.demo,
        )  # fmt: skip
        named = settings.channels if settings.channels is not None else (DEMO if parts.county.demo else "")
        self.opened: list[Channel] = open_channels([name.strip() for name in named.split(",") if name.strip()], means)
        self.serves = {served for channel in self.opened for served in channel.carriers}

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        """Senders at work until the block ends; then calls that are under way are waited for."""
        deliverers = [
            Deliverer(self.outbox, served, carrier) for channel in self.opened for served, carrier in channel.carriers.items()
        ]
        running = [asyncio.create_task(each.run(), name="deliverer") for each in deliverers]
        try:
            yield
        finally:
            for each in deliverers:
                each.stop()
            await asyncio.gather(*running, return_exceptions=True)

    def in_words(self, served: str, reason: str) -> str:
        """Why a message did not get through, as its carrier or we say it."""
        for channel in self.opened:
            if served in channel.carriers and (words := channel.in_words(reason)):
                return words
        return why(reason)

    def _act(self, username: str, deed: str, case: str) -> None:
        assert self.deeds is not None  # set before anything is served
        self.deeds(username, deed, case)


def _village(parts: Parts, scene: str) -> tuple[str, str] | None:
    """The village that a scene names: «village:450481100201», or the token of a poster's code, whose scan is counted."""
    village = scene.removeprefix("village:")
    if village == scene and scene:
        with parts.database.begin() as session:
            code = code_of(session, scene)
            if code is None or code.revoked_at is not None:
                return None
            scanned(session, scene)
            village = code.village
    place = parts.regions.get(village) if village.startswith(parts.county.code) else None
    return None if place is None or place.level != "village" else (village, parts.regions.spoken(village))
