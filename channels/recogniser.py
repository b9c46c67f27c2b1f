"""Speech to text, behind a setting: a program that gets a recording and prints what it understood."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
from typing import Protocol

from channels.voice import Audio, Heard
from core.errors import MingbaiError

LONGEST = 4000  # characters of a transcript that are kept


class RecogniserFailed(MingbaiError):
    """这段语音没有听出来。"""


class Recogniser(Protocol):
    """Understands a recording."""

    async def hear(self, audio: Audio) -> Heard:
        """What was said, as well as it can be told. Raises RecogniserFailed."""


class CommandRecogniser:
    """Runs a command for each recording: the audio comes on standard input, its media type in ``AUDIO_TYPE``.

    It prints either ``{"text": "…", "confidence": 0.87}`` (confidence optional) or the plain text. Nothing touches the
    disk here, no shell is involved, and what it writes to standard error is dropped: it may carry the villager's words.
    """

    def __init__(self, command: str, *, timeout_s: float = 20, at_once: int = 1) -> None:
        self._argv = shlex.split(command)
        self._timeout_s = timeout_s
        self._places = asyncio.Semaphore(at_once)
        # the program needs none of our settings: they name databases and their passwords
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("MINGBAI_")}

    async def hear(self, audio: Audio) -> Heard:
        async with self._places:
            return parse_transcript(await self._run(audio))

    async def _run(self, audio: Audio) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
                env={**self._environment, "AUDIO_TYPE": audio.media_type}, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise RecogniserFailed(f"the recogniser does not start: {error.strerror}") from error
        try:
            output, _ = await asyncio.wait_for(process.communicate(audio.data), self._timeout_s)
        except TimeoutError:
            raise RecogniserFailed(f"the recogniser took longer than {self._timeout_s:g} s") from None
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode != 0:
            raise RecogniserFailed(f"the recogniser ended with {process.returncode}")
        return output


def parse_transcript(output: bytes) -> Heard:
    """A recogniser's output. Raises RecogniserFailed."""
    try:
        text = output.decode().strip()
    except UnicodeDecodeError as error:
        raise RecogniserFailed("the recogniser did not print UTF-8") from error
    if not text.startswith("{"):
        return Heard(text[:LONGEST])
    try:
        said = json.loads(text)
        found, sure = said.get("text"), said.get("confidence")
    except (ValueError, RecursionError) as error:
        raise RecogniserFailed("the recogniser printed broken JSON") from error
    numbers = isinstance(sure, int | float) and not isinstance(sure, bool) and 0 <= sure <= 1
    if not isinstance(found, str) or not (sure is None or numbers):
        raise RecogniserFailed('the recogniser has to print {"text": "…", "confidence": 0..1}')
    return Heard(found.strip()[:LONGEST], None if sure is None else float(sure))
