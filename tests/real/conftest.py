"""The real thing: built artefacts, a running service with its Rasa, a browser."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.settings import PROJECT_ROOT, Settings
from service.remote import Remote, start_service

CHROMIUM = shutil.which("chromium")
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/real" in str(item.path):
            item.add_marker("real")


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings over the project's build directory and fresh data."""
    os.environ.update(OFFLINE)
    return Settings(data=tmp_path_factory.mktemp("county"))


@pytest.fixture(scope="session")
def prepared(settings: Settings) -> Settings:
    """Encoder, model and index are built; the demo county is seeded. In a process of its own, as «mingbai up» does it."""
    own = {**os.environ, "MINGBAI_DATA": str(settings.data_dir), "MINGBAI_BUILD": str(settings.build_dir)}
    done = subprocess.run([sys.executable, "-m", "service", "prepare"], cwd=PROJECT_ROOT, env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return settings


@pytest.fixture(scope="session")
def service(prepared: Settings) -> Iterator[Remote]:
    """One service for all tests that do not break it."""
    with start_service(prepared, prepared.data_dir, **OFFLINE) as remote:
        yield remote


@pytest.fixture
def own_service(prepared: Settings, tmp_path: Path) -> Iterator[Remote]:
    """A service that a test may break."""
    with start_service(prepared, tmp_path, MINGBAI_TURN_TIMEOUT_S="3", **OFFLINE) as remote:
        yield remote


@pytest.fixture
def say(service: Remote) -> Callable[..., dict[str, Any]]:
    """Talk as a fresh villager."""
    sender = f"test-{secrets.token_hex(6)}"
    return lambda text, **more: service.chat(sender, text, **more)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, headless. Gone with the last test of its file: while it runs, so does its event loop, and no other
    test could start one."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("CI must run the browser tests, and there is no chromium")
        pytest.skip("no chromium on this machine: install Debian's package «chromium»")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield running
        running.close()


def texts(answer: dict[str, Any]) -> str:
    """All bubbles of an answer."""
    return "\n".join(reply["text"] for reply in answer["replies"])
