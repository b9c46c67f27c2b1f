"""Calls of WeChat's API. HTTP 200 says nothing there: ``errcode`` does."""

from __future__ import annotations

import json
from typing import Any

import httpx

from channels.token import TokenKeeper
from channels.wechat.settings import WechatSettings
from core.crypto import Vault
from core.database import Database

TOKEN_REFUSED = (40001, 40014, 42001)


class WechatClient:
    """One account's API."""

    def __init__(self, settings: WechatSettings, database: Database, vault: Vault) -> None:
        self._settings = settings
        self._keeper = TokenKeeper(settings.app_id, self._stable_token, database, vault)
        self._http = httpx.AsyncClient(timeout=settings.timeout_s)

    async def send_text(self, openid: str, text: str) -> dict[str, Any]:
        """A customer-service message. Raises NoToken, httpx.HTTPError, ValueError (no JSON came back)."""
        return await self.call("message/custom/send", {"touser": openid, "msgtype": "text", "text": {"content": text}})

    async def call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer's JSON; a refused token is renewed once, and the call repeated once."""
        token = await self._keeper.token(self._http)
        answer = await self._post(path, body, token)
        if answer.get("errcode") in TOKEN_REFUSED:
            answer = await self._post(path, body, await self._keeper.refused(self._http, token))
        return answer

    async def close(self) -> None:
        await self._http.aclose()

    async def _stable_token(self, http: httpx.AsyncClient, force: bool) -> dict[str, Any]:
        body = {
            "grant_type": "client_credential", "appid": self._settings.app_id,
            "secret": self._settings.app_secret.get_secret_value(), "force_refresh": force,
        }  # fmt: skip
        return dict((await http.post(f"{self._settings.base_url}/cgi-bin/stable_token", json=body)).json())

    async def _post(self, path: str, body: dict[str, Any], token: str) -> dict[str, Any]:
        # plain characters: WeChat shows JSON escapes to people as they are
        response = await self._http.post(
            f"{self._settings.base_url}/cgi-bin/{path}", params={"access_token": token},
            content=json.dumps(body, ensure_ascii=False).encode(), headers={"Content-Type": "application/json"},
        )  # fmt: skip
        response.raise_for_status()
        answer = response.json()
        return answer if isinstance(answer, dict) else {"errcode": -1}
