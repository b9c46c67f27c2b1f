"""Keeps one Rasa running: starts it, waits until it answers, restarts it when it dies, stops it on exit."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from pathlib import Path

import structlog

from bot.client import RasaAddress, RasaClient
from bot.guardian import SERVICE
from core.settings import PROJECT_ROOT

log = structlog.get_logger()
POLL_S = 0.25
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
STOP_WITHIN_S = 8.0


def free_port() -> int:
    """A port that nobody listens on now, on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def rasa_arguments(address: RasaAddress, model: Path) -> list[str]:
    """What follows «rasa run»: one model on one loopback port, behind its token."""
    # joined by «=»: a token or path that begins with «-» would be read as an option of its own, and Rasa would not start
    return [
        "--enable-api", f"--auth-token={address.token}", "--interface=127.0.0.1", f"--port={address.url.rsplit(':', 1)[1]}",
        f"--model={model}", "--endpoints=bot/endpoints.yml", "--credentials=bot/credentials.yml",
    ]  # fmt: skip


class RasaSupervisor:
    """The embedded Rasa process. ``ready`` is set while it answers."""

    def __init__(
        self,
        *,
        python: Path,
        model: Path,
        encoder: Path,
        trackers: Path,
        action_url: str,
        action_token: str,
        log_file: Path,
    ) -> None:
        self.address = RasaAddress(f"http://127.0.0.1:{free_port()}", secrets.token_hex(24))
        self.ready = asyncio.Event()
        self.pid: int | None = None
        self.restarts = 0
        self._python, self._model, self._log_file = python, model, log_file
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MINGBAI_")},
            "MINGBAI_ENCODER": str(encoder),
            "MINGBAI_TRACKERS": str(trackers),
            "MINGBAI_ACTION_URL": action_url,
            "MINGBAI_ACTION_TOKEN": action_token,
            SERVICE: str(os.getpid()),
            "PYTHONPATH": str(PROJECT_ROOT),
            "RASA_TELEMETRY_ENABLED": "false",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "-1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
            "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        }
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._supervise(), name="rasa supervisor")

    async def stop(self) -> None:
        """Stop Rasa and the supervision."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _supervise(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            process = await self._spawn()
            try:
                was_ready = await self._watch(process)
            finally:
                self.ready.clear()
                await self._end(process)
            pause = FIRST_PAUSE_S if was_ready else min(pause * 2, LONGEST_PAUSE_S)
            self.restarts += 1
            log.warning("Rasa ended, starting it again", exit_code=process.returncode, pause_s=pause, log=str(self._log_file))
            await asyncio.sleep(pause)

    async def _spawn(self) -> asyncio.subprocess.Process:
        command = [str(self._python), "-m", "rasa", "run", *rasa_arguments(self.address, self._model)]
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        with self._log_file.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=PROJECT_ROOT, env=self._environment, stdin=asyncio.subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True,
            )  # fmt: skip
        self.pid = process.pid
        return process

    async def _watch(self, process: asyncio.subprocess.Process) -> bool:
        """Wait for readiness, then for the end; says whether it ever was ready."""
        client = RasaClient(self.address, timeout_s=2)
        try:
            while process.returncode is None and not await client.is_ready():
                await asyncio.sleep(POLL_S)
        finally:
            await client.close()
        if process.returncode is not None:
            return False
        log.info("Rasa is ready", pid=process.pid)
        self.ready.set()
        await process.wait()
        return True

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        for sent in (signal.SIGTERM, signal.SIGKILL):
            if process.returncode is not None:
                return
            os.killpg(process.pid, sent)
            try:
                await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
            except TimeoutError:
                continue
