"""Channels: WeChat's pushes through the whole service, and the outbox to a carrier that is 50 ms away. See README.md."""

from __future__ import annotations

import asyncio
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.conversations import Villagers
from benchmarks.load import interleaved
from benchmarks.processes import running
from benchmarks.sides import scratch_directory
from core.settings import PROJECT_ROOT, Settings
from service.remote import start_service
from service.supervisor import free_port
from tests.simulators.serving import serving
from tests.simulators.wechat import AES_KEY, APP_ID, SECRET, TOKEN, WechatPlatform

RESULTS = Path(__file__).parent / "results" / "channels.json"
PUSHES, PER_S = 1000, 20.0
MESSAGES = 20_000
CARRIER_UP_WITHIN_S = 20
console = Console()


def main(*, quick: bool = False) -> None:
    """Measure, print, and write the results (not with ``quick``)."""
    with scratch_directory() as scratch:
        figures = _outbox(scratch, 2000 if quick else MESSAGES)
        figures += asyncio.run(_wechat(scratch, 60 if quick else PUSHES))
    table = Table("", "value", "unit", title="channels")
    for figure in figures:
        table.add_row(figure["name"], str(figure["value"]), figure["unit"])
    console.print(table)
    if not quick:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
        console.print(f"written: {RESULTS}")


def _figure(name: str, value: float, unit: str) -> dict[str, Any]:
    return {"name": name, "value": round(value, 1), "unit": unit}


# --- the outbox ------------------------------------------------------------------------------------------------------


def _outbox(scratch: Path, count: int) -> list[dict[str, Any]]:
    """Sender and carrier are processes of their own; memory is the sender's, at a quarter of the way and at the end."""
    with _carrier(scratch) as url:
        command = [sys.executable, "-m", "benchmarks.outbox_sender", f"sqlite:///{scratch / 'outbox.db'}", url, str(count)]
        said = subprocess.run(command, cwd=PROJECT_ROOT, check=True, capture_output=True, text=True, timeout=600)
    measured = json.loads(said.stdout.splitlines()[-1])
    console.print(f"[dim]load {os.getloadavg()[0]:.1f}[/] outbox: {measured}", highlight=False)
    return [
        _figure("outbox_per_s", measured["per_s"], "msg/s"),
        _figure("outbox_rss_mb", measured["rss_mb_end"], "MB"),
        _figure("outbox_rss_growth_mb", measured["rss_mb_end"] - measured["rss_mb_quarter"], "MB"),
    ]


@contextmanager
def _carrier(scratch: Path) -> Iterator[str]:
    import httpx

    port = free_port()
    command = [sys.executable, "-m", "benchmarks.slow_carrier", str(port)]
    with running(command, PROJECT_ROOT, dict(os.environ), scratch / "carrier.log") as process:
        end = time.monotonic() + CARRIER_UP_WITHIN_S
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/", timeout=2, trust_env=False)
                break
            except httpx.TransportError:
                if time.monotonic() > end or process.poll() is not None:
                    raise TimeoutError("the slow carrier did not start") from None
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"


# --- WeChat -----------------------------------------------------------------------------------------------------------


async def _wechat(scratch: Path, pushes: int) -> list[dict[str, Any]]:
    """Sealed pushes at a fixed rate; latency from the moment at which a push was due to the passive reply."""
    platform = WechatPlatform(sealed=True)
    data = scratch / "wechat"
    data.mkdir()
    async with serving(platform.app) as api:
        environment = {
            "MINGBAI_CHANNELS": "wechat", "MINGBAI_WECHAT_APP_ID": APP_ID, "MINGBAI_WECHAT_APP_SECRET": SECRET,
            "MINGBAI_WECHAT_TOKEN": TOKEN, "MINGBAI_WECHAT_AES_KEY": AES_KEY, "MINGBAI_WECHAT_VERIFIED": "true",
            "MINGBAI_WECHAT_BASE_URL": api,
        }  # fmt: skip
        service = start_service(Settings(), data, **environment)
        remote = await asyncio.to_thread(service.__enter__)
        try:
            platform.url = f"{remote.url}/wechat"
            await platform.say("warm-up", "你好")
            latencies = await _storm(platform, interleaved(Villagers("wechat").conversations(pushes)))
        finally:
            await asyncio.to_thread(service.__exit__, None, None, None)
    await platform.close()
    told = platform.told.values()
    promised = sum("马上回您" in reply for one in told for reply in one.passive)
    console.print(
        f"[dim]load {os.getloadavg()[0]:.1f}[/] wechat: {len(latencies)} pushes, {promised} promises, "
        f"{platform.tries - len(latencies) - 1} tries more, {sum(one.broken for one in told)} broken, "
        f"p50 {_quantile(latencies, 0.5):.0f} ms",
        highlight=False,
    )
    return [
        _figure("wechat_passive_p95_ms", _quantile(latencies, 0.95), "ms"),
        _figure("wechat_passive_max_ms", max(latencies), "ms"),
    ]


async def _storm(platform: WechatPlatform, messages: list[tuple[str, str]]) -> list[float]:
    latencies: list[float] = []

    async def one(openid: str, text: str, due: float) -> None:
        await platform.say(openid, text)
        latencies.append((time.perf_counter() - due) * 1000)

    began = time.perf_counter()
    tasks = []
    for place, (openid, text) in enumerate(messages):
        due = began + place / PER_S
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(openid, text, due)))
    await asyncio.gather(*tasks)
    return latencies


def _quantile(values: list[float], share: float) -> float:
    """The value that a share of all lie at or below."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]
