"""Customer-service messages: what could not be said in a passive reply, within the platform's window and count."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from channels.carrier import Capabilities
from channels.token import NoToken
from channels.wechat.client import WechatClient
from channels.wechat.followers import Followers
from channels.wechat.render import parts_of
from channels.wechat.settings import WechatSettings
from core import clock
from core.delivery import Outcome, Result
from core.outbox import Claimed

NEXT_LOOK = timedelta(hours=12)  # until they write again, which brings what waits at once
ADMIN = timedelta(minutes=5)


class WechatCarrier:
    """As few messages as hold a text, because each counts."""

    name = "wechat"
    capabilities = Capabilities(two_way=True, free_text=True, links=True, reports=False, finds=False, parts=1)

    def __init__(self, client: WechatClient, followers: Followers, settings: WechatSettings) -> None:
        self._client, self._followers, self._settings = client, followers, settings

    async def send(self, message: Claimed) -> Outcome:
        parts = parts_of(message.content)
        if not parts:
            return Outcome(Result.FAILED, "44004")
        follower = await asyncio.to_thread(self._followers.of, message.to)
        if follower.gone:
            return Outcome(Result.FAILED, "43004")
        window = timedelta(hours=self._settings.window_h)
        if follower.heard_at is None or clock.now() - follower.heard_at >= window:
            return Outcome(Result.RETRY, "45015", after=NEXT_LOOK)
        if follower.sent >= self._settings.quota:
            return Outcome(Result.RETRY, "45047", after=NEXT_LOOK)
        outcome = await self._send(message.to, parts[0])
        for part in parts[1:]:
            if outcome.result == Result.SENT and (await self._send(message.to, part)).result != Result.SENT:
                return Outcome(Result.SENT, "cut")  # the beginning is there; sending it again would be worse
        return outcome

    async def _send(self, openid: str, text: str) -> Outcome:
        try:
            answer = await self._client.send_text(openid, text)
        except (NoToken, httpx.ConnectError, httpx.ConnectTimeout) as error:
            return Outcome(Result.WAIT, str(error)[:20] or type(error).__name__, after=ADMIN)
        except (httpx.HTTPError, ValueError) as error:
            return Outcome(Result.UNKNOWN, type(error).__name__)
        outcome = outcome_of(answer)
        if outcome.result == Result.SENT:
            await asyncio.to_thread(self._followers.was_sent, openid)
        return outcome

    async def find(self, message: Claimed) -> Outcome | None:
        """WeChat cannot be asked."""
        return Outcome(Result.UNKNOWN, "no look-up")

    async def close(self) -> None:
        await self._client.close()


def outcome_of(answer: dict[str, Any]) -> Outcome:
    """What an answer to a send means."""
    code = str(answer.get("errcode", 0))
    if code == "0":
        return Outcome(Result.SENT)
    what = _table().get(code, ("failed", ""))[0]
    if what == "later":
        return Outcome(Result.RETRY, code, after=NEXT_LOOK)
    return Outcome(Result(what), code, after=ADMIN if what == "wait" else None)


def in_words(code: str) -> str:
    """An errcode as it is shown to people; empty for one that is not in the table."""
    return _table().get(code, ("", ""))[1]


@cache
def _table() -> dict[str, tuple[str, str]]:
    lines = (Path(__file__).parent / "errors.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return {code: (what, words) for code, what, words in rows}
