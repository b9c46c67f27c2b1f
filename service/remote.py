"""Talking to a running service, or to one started for the purpose on a data directory of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from core.errors import ConfigurationError
from core.settings import PROJECT_ROOT, Settings

READY_WITHIN_S = 180.0
ANSWER_WITHIN_S = 30.0


@dataclass
class Remote:
    """A service somewhere. ``log`` is its output, when we started it."""

    url: str
    http: httpx.Client
    pid: int | None = None

    def chat(self, sender: str, text: str, **more: str) -> dict[str, Any]:
        """One message; the contract's answer. Raises httpx.HTTPStatusError."""
        # written with escapes: whatever a labelled file holds can be sent, a lone surrogate too
        body = json.dumps({"sender": sender, "text": text, **more})
        response = self.http.post("/api/chat", content=body, headers={"content-type": "application/json"})
        response.raise_for_status()
        return dict(response.json())

    def is_ready(self, *, full: bool) -> bool:
        try:
            return self.http.get("/readyz", params={"full": int(full)}).status_code == 200
        except httpx.HTTPError:
            return False


@contextmanager
def connect(url: str) -> Iterator[Remote]:
    with httpx.Client(base_url=url, timeout=ANSWER_WITHIN_S) as http:
        yield Remote(url, http)


@contextmanager
def running_service(settings: Settings, say: Callable[[str], None]) -> Iterator[Remote]:
    """The service of this data directory if it runs, else one of our own on throwaway data."""
    if settings.run_file.exists():
        url = json.loads(settings.run_file.read_text("utf-8"))["url"]
        with connect(url) as remote:
            if remote.is_ready(full=True):
                yield remote
                return
    say("no assistant is running here: starting one for this")
    with throwaway_service(settings) as remote:
        yield remote


@contextmanager
def throwaway_service(settings: Settings, **environment: str) -> Iterator[Remote]:
    """A demo county on a temporary data directory and a free port, gone afterwards. Raises ConfigurationError."""
    with tempfile.TemporaryDirectory(prefix="mingbai-") as data, start_service(settings, Path(data), **environment) as remote:
        yield remote


@contextmanager
def start_service(settings: Settings, data: Path, **environment: str) -> Iterator[Remote]:
    """«mingbai up» as a process on a data directory and a free port, until the block ends."""
    own = {**os.environ, "MINGBAI_BUILD": str(settings.build_dir), "MINGBAI_DATA": str(data), "MINGBAI_PORT": "0", **environment}
    run_file = data / "run.json"
    with (data / "service.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "service", "up"], cwd=PROJECT_ROOT, env=own, stdout=log, stderr=log)
    try:
        url = _wait_for_address(process, run_file, data / "service.log")
        with connect(url) as remote:
            remote.pid = process.pid
            _wait(process, data / "service.log", lambda: remote.is_ready(full=True))
            yield remote
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_address(process: subprocess.Popen[bytes], run_file: Path, log: Path) -> str:
    # a data directory may hold the note of a service that was killed: only our own process's counts
    def written() -> bool:
        return run_file.exists() and json.loads(run_file.read_text("utf-8") or "{}").get("pid") == process.pid

    _wait(process, log, written)
    return str(json.loads(run_file.read_text("utf-8"))["url"])


def _wait(process: subprocess.Popen[bytes], log: Path, ready: Callable[[], bool]) -> None:
    end = time.monotonic() + READY_WITHIN_S
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise ConfigurationError(f"the assistant did not start:\n{log.read_text('utf-8')[-2000:]}")
        time.sleep(0.1)
