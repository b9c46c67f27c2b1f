"""A WeChat platform of our own: pushes (five seconds, three tries, plain or sealed) and the API with its quotas.

Sealing, opening and parsing are done by wechatpy: a second implementation has to agree with ours.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from dataclasses import dataclass, field
from xml.etree import ElementTree

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import WeChatSigner

APP_ID, SECRET, TOKEN, ACCOUNT = "wx49f0ab532d5d035a", "simulated-secret", "simulated-token", "gh_simulated"
AES_KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
TRIES, WAIT_S = 3, 5.0


@dataclass
class Told:
    """What a follower sees: each passive reply and each customer-service message, in order."""

    passive: list[str] = field(default_factory=list)
    service: list[str] = field(default_factory=list)
    broken: int = 0  # «该公众号暂时无法提供服务，请稍后再试»


class WechatPlatform:
    """``app`` is the API. ``push`` does what the platform does when a follower writes."""

    def __init__(
        self,
        url: str = "",
        *,
        sealed: bool = False,
        quota: int = 5,
        wait_s: float = WAIT_S,
        verified: bool = True,
        gap_s: float = 0.0,
    ) -> None:
        self.url, self.sealed, self.quota, self.wait_s, self.verified = url, sealed, quota, wait_s, verified
        self.gap_s = gap_s  # between a try that found nobody and the next
        self.told: dict[str, Told] = {}
        self.left: dict[str, int] = {}  # customer-service messages that each follower may still get
        self.tries = 0
        self.slowest_s = 0.0
        self.tokens: list[str] = []
        self.forced = 0
        self.fetches = 0
        self.refuse_next: list[int] = []  # error codes for the next sends
        self.bodies: list[bytes] = []
        self._ids = iter(range(10**15, 10**16))
        self._crypto = WeChatCrypto(TOKEN, AES_KEY, APP_ID)
        self._client = httpx.AsyncClient(timeout=wait_s)
        self.app = self._build()

    def of(self, openid: str) -> Told:
        return self.told.setdefault(openid, Told())

    async def say(self, openid: str, text: str, **more: str) -> str | None:
        """A text message; gives the passive reply, if one came."""
        return await self.push(openid, "text", Content=text, **more)

    async def event(self, openid: str, name: str, key: str = "") -> str | None:
        """An event: subscribe, SCAN, CLICK …"""
        return await self.push(openid, "event", Event=name, EventKey=key)

    async def push(self, openid: str, kind: str, **fields: str) -> str | None:
        """Push until an answer comes, three times at most."""
        if kind != "event":
            fields.setdefault("MsgId", str(next(self._ids)))
            self.left[openid] = self.quota
        body = message(openid, kind, fields)
        for _ in range(TRIES):
            began = time.monotonic()
            self.tries += 1
            try:
                response = await self.deliver(body)
            except httpx.HTTPError:  # no answer in five seconds, or no connection
                await asyncio.sleep(self.gap_s)
                continue
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            return self._read(openid, response)
        self.of(openid).broken += 1
        return None

    async def deliver(self, body: str, *, stamp: str | None = None, token: str = TOKEN, **query: str) -> httpx.Response:
        """One push of a body, signed (and sealed) now."""
        stamp, nonce = stamp or str(int(time.time())), secrets.token_hex(5)
        signer = WeChatSigner()
        signer.add_data(token, stamp, nonce)
        asked = {"signature": signer.signature, "timestamp": stamp, "nonce": nonce, "openid": "o"}
        if self.sealed:
            sealed = ElementTree.fromstring(self._crypto.encrypt_message(body, nonce, stamp))
            envelope = f"<Encrypt><![CDATA[{sealed.findtext('Encrypt')}]]></Encrypt>"
            body = f"<xml><ToUserName><![CDATA[{ACCOUNT}]]></ToUserName>{envelope}</xml>"
            asked |= {"encrypt_type": "aes", "msg_signature": sealed.findtext("MsgSignature") or ""}
        return await self._client.post(self.url, params=asked | query, content=body.encode())

    async def close(self) -> None:
        await self._client.aclose()
        await asyncio.sleep(0.02)  # closed connections say goodbye in the loop's next turns

    def _read(self, openid: str, response: httpx.Response) -> str | None:
        told = self.of(openid)
        if response.status_code != 200:
            told.broken += 1
            return None
        text = response.text
        if text in ("", "success"):
            return None
        if self.sealed:
            outer = ElementTree.fromstring(text)
            text = self._crypto.decrypt_message(
                text, outer.findtext("MsgSignature"), outer.findtext("TimeStamp"), outer.findtext("Nonce")
            )
            text = text if isinstance(text, str) else text.decode()
        reply = ElementTree.fromstring(text)
        assert (reply.findtext("ToUserName"), reply.findtext("FromUserName")) == (openid, ACCOUNT)
        assert reply.findtext("MsgType") == "text"
        content = reply.findtext("Content") or ""
        assert 0 < len(content.encode()) <= 2048
        told.passive.append(content)
        return content

    # --- the API ------------------------------------------------------------------------------------------------------

    def _build(self) -> FastAPI:
        app = FastAPI()

        @app.post("/cgi-bin/stable_token")
        async def stable_token(request: Request) -> JSONResponse:
            asked = await request.json()
            self.fetches += 1
            if (asked["appid"], asked["secret"], asked["grant_type"]) != (APP_ID, SECRET, "client_credential"):
                return JSONResponse({"errcode": 40125, "errmsg": "invalid appsecret"})
            if asked.get("force_refresh") or not self.tokens:
                self.forced += bool(asked.get("force_refresh"))
                self.tokens.append(secrets.token_hex(64))
            return JSONResponse({"access_token": self.tokens[-1], "expires_in": 7200})

        @app.post("/cgi-bin/message/custom/send")
        async def send(request: Request) -> JSONResponse:
            body = await request.body()
            self.bodies.append(body)
            code = self._refused(request.query_params.get("access_token", ""), body)
            return JSONResponse({"errcode": code, "errmsg": "ok" if not code else "refused"})

        return app

    def _refused(self, token: str, body: bytes) -> int:
        if not self.verified:
            return 48001
        if not self.tokens or token != self.tokens[-1]:
            return 40001
        if self.refuse_next:
            return self.refuse_next.pop(0)
        asked = json.loads(body)
        openid, content = asked["touser"], asked["text"]["content"]
        if asked["msgtype"] != "text" or not content:
            return 44004
        if len(content.encode()) > 2048:
            return 45002
        if openid not in self.left:
            return 45015
        if not self.left[openid]:
            return 45047
        self.left[openid] -= 1
        self.of(openid).service.append(content)
        return 0


def message(openid: str, kind: str, fields: dict[str, str]) -> str:
    """The XML of a push."""
    head = {"ToUserName": ACCOUNT, "FromUserName": openid, "CreateTime": str(int(time.time())), "MsgType": kind, **fields}
    split = {name: value.replace("]]>", "]]]]><![CDATA[>") for name, value in head.items()}
    return "<xml>" + "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in split.items()) + "</xml>"


async def storm(platform: WechatPlatform, messages: list[tuple[str, str]], per_second: float) -> None:
    """Many followers' messages at an even rate, whether answers come or not."""
    tasks = []
    for openid, text in messages:
        tasks.append(asyncio.create_task(platform.say(openid, text)))
        await asyncio.sleep(1 / per_second)
    await asyncio.gather(*tasks)
