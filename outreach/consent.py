"""Who wants broadcasts: a ledger to which words are only added, and what follows from the last one, everywhere at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core import clock
from core.crypto import Vault
from core.outbox import Outbox
from outreach.reading import address_key, conversation_address
from outreach.tables import ConsentRow, ContactRow, Hold, LinkRow, OptOutRow

SMS = "sms"
OPTED_OUT = "opted out"  # the reason of a message that was stopped
PUBLIC_NOTICE = "政务公开信息"  # the legal basis of telling people of policies, until they say no
REFUSAL, WISH = "本人拒收", "本人同意"


@dataclass(frozen=True)
class Entry:
    """One word of the ledger, in clear."""

    at: datetime
    wanted: bool
    channel: str
    how: str
    said: str
    basis: str


class Consents:
    """The ledger. Every method works inside the caller's transaction: a word and what follows from it are committed together."""

    def __init__(self, vault: Vault, outbox: Outbox, now: Callable[[], datetime] = clock.now) -> None:
        self._vault, self._outbox, self._now = vault, outbox, now

    def said_in_conversation(self, session: Session, conversation: str, *, wanted: bool, said: str, channel: str = "") -> None:
        """Somebody said on a channel that they want broadcasts, or not. A key that is no sender's is kept by nobody."""
        address = conversation_address(conversation)
        if address is not None:
            self._record(session, address, wanted=wanted, said=said, channel=channel or "chat", how="reply", account_id=None)

    def said_to_cadre(self, session: Session, number: str, *, wanted: bool, said: str, account_id: int) -> None:
        """The same at the door or on the phone, written down by a cadre. ``number`` is E.164."""
        address = address_key(self._vault, number)
        self._record(session, address, wanted=wanted, said=said, channel=SMS, how="cadre", account_id=account_id)

    def link(self, session: Session, conversation: str, contact_id: int) -> bool:
        """A conversation on another channel is somebody's on the list. A refusal on either side counts for both."""
        address = conversation_address(conversation)
        if address is None:
            return False
        session.merge(LinkRow(address=address, contact_id=contact_id))
        session.flush()
        family = self._family(session, address)
        if self._out_of(session, family):
            self._close(session, family)
        return True

    def entries(self, session: Session, number: str) -> list[Entry]:
        """What the ledger says of a number and of the other channels of who has it, oldest first."""
        family = self._family(session, address_key(self._vault, number))
        rows = session.scalars(select(ConsentRow).where(ConsentRow.address.in_(family)).order_by(ConsentRow.id))
        return [Entry(row.at, row.wanted, row.channel, row.how, self._vault.unseal(row.said), row.basis) for row in rows]

    def refuses(self, session: Session, number: str) -> bool:
        """Whether a number gets no broadcasts."""
        return bool(self._out_of(session, {address_key(self._vault, number)}))

    def _record(
        self, session: Session, address: bytes, *, wanted: bool, said: str, channel: str, how: str, account_id: int | None
    ) -> None:
        session.add(
            ConsentRow(
                address=address, wanted=wanted, channel=channel, how=how, said=self._vault.seal(said[:500]),
                basis=WISH if wanted else REFUSAL, account_id=account_id, at=self._now(),
            )
        )  # fmt: skip
        session.flush()
        family = self._family(session, address)
        if wanted:
            self._open(session, family)
        else:
            self._close(session, family)

    def _close(self, session: Session, family: set[bytes]) -> None:
        """No broadcasts from here on, also those that wait in the outbox. Replies and news of one's own case go on."""
        there = self._out_of(session, family)
        session.add_all(OptOutRow(address=address, since=self._now()) for address in sorted(family - there))
        stopped = update(ContactRow).where(ContactRow.address.in_(family), ContactRow.hold == Hold.NONE)
        session.execute(stopped.values(hold=int(Hold.OPTED_OUT)))
        for address in family:
            self._outbox.withdraw(session, address.hex(), OPTED_OUT)

    def _open(self, session: Session, family: set[bytes]) -> None:
        session.execute(delete(OptOutRow).where(OptOutRow.address.in_(family)))
        again = update(ContactRow).where(ContactRow.address.in_(family), ContactRow.hold == Hold.OPTED_OUT)
        session.execute(again.values(hold=int(Hold.NONE)))

    @staticmethod
    def _out_of(session: Session, family: set[bytes]) -> set[bytes]:
        return set(session.scalars(select(OptOutRow.address).where(OptOutRow.address.in_(family))))

    @staticmethod
    def _family(session: Session, address: bytes) -> set[bytes]:
        """The addresses of the people behind an address: their number, and the channels that are linked with them."""
        people = set(session.scalars(select(LinkRow.contact_id).where(LinkRow.address == address)))
        people |= set(session.scalars(select(ContactRow.id).where(ContactRow.address == address)))
        numbers = select(ContactRow.address).where(ContactRow.id.in_(people), ContactRow.address.is_not(None))
        linked = select(LinkRow.address).where(LinkRow.contact_id.in_(people))
        return {address, *(number for number in session.scalars(numbers) if number), *session.scalars(linked)}
