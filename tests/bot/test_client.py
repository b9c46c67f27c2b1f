"""The client to Rasa: a turn counts only with its marker."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.client import MARKER, RasaAddress, RasaClient, RasaFailed
from channels.message import Button, Reply
from service.supervisor import free_port

MARK = {"recipient_id": "c", "custom": {MARKER: "m1"}}
TIMEOUT_S = 0.5
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def client(handler: Handler) -> AsyncIterator[RasaClient]:
    """A client whose Rasa is a function behind a real port."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        asked = RasaClient(RasaAddress(str(server.make_url("")).rstrip("/"), "secret"), TIMEOUT_S)
        try:
            yield asked
        finally:
            await asked.close()


def saying(body: Any, status: int = 200) -> Handler:
    """A Rasa that always says the same."""

    async def handler(_request: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    return handler


async def ask(handler: Handler, vector: np.ndarray | None = None) -> list[Reply]:
    """One turn."""
    async with client(handler) as asked:
        return await asked.turn("c", "m1", "低保怎么办", vector)


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

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<html>")

    with pytest.raises(RasaFailed):
        await ask(page)


async def cut(request: web.Request) -> web.Response:
    """Rasa dies in the middle of a turn."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def slow(_request: web.Request) -> web.Response:
    """Rasa hangs."""
    await asyncio.sleep(TIMEOUT_S * 4)
    return web.json_response([MARK])


@pytest.mark.parametrize(("rasa", "reason"), [(cut, "ServerDisconnectedError"), (slow, "TimeoutError")])
async def test_a_broken_connection_is_a_failure(rasa: Handler, reason: str) -> None:
    """Cut and slow connections fail with a reason that holds no villager's words."""
    with pytest.raises(RasaFailed, match=reason) as caught:
        await ask(rasa)
    assert "低保" not in str(caught.value)


async def test_a_refused_connection_is_a_failure() -> None:
    """Nobody listens where Rasa should."""
    asked = RasaClient(RasaAddress(f"http://127.0.0.1:{free_port()}", "secret"), TIMEOUT_S)
    with pytest.raises(RasaFailed, match="Connect"):
        await asked.turn("c", "m1", "低保怎么办", None)
    assert await asked.is_ready() is False
    await asked.close()


async def test_the_vector_travels_in_the_metadata() -> None:
    """The message carries sender, id and the vector as half floats; without a vector there is none."""
    seen: list[dict[str, Any]] = []

    async def handler(request: web.Request) -> web.Response:
        assert request.path == "/webhooks/rest/webhook"
        seen.append(await request.json())
        return web.json_response([MARK])

    vector = np.array([0.5, -0.25, 0.125], np.float32)
    await ask(handler, vector)
    await ask(handler)
    first, second = seen
    assert (first["sender"], first["message"], first["metadata"]["message_id"]) == ("c", "低保怎么办", "m1")
    assert np.array_equal(np.frombuffer(base64.b64decode(first["metadata"]["vector"]), "<f2"), vector)
    assert second["metadata"] == {"message_id": "m1", "topic": False}


@pytest.mark.parametrize(
    ("status", "body", "ready"),
    [
        (200, '{"model_file": "models/a.tar.gz"}', True),
        (200, '{"model_file": null}', False),
        (200, "{}", False),
        (200, "[]", False),
        (200, "<html>another server</html>", False),
        (409, '{"model_file": "a"}', False),
        (500, "", False),
    ],
)
async def test_ready_means_a_model_answers(status: int, body: str, ready: bool) -> None:
    """Rasa is ready when its status names a loaded model, asked with the token."""
    tokens: list[str | None] = []

    async def handler(request: web.Request) -> web.Response:
        tokens.append(request.query.get("token"))
        return web.Response(text=body, status=status)

    async with client(handler) as asked:
        assert await asked.is_ready() is ready
    assert tokens == ["secret"]
