"""Where a conversation can be told something later: the channel, and the sealed address of who writes there.

The web has no addresses: its page looks for news itself.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, LargeBinary, String, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from channels.message import Reach
from core import clock
from core.crypto import Vault
from core.database import Base


class AddressRow(Base):
    """The address of a conversation, and when something last came from it."""

    __tablename__ = "channel_addresses"
    conversation: Mapped[str] = mapped_column(String(64), primary_key=True)
    channel: Mapped[str] = mapped_column(String(20))
    address: Mapped[bytes] = mapped_column(LargeBinary)
    heard_at: Mapped[datetime]


def remember(connection: Connection, vault: Vault, conversation: str, reach: Reach) -> None:
    """Something came from an address: it is one that can be answered."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    row = {"channel": reach.channel, "address": vault.seal(reach.to), "heard_at": clock.now()}
    new = dialect.insert(AddressRow).values(conversation=conversation, **row)
    connection.execute(new.on_conflict_do_update(index_elements=["conversation"], set_={"heard_at": row["heard_at"]}))


def reach_of(connection: Connection, vault: Vault, conversation: str) -> Reach | None:
    """Where a conversation can be told something; None on the web."""
    found = select(AddressRow.channel, AddressRow.address).where(AddressRow.conversation == conversation)
    row = connection.execute(found).one_or_none()
    return None if row is None else Reach(row.channel, vault.unseal(row.address))
