"""The client to Rasa's REST channel."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np

from channels.message import Button, Reply
from core.errors import MingbaiError

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

    def __init__(self, address: RasaAddress, timeout_s: float, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._address = address
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        # the transport alone: what a client adds (cookies, redirects, authentication) costs 1 ms a turn and is not used
        self._http = transport or httpx.AsyncHTTPTransport(limits=limits)
        self._timeout = timeout_s

    async def turn(
        self, conversation: str, message_id: str, text: str, vector: np.ndarray | None, *, has_topic: bool = False
    ) -> list[Reply]:
        """One message through Rasa; ``has_topic``: it may follow an answer. Raises RasaFailed."""
        metadata: dict[str, Any] = {"message_id": message_id, "topic": has_topic}
        if vector is not None:
            metadata["vector"] = base64.b64encode(vector.astype("<f2").tobytes()).decode()
        body = {"sender": conversation, "message": text, "metadata": metadata}
        try:
            response = await self._send("POST", "/webhooks/rest/webhook", self._timeout, json=body)
            response.raise_for_status()
            said = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise RasaFailed(f"Rasa: {type(error).__name__}") from error
        if not isinstance(said, list) or not said or (said[-1].get("custom") or {}).get(MARKER) != message_id:
            raise RasaFailed("Rasa ended the turn without its marker")
        return [_reply(message) for message in said if message.get("text")]

    async def is_ready(self) -> bool:
        """Whether a model is loaded and answers."""
        try:
            response = await self._send("GET", "/status", 2, params={"token": self._address.token})
            return response.status_code == 200 and bool(response.json().get("model_file"))
        except (httpx.HTTPError, ValueError):  # ValueError: something else listens there and answers no JSON
            return False

    async def _send(self, method: str, path: str, timeout_s: float, **content: Any) -> httpx.Response:
        limit = httpx.Timeout(timeout_s).as_dict()
        request = httpx.Request(method, self._address.url + path, extensions={"timeout": limit}, **content)
        response = await self._http.handle_async_request(request)
        response.request = request
        await response.aread()
        return response

    async def close(self) -> None:
        await self._http.aclose()


def _reply(message: dict[str, Any]) -> Reply:
    return Reply(message["text"], [Button(button["title"], button["payload"]) for button in message.get("buttons") or []])
