"""Starting and stopping the two sides of the chat benchmark."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import yaml

from benchmarks.load import Side, first_answer
from benchmarks.processes import rasa_environment, running
from core.settings import Settings
from service.artefacts import RASA_PYTHON
from service.remote import start_service
from service.supervisor import free_port

READY_WITHIN_S = 240.0
FIRST_WORDS = "你好"


def _ours(url: str) -> Side:
    return Side(
        "ours", [url], "/api/chat", lambda sender, text: {"sender": sender, "text": text},
        answered=lambda response: response.status_code == 200,
        filed=lambda response: response.json()["understood"]["kind"] == "report" and bool(response.json()["case"]),
    )  # fmt: skip


def stock_side(name: str, urls: list[str]) -> Side:
    return Side(
        name, urls, "/webhooks/rest/webhook", lambda sender, text: {"sender": sender, "message": text},
        answered=lambda response: response.status_code == 200 and bool(response.json()),
        filed=lambda response: any("报好了" in (said.get("text") or "") for said in response.json()),
    )  # fmt: skip


class Ours:
    """Our service on a data directory of its own, prepared once."""

    def __init__(self, scratch: Path) -> None:
        self._data = scratch / "ours"
        self._data.mkdir()

    @contextmanager
    def up(self) -> Iterator[tuple[Side, int, float]]:
        """The side, its process, and the seconds from the start to the first turn through Rasa."""
        began = time.monotonic()
        with start_service(Settings(), self._data) as remote:  # comes back when a full turn succeeded
            side = _ours(remote.url)
            first_answer(side, f"first-{began}", FIRST_WORDS, READY_WITHIN_S, lambda: True)
            assert remote.pid is not None
            yield side, remote.pid, time.monotonic() - began

    @property
    def degraded(self) -> int:
        """Turns that were answered without Rasa: no full answers."""
        return (self._data / "service.log").read_text("utf-8").count("answered without Rasa")


class Stock:
    """The stock project: its action server, and Rasa servers with a SQLite tracker store each."""

    def __init__(self, project: Path, scratch: Path) -> None:
        self._project, self._scratch = project, scratch
        self._actions = free_port()
        self._stores = 0

    @contextmanager
    def actions(self) -> Iterator[int]:
        """The action server; gives its process."""
        command = [str(RASA_PYTHON), "-m", "rasa", "run", "actions", "--actions", "actions", "-p", str(self._actions)]
        environment = {**rasa_environment(), "SANIC_HOST": "127.0.0.1"}
        with running(command, self._project, environment, self._scratch / "actions.log") as process:
            end = time.monotonic() + READY_WITHIN_S
            while not self._is_healthy():
                if time.monotonic() > end or process.poll() is not None:
                    raise TimeoutError("the stock assistant's action server did not start")
                time.sleep(0.1)
            yield process.pid

    @contextmanager
    def rasa(self) -> Iterator[tuple[str, int, float]]:
        """«rasa run»: its address, its process, and the seconds from the start to the first answer."""
        self._stores += 1
        port, endpoints = free_port(), self._scratch / f"endpoints-{self._stores}.yml"
        store = {"type": "SQL", "dialect": "sqlite", "db": str(self._scratch / f"stock-{self._stores}.db")}
        content = {"action_endpoint": {"url": f"http://127.0.0.1:{self._actions}/webhook"}, "tracker_store": store}
        endpoints.write_text(yaml.safe_dump(content), "utf-8")
        command = [
            str(RASA_PYTHON), "-m", "rasa", "run", "--interface", "127.0.0.1", "--port", str(port), "--model",
            "models/stock.tar.gz", "--endpoints", str(endpoints), "--credentials", "credentials.yml",
        ]  # fmt: skip
        began = time.monotonic()
        with running(command, self._project, rasa_environment(), self._scratch / f"rasa-{self._stores}.log") as process:
            url = f"http://127.0.0.1:{port}"
            side = stock_side("stock", [url])
            first_answer(side, f"first-{began}", FIRST_WORDS, READY_WITHIN_S, lambda: process.poll() is None)
            yield url, process.pid, time.monotonic() - began

    def _is_healthy(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self._actions}/health", timeout=2, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def scratch_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mingbai-bench-") as directory:
        yield Path(directory)


@contextmanager
def everything(ours: Ours, stock: Stock) -> Iterator[tuple[Side, Side, Side, dict[str, list[int]]]]:
    """All up at once, to be loaded one after another: ours, stock as a pair, stock alone; and the processes of each.

    The pair's first Rasa is the one that stands alone.
    """
    with ExitStack() as stack:
        side, pid, _ = stack.enter_context(ours.up())
        actions = stack.enter_context(stock.actions())
        (one, first, _), (other, _, _) = stack.enter_context(stock.rasa()), stack.enter_context(stock.rasa())
        yield side, stock_side("stock x2", [one, other]), stock_side("stock", [one]), {"ours": [pid], "stock": [actions, first]}
