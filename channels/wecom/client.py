"""Calls of WeCom's API. HTTP 200 says nothing there: ``errcode`` does."""

from __future__ import annotations

import json
from typing import Any

import httpx

from channels.token import TokenKeeper
from channels.wecom.settings import WecomSettings
from core.crypto import Vault
from core.database import Database

TOKEN_REFUSED = (40014, 42001)


class WecomClient:
    """One app's API."""

    def __init__(self, settings: WecomSettings, database: Database, vault: Vault) -> None:
        self._settings = settings
        # a token belongs to one secret
        name = vault.lookup(f"{settings.corp_id}:{settings.secret.get_secret_value()}")
        self._keeper = TokenKeeper(name, self._token, database, vault)
        self._http = httpx.AsyncClient(timeout=settings.timeout_s)

    async def send(self, body: dict[str, Any]) -> dict[str, Any]:
        """message/send; a refused token is renewed once. Raises NoToken, httpx.HTTPError, ValueError (no JSON came back)."""
        token = await self._keeper.token(self._http)
        answer = await self._post(body, token)
        if answer.get("errcode") in TOKEN_REFUSED:
            answer = await self._post(body, await self._keeper.refused(self._http, token))
        return answer

    async def close(self) -> None:
        await self._http.aclose()

    async def _token(self, http: httpx.AsyncClient, _force: bool) -> dict[str, Any]:
        asked = {"corpid": self._settings.corp_id, "corpsecret": self._settings.secret.get_secret_value()}
        return dict((await http.get(f"{self._settings.base_url}/cgi-bin/gettoken", params=asked)).json())

    async def _post(self, body: dict[str, Any], token: str) -> dict[str, Any]:
        response = await self._http.post(
            f"{self._settings.base_url}/cgi-bin/message/send", params={"access_token": token},
            content=json.dumps(body, ensure_ascii=False).encode(), headers={"Content-Type": "application/json"},
        )  # fmt: skip
        response.raise_for_status()
        answer = response.json()
        return answer if isinstance(answer, dict) else {"errcode": -1}
