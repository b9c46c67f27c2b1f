"""WeChat through the whole service while that is killed again and again: nothing is lost, nothing is answered twice."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from cadres.case import Case
from channels.journal import InboundRow, Journal
from core import clock
from core.crypto import Vault
from core.database import Database
from core.delivery import State
from core.outbox import Outbox, OutboxRow
from core.settings import PROJECT_ROOT, Settings
from service.supervisor import free_port
from tests.real.conftest import OFFLINE
from tests.simulators.serving import serving
from tests.simulators.wechat import AES_KEY, APP_ID, SECRET, TOKEN, WechatPlatform

QUESTIONS = ["低保怎么申请", "住院能报多少", "残疾补贴有多少", "你好", "危房改造找哪个", "我老公要打死我，救命"]
PUSHES, PER_S, LIVES = 240, 12.0, 3
PROMISE = "马上回您"


class Killed:
    """The service on one data directory and port: started, killed with -9, started again."""

    def __init__(self, settings: Settings, data: Path, **environment: str) -> None:
        self.port, self.data = free_port(), data
        self._own = {
            **os.environ, **OFFLINE, "MINGBAI_BUILD": str(settings.build_dir), "MINGBAI_DATA": str(data),
            "MINGBAI_PORT": str(self.port), **environment,
        }  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Until it answers; Rasa comes later."""
        with (self.data / "service.log").open("ab") as log:
            command = [sys.executable, "-m", "service", "up"]
            self._process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=self._own, stdout=log, stderr=log)
        async with httpx.AsyncClient() as http:
            for _ in range(600):
                try:
                    if (await http.get(f"http://127.0.0.1:{self.port}/healthz")).status_code == 200:
                        return
                except httpx.HTTPError:
                    await asyncio.sleep(0.1)
        raise AssertionError((self.data / "service.log").read_text("utf-8")[-2000:])

    def kill(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)


async def test_killed_in_the_middle_of_it(prepared: Settings, tmp_path: Path) -> None:
    """Hundreds of followers write while the service dies twice. Each message that arrived has one answer, each follower was
    told it, and no case is there twice."""
    platform = WechatPlatform(sealed=True, gap_s=4.0)
    async with serving(platform.app) as api:
        house = Killed(
            prepared, tmp_path, MINGBAI_CHANNELS="wechat", MINGBAI_WECHAT_APP_ID=APP_ID, MINGBAI_WECHAT_APP_SECRET=SECRET,
            MINGBAI_WECHAT_TOKEN=TOKEN, MINGBAI_WECHAT_AES_KEY=AES_KEY, MINGBAI_WECHAT_VERIFIED="true",
            MINGBAI_WECHAT_BASE_URL=api,
        )  # fmt: skip
        platform.url = f"http://127.0.0.1:{house.port}/wechat"
        try:
            await house.start()
            pushing = asyncio.create_task(_push_all(platform))
            for _ in range(LIVES - 1):
                await asyncio.sleep(PUSHES / PER_S / LIVES)
                await asyncio.to_thread(house.kill)
                await house.start()
            await pushing
            await _until_told(tmp_path)
        finally:
            await asyncio.to_thread(house.stop)
    await platform.close()
    _check(platform, tmp_path)


async def _push_all(platform: WechatPlatform) -> None:
    tasks = []
    for number in range(PUSHES):
        tasks.append(asyncio.create_task(platform.say(f"o{number}", QUESTIONS[number % len(QUESTIONS)], MsgId=str(number + 1))))
        await asyncio.sleep(1 / PER_S)
    await asyncio.gather(*tasks)


async def _until_told(data: Path) -> None:
    """All answered, and nothing waits in the outbox."""
    database = Database(f"sqlite:///{data / 'mingbai.db'}")
    outbox, journal = Outbox(database, Vault.open(data)), Journal(database, Vault.open(data))
    end = time.monotonic() + 90
    while time.monotonic() < end:
        waits = {State.QUEUED, State.SENDING} & set(outbox.counts())
        if not waits and not _left(journal):
            break
        await asyncio.sleep(0.5)
    database.close()


def _left(journal: Journal) -> list[Any]:
    return journal.unanswered(clock.now())


def _check(platform: WechatPlatform, data: Path) -> None:
    database = Database(f"sqlite:///{data / 'mingbai.db'}")
    outbox, vault = Outbox(database, Vault.open(data)), Vault.open(data)
    with database.read() as session:
        journalled = {row.conversation: row for row in session.scalars(select(InboundRow))}
        cases = Counter(case.conversation for case in session.scalars(select(Case)))
        # killed with a message in hand: whether the platform has it cannot be known, so it is never sent again
        held = select(OutboxRow.recipient).where(OutboxRow.state.in_((State.SENDING, State.UNKNOWN)))
        doubtful = set(session.scalars(held))
    reached = 0
    for number in range(PUSHES):
        openid = f"o{number}"
        told = platform.of(openid)
        row = journalled.get(outbox.recipient("wechat", openid))
        finals = {text for text in [*told.passive, *told.service] if PROMISE not in text}
        if row is None:  # all three tries found nobody: the platform said so, and nothing was promised
            assert told.passive == told.service == []
            continue
        reached += 1
        assert row.answer is not None, f"{openid} was never answered"
        assert len(finals) <= 1, f"{openid} was told {len(finals)} answers"
        if not finals:
            assert row.conversation in doubtful, f"{openid} was told nothing, and the outbox does not say so"
            continue
        first = vault.unseal_json(row.answer)["replies"][0]["text"]
        assert next(iter(finals)).startswith(first)
    assert reached > PUSHES * 0.6
    assert len(doubtful) < PUSHES * 0.1
    assert max(cases.values(), default=0) <= 1
    assert len(cases) >= reached / len(QUESTIONS) * 0.8
    degraded = (data / "service.log").read_text("utf-8").count("answered without Rasa")
    print(json.dumps({"reached": reached, "without rasa": degraded, "cases": len(cases), "outbox": outbox.counts()}))
    database.close()
