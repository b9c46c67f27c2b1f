"""Keeps the access token of WeChat or WeCom: one for all processes, sealed in the database.

Both platforms give every caller the same token until it ends, so processes that ask at the same time do each other no
harm. A forced refresh (the platform refused the token) is made by one of them, at most every half minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import LargeBinary, String, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.crypto import Vault
from core.database import Base, Database
from core.errors import MingbaiError
from core.lease import hold_lease

EARLY = timedelta(minutes=5)
FORCE_APART = timedelta(seconds=30)
LOOK_EVERY_S, LOOKS = 0.1, 20  # for the token that another process is just fetching


class NoToken(MingbaiError):
    """没有拿到访问凭证。"""


class TokenRow(Base):
    """The token of an account."""

    __tablename__ = "channel_tokens"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    token: Mapped[bytes] = mapped_column(LargeBinary)
    ends_at: Mapped[datetime]


Fetch = Callable[[httpx.AsyncClient, bool], Awaitable[dict[str, Any]]]  # the platform's answer; True: another than the last


class TokenKeeper:
    """Gives the token that is valid now, of the account of a name."""

    def __init__(self, name: str, fetch: Fetch, database: Database, vault: Vault) -> None:
        self._name, self._ask, self._database, self._vault = name[:64], fetch, database, vault
        self._turn = asyncio.Lock()

    async def token(self, client: httpx.AsyncClient) -> str:
        """Raises NoToken with the platform's code."""
        kept = await asyncio.to_thread(self._kept)
        if kept is not None:
            return kept
        async with self._turn:
            kept = await asyncio.to_thread(self._kept)
            return kept if kept is not None else await self._fetch(client, force=False)

    async def refused(self, client: httpx.AsyncClient, token: str) -> str:
        """Another token than the one that was refused. Raises NoToken."""
        async with self._turn:
            kept = await asyncio.to_thread(self._kept)
            if kept is not None and kept != token:
                return kept  # another call or process was quicker
            if await asyncio.to_thread(self._may_force):
                return await self._fetch(client, force=True)
            return await self._fetched_elsewhere(token) or await self._fetch(client, force=False)

    async def _fetched_elsewhere(self, refused: str) -> str | None:
        """The token that another process forces just now: asking meanwhile would give the one that its call ends."""
        for _ in range(LOOKS):
            kept = await asyncio.to_thread(self._kept)
            if kept is not None and kept != refused:
                return kept
            await asyncio.sleep(LOOK_EVERY_S)
        return None

    async def _fetch(self, client: httpx.AsyncClient, *, force: bool) -> str:
        try:
            answer = await self._ask(client, force)
        except (httpx.HTTPError, ValueError) as error:
            raise NoToken(type(error).__name__) from None
        if not answer.get("access_token"):
            raise NoToken(str(answer.get("errcode", "")))
        token, lasts = str(answer["access_token"]), timedelta(seconds=int(answer.get("expires_in", 7200)))
        await asyncio.to_thread(self._keep, token, clock.now() + lasts)
        return token

    def _kept(self) -> str | None:
        found = select(TokenRow.token, TokenRow.ends_at).where(TokenRow.name == self._name)
        with self._database.statement(writes=False) as connection:
            row = connection.execute(found).one_or_none()
        if row is None or row.ends_at - EARLY <= clock.now():
            return None
        return self._vault.unseal(row.token)

    def _keep(self, token: str, ends_at: datetime) -> None:
        values = {"token": self._vault.seal(token), "ends_at": ends_at}
        with self._database.statement(writes=True) as connection:
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            new = dialect.insert(TokenRow).values(name=self._name, **values)
            connection.execute(new.on_conflict_do_update(index_elements=["name"], set_=values))

    def _may_force(self) -> bool:
        """One forced refresh in half a minute, of all processes: each takes a lease that nobody renews."""
        now = clock.now()
        with self._database.begin() as session:
            return hold_lease(session, f"force {self._name}"[:40], f"{now.timestamp()}", now, FORCE_APART)
