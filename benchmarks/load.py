"""The client: plays conversations against a side over HTTP and takes the time of every message."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from benchmarks.conversations import Conversation

MESSAGE_WITHIN_S = 30.0
PHASE_WITHIN_S = 900.0
Judge = Callable[[httpx.Response], bool]


@dataclass(frozen=True)
class Side:
    """An assistant under test: where it listens, how a message is put to it, and what counts as answered.

    Several addresses: a sender always goes to the same one.
    """

    name: str
    urls: list[str]
    path: str
    body: Callable[[str, str], dict[str, Any]]
    answered: Judge
    filed: Judge

    def address(self, sender: str) -> str:
        return self.urls[zlib.crc32(sender.encode()) % len(self.urls)] + self.path


@dataclass
class Outcome:
    """What a phase gave. ``latencies`` in ms, of answered messages only."""

    latencies: list[float] = field(default_factory=list)
    failures: int = 0
    filed: int = 0  # reports that ended with a number
    seconds: float = 0.0

    def __iadd__(self, other: Outcome) -> Outcome:
        self.latencies += other.latencies
        self.failures += other.failures
        self.filed += other.filed
        self.seconds += other.seconds
        return self

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0


def closed_loop(side: Side, conversations: list[Conversation], connections: int) -> Outcome:
    """Each connection plays a conversation, message after answer, then takes the next."""
    return asyncio.run(asyncio.wait_for(_closed(side, conversations, connections), PHASE_WITHIN_S))


def open_loop(side: Side, conversations: list[Conversation], per_second: float) -> Outcome:
    """A message every 1/per_second, answered or not; latency counts from when it was due."""
    return asyncio.run(asyncio.wait_for(_open(side, conversations, per_second), PHASE_WITHIN_S))


def first_answer(side: Side, sender: str, text: str, within_s: float, alive: Callable[[], bool]) -> None:
    """Wait until a message is answered. Raises TimeoutError."""
    end = time.monotonic() + within_s
    with httpx.Client(timeout=MESSAGE_WITHIN_S) as http:
        while time.monotonic() < end and alive():
            try:
                if side.answered(http.post(side.address(sender), json=side.body(sender, text))):
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
    raise TimeoutError(f"{side.name} did not answer within {within_s} s")


def _http(connections: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.AsyncClient(timeout=MESSAGE_WITHIN_S, limits=limits, trust_env=False)


async def _closed(side: Side, conversations: list[Conversation], connections: int) -> Outcome:
    waiting, outcome = deque(conversations), Outcome()

    async def connection(http: httpx.AsyncClient) -> None:
        while waiting:
            one = waiting.popleft()
            for text in one.texts:
                await _send(side, http, one.sender, text, outcome, time.perf_counter())

    async with _http(connections) as http:
        began = time.perf_counter()
        await asyncio.gather(*(connection(http) for _ in range(connections)))
        outcome.seconds = time.perf_counter() - began
    return outcome


async def _open(side: Side, conversations: list[Conversation], per_second: float) -> Outcome:
    outcome = Outcome()
    async with _http(256) as http:
        began = time.perf_counter()
        sent = []
        for place, (sender, text) in enumerate(interleaved(conversations)):
            due = began + place / per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sent.append(asyncio.create_task(_send(side, http, sender, text, outcome, due)))
        await asyncio.gather(*sent)
        outcome.seconds = time.perf_counter() - began
    return outcome


def interleaved(conversations: list[Conversation], at_once: int = 20) -> list[tuple[str, str]]:
    """The messages of many conversations in turn, so that a villager's next comes some seconds after his last."""
    waiting = deque((one.sender, deque(one.texts)) for one in conversations)
    talking = deque(waiting.popleft() for _ in range(min(at_once, len(waiting))))
    order = []
    while talking:
        sender, texts = talking.popleft()
        order.append((sender, texts.popleft()))
        if texts:
            talking.append((sender, texts))
        elif waiting:
            talking.append(waiting.popleft())
    return order


async def _send(side: Side, http: httpx.AsyncClient, sender: str, text: str, outcome: Outcome, due: float) -> None:
    try:
        response = await http.post(side.address(sender), json=side.body(sender, text))
    except httpx.TransportError:
        outcome.failures += 1
        return
    took = (time.perf_counter() - due) * 1000
    if side.answered(response):
        outcome.latencies.append(took)
        outcome.filed += side.filed(response)
    else:
        outcome.failures += 1
