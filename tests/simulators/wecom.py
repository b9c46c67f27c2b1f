"""A WeCom of our own: the API of an app, and its callback, sealed by wechatpy as a second implementation."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from wechatpy.enterprise.crypto import WeChatCrypto

CORP, SECRET, TOKEN, AGENT = "wwsimulated", "simulated-secret", "simulated-token", 1000002
AES_KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"


class WecomSimulator:
    """``app`` is the API; ``sent`` what members got."""

    def __init__(self, url: str = "") -> None:
        self.url, self.members = url, {"town", "village"}
        self.tokens: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.refuse_next: list[int] = []
        self._crypto = WeChatCrypto(TOKEN, AES_KEY, CORP)
        self._client = httpx.AsyncClient(timeout=5)
        self.app = self._build()

    async def tap(self, member: str, key: str, task: str = "t") -> str:
        """A member taps a button of a card; gives what stands on it afterwards."""
        fields = {
            "MsgType": "event", "Event": "template_card_event", "EventKey": key, "TaskId": task, "CardType": "button_interaction",
            "ResponseCode": "r",
        }  # fmt: skip
        reply = await self.push(member, **fields)
        found = ElementTree.fromstring(reply).find("Button") if reply else None
        return "" if found is None else found.findtext("ReplaceName") or ""

    async def push(self, member: str, **fields: str) -> str:
        """A push in clear; gives the reply in clear."""
        head = {"ToUserName": CORP, "FromUserName": member, "CreateTime": str(int(time.time())), "AgentID": str(AGENT), **fields}
        body = "<xml>" + "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in head.items()) + "</xml>"
        response = await self.deliver(body)
        assert response.status_code == 200
        if not response.content:
            return ""
        outer = ElementTree.fromstring(response.text)
        opened = self._crypto.decrypt_message(
            response.text, outer.findtext("MsgSignature"), outer.findtext("TimeStamp"), outer.findtext("Nonce")
        )
        return opened if isinstance(opened, str) else opened.decode()

    async def deliver(self, body: str, *, stamp: str | None = None, **query: str) -> httpx.Response:
        """One sealed push."""
        stamp, nonce = stamp or str(int(time.time())), secrets.token_hex(5)
        sealed = ElementTree.fromstring(self._crypto.encrypt_message(body, nonce, stamp))
        envelope = (
            f"<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><Encrypt><![CDATA[{sealed.findtext('Encrypt')}]]></Encrypt></xml>"
        )
        asked = {"msg_signature": sealed.findtext("MsgSignature") or "", "timestamp": stamp, "nonce": nonce, **query}
        return await self._client.post(self.url, params=asked, content=envelope.encode())

    async def verify(self, echo: str) -> httpx.Response:
        """Someone saves the callback's settings."""
        stamp, nonce = str(int(time.time())), secrets.token_hex(5)
        sealed = ElementTree.fromstring(self._crypto.encrypt_message(echo, nonce, stamp))
        asked = {"msg_signature": sealed.findtext("MsgSignature"), "timestamp": stamp, "nonce": nonce}
        query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in asked.items())
        return await self._client.get(f"{self.url}?{query}&echostr={quote(sealed.findtext('Encrypt') or '', safe='')}")

    async def close(self) -> None:
        await self._client.aclose()
        await asyncio.sleep(0.02)  # closed connections say goodbye in the loop's next turns

    def _build(self) -> FastAPI:
        app = FastAPI()

        @app.get("/cgi-bin/gettoken")
        async def token(corpid: str, corpsecret: str) -> JSONResponse:
            if (corpid, corpsecret) != (CORP, SECRET):
                return JSONResponse({"errcode": 40001, "errmsg": "invalid credential"})
            if not self.tokens:
                self.tokens.append(secrets.token_hex(32))
            return JSONResponse({"errcode": 0, "access_token": self.tokens[-1], "expires_in": 7200})

        @app.post("/cgi-bin/message/send")
        async def send(request: Request) -> JSONResponse:
            return JSONResponse(self._sent(request.query_params.get("access_token", ""), json.loads(await request.body())))

        return app

    def _sent(self, token: str, body: dict[str, Any]) -> dict[str, Any]:
        if not self.tokens or token != self.tokens[-1]:
            return {"errcode": 42001, "errmsg": "expired"}
        if self.refuse_next:
            return {"errcode": self.refuse_next.pop(0), "errmsg": "refused"}
        card = body.get("template_card", {})
        if body["agentid"] != AGENT or body["msgtype"] not in ("text", "template_card"):
            return {"errcode": 301002, "errmsg": "not allowed"}
        if card and (not re.fullmatch(r"[\w@-]{1,128}", card["task_id"]) or not 1 <= len(card["button_list"]) <= 6):
            return {"errcode": 42014, "errmsg": "wrong card"}
        if body["touser"] not in self.members:
            return {"errcode": 0, "errmsg": "ok", "invaliduser": body["touser"], "msgid": "m0"}
        self.sent.append(body)
        return {"errcode": 0, "errmsg": "ok", "msgid": f"m{len(self.sent)}"}
