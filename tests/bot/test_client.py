"""The client to Rasa: a turn counts only with its marker."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from bot.client import MARKER, RasaAddress, RasaClient, RasaFailed
from channels.message import Button, Reply

MARK = {"recipient_id": "c", "custom": {MARKER: "m1"}}
Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler) -> RasaClient:
    """A client whose Rasa is a function."""
    return RasaClient(RasaAddress("http://rasa.invalid", "secret"), 1, httpx.MockTransport(handler))


def saying(body: Any, status: int = 200) -> Handler:
    """A Rasa that always says the same."""
    return lambda _request: httpx.Response(status, json=body)


async def ask(handler: Handler, vector: np.ndarray | None = None) -> list[Reply]:
    """One turn."""
    asked = client(handler)
    try:
        return await asked.turn("c", "m1", "低保怎么办", vector)
    finally:
        await asked.close()


async def test_replies_before_the_marker_are_given() -> None:
    """Texts and buttons become replies in order, the marker itself does not."""
    said = [
        {"recipient_id": "c", "text": "一", "buttons": [{"title": "甲", "payload": "do:cancel"}]},
        {"recipient_id": "c", "text": "二"},
        MARK,
    ]
    assert await ask(saying(said)) == [Reply("一", [Button("甲", "do:cancel")]), Reply("二")]


async def test_a_turn_may_say_nothing() -> None:
    """The marker alone is a turn that succeeded."""
    assert await ask(saying([MARK])) == []


@pytest.mark.parametrize(
    "said",
    [
        [],
        None,
        {},
        {"status": "failure", "reason": "x"},
        "ok",
        [{"recipient_id": "c", "text": "一"}],
        [MARK, {"recipient_id": "c", "text": "一"}],
        [{"recipient_id": "c", "custom": {MARKER: "m2"}}],
        [{"recipient_id": "c", "custom": {}}],
        [{"recipient_id": "c", "custom": None}],
    ],
)
async def test_without_its_own_marker_at_the_end_a_turn_failed(said: Any) -> None:
    """An empty or partial answer, another turn's marker, or what is no list of messages is a failure."""
    with pytest.raises(RasaFailed):
        await ask(saying(said))


@pytest.mark.parametrize("status", [401, 404, 500, 503])
async def test_an_error_status_is_a_failure(status: int) -> None:
    """A status that is an error fails, whatever the body says."""
    with pytest.raises(RasaFailed):
        await ask(saying([MARK], status))


async def test_what_is_no_json_is_a_failure() -> None:
    """A body that cannot be read fails."""
    with pytest.raises(RasaFailed):
        await ask(lambda _request: httpx.Response(200, text="<html>"))


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut")])
async def test_a_broken_connection_is_a_failure(error: httpx.HTTPError) -> None:
    """Refused, slow and cut connections fail with a reason that holds no villager's words."""

    def broken(_request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(RasaFailed, match=type(error).__name__) as caught:
        await ask(broken)
    assert "低保" not in str(caught.value)


async def test_the_vector_travels_in_the_metadata() -> None:
    """The message carries sender, id and the vector as half floats; without a vector there is none."""
    seen: list[dict[str, Any]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/webhooks/rest/webhook"
        seen.append(json.loads(request.content))
        return httpx.Response(200, json=[MARK])

    vector = np.array([0.5, -0.25, 0.125], np.float32)
    await ask(handler, vector)
    await ask(handler)
    first, second = seen
    assert (first["sender"], first["message"], first["metadata"]["message_id"]) == ("c", "低保怎么办", "m1")
    assert np.array_equal(np.frombuffer(base64.b64decode(first["metadata"]["vector"]), "<f2"), vector)
    assert second["metadata"] == {"message_id": "m1", "topic": False}


@pytest.mark.parametrize(
    ("response", "ready"),
    [
        (httpx.Response(200, json={"model_file": "models/a.tar.gz"}), True),
        (httpx.Response(200, json={"model_file": None}), False),
        (httpx.Response(200, json={}), False),
        (httpx.Response(200, text="<html>another server</html>"), False),
        (httpx.Response(409, json={"model_file": "a"}), False),
        (httpx.Response(500), False),
    ],
)
async def test_ready_means_a_model_answers(response: httpx.Response, ready: bool) -> None:
    """Rasa is ready when its status names a loaded model, asked with the token."""
    tokens: list[str | None] = []

    def handler(request: httpx.Request) -> httpx.Response:
        tokens.append(request.url.params.get("token"))
        return response

    asked = client(handler)
    assert await asked.is_ready() is ready
    await asked.close()
    assert tokens == ["secret"]


async def test_nobody_listening_is_not_ready() -> None:
    """A refused connection is «not ready», not an error."""

    def refused(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    asked = client(refused)
    assert not await asked.is_ready()
    await asked.close()
