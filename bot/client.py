"""The client to Rasa's REST channel."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np

from channels.message import Button, Reply
from core.errors import MingbaiError

MOST_CONNECTIONS = 64
KEPT_S = 3.0  # Rasa drops an idle connection after 5 s: a turn must not be sent into one that is just being dropped
MARKER = "turn"  # the last response of a turn that succeeded carries its message's id


class RasaFailed(MingbaiError):
    """Rasa did not answer the turn."""


@dataclass(frozen=True)
class RasaAddress:
    """Where a Rasa listens, on this host only."""

    url: str
    token: str


class RasaClient:
    """Sends a turn and checks that it came to its end.

    Rasa's REST channel answers 200 with an empty or partial list when something failed inside: only the marker of
    the turn's last action says that it succeeded.
    """

    def __init__(self, address: RasaAddress, timeout_s: float) -> None:
        self._address = address
        self._timeout = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def turn(
        self, conversation: str, message_id: str, text: str, vector: np.ndarray | None, *, has_topic: bool = False
    ) -> list[Reply]:
        """One message through Rasa; ``has_topic``: it may follow an answer. Raises RasaFailed."""
        metadata: dict[str, Any] = {"message_id": message_id, "topic": has_topic}
        if vector is not None:
            metadata["vector"] = base64.b64encode(vector.astype("<f2").tobytes()).decode()
        body = {"sender": conversation, "message": text, "metadata": metadata}
        try:
            _, said = await self._send("POST", "/webhooks/rest/webhook", self._timeout, json=body, raise_for_status=True)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise RasaFailed(f"Rasa: {type(error).__name__}") from error
        if not isinstance(said, list) or not said or (said[-1].get("custom") or {}).get(MARKER) != message_id:
            raise RasaFailed("Rasa ended the turn without its marker")
        return [_reply(message) for message in said if message.get("text")]

    async def is_ready(self) -> bool:
        """Whether a model is loaded and answers."""
        try:
            status, said = await self._send("GET", "/status", 2, params={"token": self._address.token})
        except (aiohttp.ClientError, TimeoutError, ValueError):  # ValueError: something else listens there and answers no JSON
            return False
        return status == 200 and isinstance(said, dict) and bool(said.get("model_file"))

    async def _send(self, method: str, path: str, timeout_s: float, **content: Any) -> tuple[int, Any]:
        """The status and the JSON of the body. Raises aiohttp.ClientError, TimeoutError, ValueError."""
        if self._session is None:  # it belongs to the loop that runs now
            connector = aiohttp.TCPConnector(limit=MOST_CONNECTIONS, keepalive_timeout=KEPT_S)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        limit = aiohttp.ClientTimeout(total=timeout_s)
        async with self._session.request(method, self._address.url + path, timeout=limit, **content) as response:
            return response.status, json.loads(await response.read())

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _reply(message: dict[str, Any]) -> Reply:
    return Reply(message["text"], [Button(button["title"], button["payload"]) for button in message.get("buttons") or []])
