"""Who wrote back is known; what is said can be read out too."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from channels.address import AddressRow
from core.crypto import Vault
from core.database import Database
from outreach.spoken import group_text, loudspeaker
from outreach.tables import ContactRow
from tests.outreach.sender import Clock, Country, number


def test_a_reply_is_noted(database: Database, vault: Vault) -> None:
    """Of those who were texted, the one from whose number something came; a word from before the text is no reply."""
    time = Clock()
    country = Country(database, vault, time)
    made = country.settle_in(4)
    with database.begin() as session:
        for at, days in ((0, 1), (1, -1)):
            key = country.outbox.recipient("sms", number(at))
            row = AddressRow(conversation=key, channel="sms", address=b"", heard_at=time() + timedelta(days=days))
            session.add(row)
    country.started(*made)
    country.send_all()
    time.now += timedelta(days=1)
    country.sending.round()
    with database.read() as session:
        answered = session.scalars(select(ContactRow.address).where(ContactRow.replied_day > 0)).all()
    assert [each.hex() for each in answered if each] == [country.outbox.recipient("sms", number(0))]


def test_the_same_by_other_ways() -> None:
    """A sentence a line for the group; digits as they are spoken for the loudspeaker, with the time it takes."""
    said = "【岑溪市防返贫办】有难处找村里申报。不清楚问探花村莫某0774-8200001。"
    assert group_text(said) == "岑溪市防返贫办提醒各位乡亲：\n有难处找村里申报。\n不清楚问探花村莫某0774-8200001。"
    script, seconds = loudspeaker(said)
    assert "莫某零七七四，八二零零零零幺。" in script
    assert 30 <= seconds <= 60
