"""The contract of the web channel: request bodies, rate limits, one answer for one id."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from channels.journal import Journal
from channels.message import Answer, Inbound, Reply, Understood
from channels.reception import Reception
from channels.web.api import BODY_LIMIT, Chat, Limiter, TooFast, chat_router
from channels.web.request import TEXT_LIMIT, BadRequest, ChatRequest, parse_request
from channels.web.sender import Senders
from knowledge_base.text import clean


def parse(**body: object) -> ChatRequest:
    """A body as the route reads it."""
    return parse_request(json.dumps(body).encode(), clean)


def test_a_full_request_is_read() -> None:
    """Sender, text, payload, id and region come through."""
    assert parse(sender="a", text=" 低保 ", payload="do:cancel", id="1", region="450481100201") == ChatRequest(
        "a", "低保", "do:cancel", "1", "450481100201"
    )


@pytest.mark.parametrize("extra", [{"text": ""}, {"text": None}, {"payload": "x"}, {"text": "a", "unknown": [1]}])
def test_what_may_be_left_out(extra: dict[str, object]) -> None:
    """One of text and payload is enough, null is like nothing, and unknown fields are ignored."""
    request = parse(sender="a", **extra)
    assert (request.id, request.region) == (None, None)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe\x00", 400),
        (b"[" * 100_000, 400),
        (b'{"sender": 1' + b"0" * 5000 + b"}", 400),
        (b"[]", 422),
        (b'"text"', 422),
        (b"null", 422),
        (b"{}", 422),
        (b'{"sender": "a"}', 422),
        (b'{"text": "a"}', 422),
        (b'{"sender": "", "text": "a"}', 422),
        (b'{"sender": 5, "text": "a"}', 422),
        (b'{"sender": "a", "text": ["a"]}', 422),
        (b'{"sender": "a", "payload": {}}', 422),
        (b'{"sender": "a", "text": "a", "id": 7}', 422),
        (b'{"sender": "a", "text": "a", "region": "45"}', 422),
        (b'{"sender": "a", "text": "a", "region": "4504811"}', 422),
        (b'{"sender": "a", "text": "a", "region": "45048a"}', 422),
        (json.dumps({"sender": "a" * 65, "text": "a"}).encode(), 422),
        (json.dumps({"sender": "a", "payload": "a" * 201}).encode(), 422),
        (json.dumps({"sender": "a", "text": "a", "id": "a" * 81}).encode(), 422),
    ],
)
def test_bad_bodies_are_refused_in_chinese(body: bytes, status: int) -> None:
    """Each malformed body is refused with its status and a reason in Chinese."""
    with pytest.raises(BadRequest) as caught:
        parse_request(body, clean)
    assert caught.value.status == status
    assert not str(caught.value).isascii()


@pytest.mark.parametrize("sender", ["\ud800", "\x00", " ", "\u200b"])
def test_a_sender_of_nothing_is_refused(sender: str) -> None:
    """A sender that is empty once cleaned would be shared by strangers."""
    with pytest.raises(BadRequest):
        parse(sender=sender, text="你好")


def test_a_lone_surrogate_does_not_get_in() -> None:
    """Half a character is dropped from every field, the rest of the text stays."""
    request = parse_request(
        b'{"sender": "a\\ud83d", "text": "\\ud800\\u4f4e\\u4fdd", "id": "\\udfff1", "payload": "\\ud800"}', clean
    )
    assert (request.sender, request.text, request.id, request.payload) == ("a", "低保", "1", "")


def test_a_long_text_is_cut() -> None:
    """A text beyond the limit is read up to it."""
    assert len(parse(sender="a", text="长" * (TEXT_LIMIT + 5)).text) == TEXT_LIMIT


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_json_is_read_or_refused(value: object) -> None:
    """No JSON value raises anything but BadRequest, under any field."""
    for body in (
        value,
        {"sender": value, "text": value},
        {"sender": "a", "text": "a", "id": value, "region": value, "payload": value},
    ):
        try:
            request = parse_request(json.dumps(body).encode(), clean)
        except BadRequest:
            continue
        assert "\x00" not in request.sender + request.text + request.payload + (request.id or "")


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """No bytes raise anything but BadRequest."""
    with contextlib.suppress(BadRequest):
        assert parse_request(body, clean).sender


def limiter(per_minute: int = 2, inside: int = 4) -> Limiter:
    """A limiter for which «救命» is urgent."""
    return Limiter(per_minute, inside, lambda text: "救命" in text)


def passes(checked: Limiter, address: str, text: str = "你好") -> bool:
    """Whether a message gets through."""
    try:
        checked.check(address, text)
    except TooFast:
        return False
    return True


def test_too_many_messages_are_turned_away() -> None:
    """The third message a minute of one address is turned away, another address is not."""
    checked = limiter()
    assert [passes(checked, "10.0.0.1") for _ in range(3)] == [True, True, False]
    assert passes(checked, "10.0.0.2")


def test_this_machine_may_say_more() -> None:
    """Loopback has a limit of its own, in both families."""
    for address in ("127.0.0.1", "::1"):
        checked = limiter()
        assert [passes(checked, address) for _ in range(5)] == [True] * 4 + [False]


def test_danger_passes_always() -> None:
    """A message about danger to life is never turned away, and does not open the gate for others."""
    checked = limiter()
    assert all(passes(checked, "10.0.0.1", "救命啊") for _ in range(10))
    assert not passes(checked, "10.0.0.1")


class Answering:
    """An answerer that counts, and answers once it is let go."""

    def __init__(self, *, held: bool = False) -> None:
        self.calls: list[Inbound] = []
        self.go = asyncio.Event()
        if not held:
            self.go.set()

    async def __call__(self, message: Inbound) -> Answer:
        self.calls.append(message)
        await self.go.wait()
        return Answer(message.id, [Reply(f"第{len(self.calls)}次")], Understood("policy", "ask_policy", 1.0))


def asked(text: str = "低保", *, client_id: str | None = "1") -> ChatRequest:
    """A checked request."""
    return ChatRequest("a", text, "", client_id, None)


async def test_one_id_is_answered_once(journal: Journal) -> None:
    """The same id twice is one call, and both get the same answer."""
    answering = Answering()
    chat = Chat(journal, Reception(journal, answering))
    assert await chat.say("a", asked()) == await chat.say("a", asked("换一句"))
    assert len(answering.calls) == 1


async def test_one_id_at_the_same_time_is_answered_once(journal: Journal) -> None:
    """Five requests of one id while the answer is under way are one call with one answer."""
    answering = Answering(held=True)
    chat = Chat(journal, Reception(journal, answering))
    waiting = [asyncio.create_task(chat.say("a", asked())) for _ in range(5)]
    while not answering.calls:
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.1)
    answering.go.set()
    answers = await asyncio.gather(*waiting)
    assert len(answering.calls) == 1
    assert all(answer == answers[0] for answer in answers)


async def test_a_retry_that_crosses_the_answer_is_answered_once(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry that looked into the journal just before the answer was stored does not start a second turn."""
    answering = Answering()
    chat = Chat(journal, Reception(journal, answering))
    looked, stored = asyncio.Event(), asyncio.Event()
    loop, real = asyncio.get_running_loop(), journal.record

    def slow_retry(*args, **fields):
        found = real(*args, **fields)
        loop.call_soon_threadsafe(looked.set)
        asyncio.run_coroutine_threadsafe(stored.wait(), loop).result(5)
        return found

    answering.go.clear()
    first = asyncio.create_task(chat.say("a", asked()))
    while not answering.calls:
        await asyncio.sleep(0.005)
    monkeypatch.setattr(journal, "record", slow_retry)
    retry = asyncio.create_task(chat.say("a", asked()))
    with contextlib.suppress(TimeoutError):  # it need not look while the first turn is under way
        await asyncio.wait_for(looked.wait(), 0.2)
    answering.go.set()
    answer = await first
    stored.set()
    assert await retry == answer
    assert len(answering.calls) == 1


async def test_messages_without_an_id_are_answered_each(journal: Journal) -> None:
    """Without an id the same words twice are two messages."""
    answering = Answering()
    chat = Chat(journal, Reception(journal, answering))
    await chat.say("a", asked(client_id=None))
    await chat.say("a", asked(client_id=None))
    assert len(answering.calls) == 2


async def test_closing_the_page_does_not_stop_the_turn(journal: Journal) -> None:
    """A request that is cancelled leaves its turn running, and the retry gets that turn's answer."""
    answering = Answering(held=True)
    chat = Chat(journal, Reception(journal, answering))
    left = asyncio.create_task(chat.say("a", asked()))
    while not answering.calls:
        await asyncio.sleep(0.005)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    retry = asyncio.create_task(chat.say("a", asked()))
    answering.go.set()
    assert (await retry)["replies"][0]["text"] == "第1次"
    assert len(answering.calls) == 1


async def test_a_failure_is_not_kept(journal: Journal) -> None:
    """A turn that raised is tried again when the message is retried."""
    answering = Answering()

    async def first_fails(message: Inbound) -> Answer:
        if not answering.calls:
            answering.calls.append(message)
            raise RuntimeError("down")
        return await answering(message)

    chat = Chat(journal, Reception(journal, first_fails))
    with pytest.raises(RuntimeError):
        await chat.say("a", asked())
    assert (await chat.say("a", asked()))["replies"][0]["text"] == "第2次"


@pytest.fixture
def page(journal: Journal) -> TestClient:
    """The two routes of a demo county."""
    app = FastAPI()
    senders = Senders("key", demo=True, secure=False)
    app.include_router(
        chat_router(Chat(journal, Reception(journal, Answering())), journal, senders, limiter(3), limiter(3), clean)
    )
    return TestClient(app)


def test_the_route_answers_in_the_contracts_form(page: TestClient) -> None:
    """A message over HTTP gets replies, understanding, sources and case."""
    response = page.post("/api/chat", json={"sender": "a", "text": "低保"})
    assert response.status_code == 200
    assert set(response.json()) == {"message_id", "replies", "understood", "sources", "case"}


def test_the_route_says_what_is_wrong(page: TestClient) -> None:
    """Bad bodies, bodies beyond the limit and the message too many have their own status."""
    assert page.post("/api/chat", content=b"{").status_code == 400
    assert page.post("/api/chat", content=b" " * (BODY_LIMIT + 1)).status_code == 413
    statuses = [page.post("/api/chat", json={"sender": "a", "text": "你好"}).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


def test_news_are_fetched_by_their_sender(page: TestClient, journal: Journal) -> None:
    """Updates go to the sender they are for, and a request without a sender is refused."""
    journal.notify(journal.conversation("web", "a"), "已受理")
    assert page.get("/api/chat/updates", params={"sender": "a"}).json()["updates"][0]["replies"][0]["text"] == "已受理"
    assert page.get("/api/chat/updates", params={"sender": "b"}).json() == {"updates": []}
    assert page.get("/api/chat/updates").status_code == 422


@pytest.mark.parametrize("after", ["\x00", "%", "\u200b"])
def test_news_after_anything_are_fetched(page: TestClient, after: str) -> None:
    """What a client sends as its last id cannot break the query, on either database."""
    assert page.get("/api/chat/updates", params={"sender": "a", "after": after}).json() == {"updates": []}


def test_in_a_live_county_a_senders_name_is_no_key(journal: Journal) -> None:
    """The same sender from another browser is another conversation, and in the demo the same one."""
    live, demo = Senders("key", demo=False, secure=True), Senders("key", demo=True, secure=False)
    assert live.key("a", "browser one") != live.key("a", "browser two")
    assert demo.key("a", "browser one") == demo.key("a", "browser two")
