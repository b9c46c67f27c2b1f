"""Two processes and one refused token: the slower one waits for what the quicker one fetches."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from channels.token import TokenKeeper
from core.crypto import Vault
from core.database import Database


async def test_who_may_not_force_waits_for_the_others_token(database: Database, vault: Vault) -> None:
    """Asked in between, the platform would give the token that the other's call is about to end."""
    forced = asyncio.Event()

    async def slowly(_client: Any, force: bool) -> dict[str, Any]:
        if force:
            forced.set()
            await asyncio.sleep(0.4)
        return {"access_token": "new" if force else "ending", "expires_in": 7200}

    quick, slow = (TokenKeeper("wx1", slowly, database, vault) for _ in range(2))
    async with httpx.AsyncClient() as client:
        old = await quick.token(client)
        forcing = asyncio.create_task(quick.refused(client, old))
        await forced.wait()
        assert await slow.refused(client, old) == "new"
        assert await forcing == "new"
        assert await slow.token(client) == "new"
