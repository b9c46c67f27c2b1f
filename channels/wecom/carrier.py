"""Messages to cadres: a card with buttons for a case, else a text."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from channels.carrier import Capabilities
from channels.segment import wechat_parts
from channels.texts import ChannelTexts
from channels.token import NoToken
from channels.wecom.client import WecomClient
from channels.wecom.settings import WecomSettings
from core.delivery import Outcome, Result
from core.outbox import Claimed

ADMIN = timedelta(minutes=5)
SAME_WITHIN_S = 1800  # WeCom itself leaves out the same words to the same people within this: no message comes twice
# what follows from an errcode, where it is not «failed»: tokens, rights and addresses are the administrator's, rates pass
WAIT = {40014, 42001, 40001, 40056, 40013, 41001, 48002, 60020, 45009, 301002}
RETRY = {-1}
DEEDS = ("seen", "accept")


class WecomCarrier:
    """``content``: ``{"case": number, "text": …}`` for a card, ``{"text": …}`` or an answer's replies for words."""

    name = "wecom"

    def __init__(self, client: WecomClient, settings: WecomSettings, public_url: str) -> None:
        self.capabilities = Capabilities(
            two_way=True, free_text=True, links=True, reports=False, finds=False, parts=1, per_second=settings.per_second
        )
        self._client, self._settings, self._public_url = client, settings, public_url
        self._texts = ChannelTexts(Path(__file__).parent)

    async def send(self, message: Claimed) -> Outcome:
        body = self._body(message)
        if body is None:
            return Outcome(Result.FAILED, "44004")
        try:
            answer = await self._client.send(body)
        except (NoToken, httpx.ConnectError, httpx.ConnectTimeout) as error:
            return Outcome(Result.WAIT, str(error)[:20] or type(error).__name__, after=ADMIN)
        except (httpx.HTTPError, ValueError) as error:
            return Outcome(Result.UNKNOWN, type(error).__name__)
        return outcome_of(answer)

    async def find(self, message: Claimed) -> Outcome | None:
        """WeCom cannot be asked."""
        return Outcome(Result.UNKNOWN, "no look-up")

    async def close(self) -> None:
        await self._client.close()

    def _body(self, message: Claimed) -> dict[str, Any] | None:
        content = message.content
        text = str(content.get("text") or "\n".join(reply["text"] for reply in content.get("replies", [])))
        parts = wechat_parts(text)
        if not parts or not message.to or "|" in message.to or message.to.startswith("@"):
            return None  # «a|b» and «@all» would reach others
        addressed = {"touser": message.to, "agentid": self._settings.agent_id}
        unique = {"enable_duplicate_check": 1, "duplicate_check_interval": SAME_WITHIN_S}
        if "case" not in content:
            return {**addressed, "msgtype": "text", "text": {"content": parts[0]}, **unique}
        return {**addressed, "msgtype": "template_card", "template_card": self._card(message.id, content), **unique}

    def _card(self, message_id: str, content: dict[str, Any]) -> dict[str, Any]:
        number = str(content["case"])
        return {
            "card_type": "button_interaction",
            "main_title": {"title": self._texts.say("card_title", number=number)},
            "sub_title_text": str(content["text"])[:112],
            "card_action": {"type": 1, "url": f"{self._public_url}/desk/cases/{number}"},
            "task_id": f"{message_id}-{number}",
            "button_list": [
                {"text": self._texts.say(f"button_{deed}"), "style": 1 if deed == DEEDS[0] else 2, "key": f"{deed}:{number}"}
                for deed in DEEDS
            ],
        }


def outcome_of(answer: dict[str, Any]) -> Outcome:
    """What an answer to a send means. An address that nobody has is named there although the errcode is 0."""
    code = int(answer.get("errcode", -1))
    provider_id = str(answer["msgid"]) if answer.get("msgid") else None
    if code == 0 and answer.get("invaliduser"):
        return Outcome(Result.FAILED, "no such member", provider_id=provider_id)
    if code == 0:
        return Outcome(Result.SENT, provider_id=provider_id)
    if code in WAIT:
        return Outcome(Result.WAIT, str(code), after=ADMIN)
    return Outcome(Result.RETRY if code in RETRY else Result.FAILED, str(code))
