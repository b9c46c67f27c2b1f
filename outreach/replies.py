"""Who wrote back: people on the list from whose number something came after a text went to it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from channels.address import AddressRow
from channels.sms import CHANNEL
from core.clock import CHINA, as_utc
from outreach.audience import day_number
from outreach.reading import conversation_address
from outreach.tables import ContactRow

_AT_ONCE = 500


def note_replies(session: Session, since: datetime) -> int:
    """Write down the day of the last word from each number that was heard since; gives how many people it was."""
    heard = select(AddressRow.conversation, AddressRow.heard_at).where(
        AddressRow.channel == CHANNEL, AddressRow.heard_at >= since
    )
    by_day = defaultdict[int, list[bytes]](list)
    for conversation, at in session.execute(heard):
        address = conversation_address(conversation)
        if address is not None:
            by_day[day_number(as_utc(at).astimezone(CHINA).date())].append(address)
    noted = 0
    for day, addresses in by_day.items():
        for start in range(0, len(addresses), _AT_ONCE):
            theirs = ContactRow.address.in_(addresses[start : start + _AT_ONCE])
            texted = (ContactRow.messaged_day > 0) & (ContactRow.messaged_day <= day) & (ContactRow.replied_day < day)
            noted += session.connection().execute(update(ContactRow).where(theirs, texted).values(replied_day=day)).rowcount
    return noted
