"""A sending process that can be killed: ``python -m tests.outreach.drill URL FILE NOON_OFFSET_S``.

Its carrier writes one line a call; what is in the file was sent. It ends by itself when the broadcast is done.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

from channels.carrier import Capabilities
from channels.deliverer import Deliverer
from core import clock
from core.crypto import Vault
from core.database import Database
from core.delivery import Outcome, Result
from core.outbox import Claimed
from outreach.rules import Status
from tests.outreach.sender import Country

KEY = bytes(32)


class LineCarrier:
    """A carrier that lives in a file: whatever happens to us, it keeps what it was given."""

    name = "lines"
    capabilities = Capabilities(two_way=False, free_text=True, links=False, reports=False, finds=True, parts=8)

    def __init__(self, file: Path) -> None:
        self._file = file
        self._out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def send(self, message: Claimed) -> Outcome:
        """One line, in one write."""
        os.write(self._out, f"{message.id} {message.to}\n".encode())
        await asyncio.sleep(0.001)
        return Outcome(Result.SENT)

    async def find(self, message: Claimed) -> Outcome:
        """What the file knows."""
        there = f"{message.id} " in self._file.read_text()
        return Outcome(Result.SENT if there else Result.UNKNOWN, "" if there else "not there")

    async def close(self) -> None:
        """The file stays."""
        os.close(self._out)


async def main(url: str, file: Path, offset: timedelta) -> None:
    """Feed and deliver until it is done."""

    def now() -> datetime:
        return clock.now() + offset

    country = Country(Database(url), Vault(KEY), now, backlog=300)
    # the lease of a killed sending would keep us waiting for 20 s: this one is taken over at once
    country.sending._me = "drill"
    deliverer = Deliverer(
        country.outbox, "sms", LineCarrier(file), at_once=40, lease=timedelta(seconds=1), poll_s=0.02, look_up_every_s=0.2
    )
    delivering = asyncio.create_task(deliverer.run())
    while country.row(1).status != Status.DONE:
        await asyncio.to_thread(country.sending.round)
        await asyncio.sleep(0.01)
    deliverer.stop()
    await delivering


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), timedelta(seconds=float(sys.argv[3]))))
