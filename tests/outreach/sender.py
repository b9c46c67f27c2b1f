"""A county with people to text, a clock that can be set, and a carrier that counts whom it was called for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from core.accounts import Account
from core.clock import CHINA
from core.county import Contact
from core.crypto import Vault
from core.database import Database
from core.delivery import Outcome, Result
from core.outbox import Claimed, Outbox
from core.regions import load_regions
from outreach import bulk, merging
from outreach.audience import Filter
from outreach.broadcast import Broadcasts, Terms
from outreach.broadcast_tables import BroadcastRow
from outreach.consent import Consents
from outreach.reading import COLUMNS, Batch, RowReader
from outreach.sending import Sending
from outreach.tables import StagedRow
from outreach.wording import draft
from tests.fakes import COUNTY, OTHER_VILLAGE, VILLAGE

OFFICE = "岑溪市防返贫办"
NOON = datetime(2026, 11, 24, 12, tzinfo=CHINA)
SENT = Outcome(Result.SENT)


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Country:
    """All parts of outreach over one database."""

    def __init__(
        self, database: Database, vault: Vault, time: Callable[[], datetime], terms: Terms | None = None, **other: Any
    ) -> None:
        self.database, self.vault, self.time = database, vault, time
        self.outbox = Outbox(database, vault, time)
        self.consents = Consents(vault, self.outbox, time)
        self.broadcasts = Broadcasts(database, vault, self.outbox, load_regions(), terms or Terms(OFFICE, price=45), time)
        self.sending = Sending(database, vault, self.outbox, self.broadcasts, time, **other)
        self.called: Counter[str] = Counter()
        self.when: list[datetime] = []

    def settle_in(self, people: int) -> tuple[Account, Account]:
        """People with numbers in two villages, a contact in each, and two officers."""
        reader, batch = RowReader(self.vault, load_regions(), COUNTY, {"name": 0, "phone": 1, "village": 2}), Batch()
        for at in range(people):
            reader.read(batch, at + 2, [f"某{at}", number(at).removeprefix("+86"), VILLAGE if at % 2 else OTHER_VILLAGE])
        with self.database.begin() as session:
            connection = session.connection()
            bulk.append(connection, StagedRow.__tablename__, ("import_id", *COLUMNS), [(1, *row) for row in batch.values])
            merging.merge_into_nothing(connection, 1)
            merging.finish(connection, 1, "add", COUNTY)
            session.add_all(
                Contact(region=code, name="莫某", role="村级信息员", phone="0774-8200001") for code in (VILLAGE, OTHER_VILLAGE)
            )
            officers = [
                Account(username=name, name=name, role="outreach", region=COUNTY, password_hash="") for name in ("a", "b")
            ]
            session.add_all(officers)
        return officers[0], officers[1]

    def ready(self, author: Account, signer: Account, who: Filter | None = None, **other: Any) -> int:
        """A broadcast that was checked and signed."""
        with self.database.begin() as session:
            row = self.broadcasts.write(
                session, author, "提醒", draft("有难处找村里申报", OFFICE), who or Filter(COUNTY), **other
            )
            checked = self.broadcasts.check(session, row.id)
            assert checked.problems == []
            assert self.broadcasts.sign(session, row.id, signer, row.digest) == 0
            return row.id

    def started(self, author: Account, signer: Account, **other: Any) -> int:
        """One that is under way."""
        made = self.ready(author, signer, **other)
        with self.database.begin() as session:
            self.broadcasts.start(session, made, author)
        return made

    def deliver(self, most: int = 1000, carrier: Callable[[Claimed], Outcome] = lambda _: SENT) -> int:
        """Bring what is due to a carrier, and write back."""
        claimed = self.outbox.claim("sms", "deliverer", most)
        outcomes = []
        for message in claimed:
            self.called[message.to] += 1
            self.when.append(self.time())
            outcomes.append((message, carrier(message)))
        self.outbox.complete("deliverer", outcomes)
        return len(claimed)

    def send_all(self, carrier: Callable[[Claimed], Outcome] = lambda _: SENT) -> None:
        """Until nothing moves, three times over: what expired in the outbox comes back by way of the settling."""
        idle = 0
        while idle < 3:
            idle = 0 if self.sending.round() + self.deliver(carrier=carrier) else idle + 1

    def row(self, broadcast_id: int) -> BroadcastRow:
        """The broadcast as it stands."""
        with self.database.read() as session:
            return session.scalars(select(BroadcastRow).where(BroadcastRow.id == broadcast_id)).one()


def number(at: int) -> str:
    """The number of a person."""
    return f"+86138{at:08d}"
