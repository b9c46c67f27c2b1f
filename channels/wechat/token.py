"""Keeps the access token: one for all processes, fetched with ``stable_token``, kept sealed in the database.

``stable_token`` gives every caller the same token until it ends, so processes that ask at the same time do each other no
harm. A forced refresh (the platform refused the token) is made by one of them, at most every half minute.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import LargeBinary, String, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from channels.wechat.settings import WechatSettings
from core import clock
from core.crypto import Vault
from core.database import Base, Database
from core.errors import MingbaiError
from core.lease import hold_lease

EARLY = timedelta(minutes=5)
FORCE_APART = timedelta(seconds=30)


class NoToken(MingbaiError):
    """微信没有给出访问凭证。"""


class TokenRow(Base):
    """The token of an account (its name is the AppID)."""

    __tablename__ = "channel_tokens"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    token: Mapped[bytes] = mapped_column(LargeBinary)
    ends_at: Mapped[datetime]


class TokenKeeper:
    """Gives the token that is valid now."""

    def __init__(self, settings: WechatSettings, database: Database, vault: Vault) -> None:
        self._settings, self._database, self._vault = settings, database, vault
        self._turn = asyncio.Lock()

    async def token(self, client: httpx.AsyncClient) -> str:
        """Raises NoToken with WeChat's code."""
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
            return await self._fetch(client, force=False)

    async def _fetch(self, client: httpx.AsyncClient, *, force: bool) -> str:
        body = {
            "grant_type": "client_credential", "appid": self._settings.app_id,
            "secret": self._settings.app_secret.get_secret_value(), "force_refresh": force,
        }  # fmt: skip
        try:
            response = await client.post(f"{self._settings.base_url}/cgi-bin/stable_token", json=body)
            answer: dict[str, Any] = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise NoToken(type(error).__name__) from None
        if "access_token" not in answer:
            raise NoToken(str(answer.get("errcode", response.status_code)))
        token, lasts = str(answer["access_token"]), timedelta(seconds=int(answer.get("expires_in", 7200)))
        await asyncio.to_thread(self._keep, token, clock.now() + lasts)
        return token

    def _kept(self) -> str | None:
        found = select(TokenRow.token, TokenRow.ends_at).where(TokenRow.name == self._settings.app_id)
        with self._database.statement(writes=False) as connection:
            row = connection.execute(found).one_or_none()
        if row is None or row.ends_at - EARLY <= clock.now():
            return None
        return self._vault.unseal(row.token)

    def _keep(self, token: str, ends_at: datetime) -> None:
        values = {"token": self._vault.seal(token), "ends_at": ends_at}
        with self._database.statement(writes=True) as connection:
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            new = dialect.insert(TokenRow).values(name=self._settings.app_id, **values)
            connection.execute(new.on_conflict_do_update(index_elements=["name"], set_=values))

    def _may_force(self) -> bool:
        """One forced refresh in half a minute, of all processes: each takes a lease that nobody renews."""
        now = clock.now()
        with self._database.begin() as session:
            return hold_lease(session, f"force {self._settings.app_id}"[:40], f"{now.timestamp()}", now, FORCE_APART)
