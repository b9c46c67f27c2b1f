"""SMS for demos: what would be sent is appended to a file. A live county cannot be served by it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from channels.carrier import Capabilities, Channel, Means
from channels.sms import CHANNEL, number, text_of
from core import clock
from core.delivery import Outcome, Result
from core.errors import ConfigurationError
from core.outbox import Claimed

FILE = "sms.jsonl"


class FileCarrier:
    """One JSON object a line: when, which message, to whom, what."""

    name = "sms_file"
    capabilities = Capabilities(two_way=False, free_text=True, links=True, reports=False, finds=True, parts=8)

    def __init__(self, file: Path) -> None:
        self._file = file
        self._turn = asyncio.Lock()

    async def send(self, message: Claimed) -> Outcome:
        to, text = number(message.to), text_of(message.content)
        if to is None:
            return Outcome(Result.FAILED, "no number")
        if not text:
            return Outcome(Result.FAILED, "empty")
        line = {"at": clock.now().isoformat(), "id": message.id, "to": to, "text": text}
        try:
            async with self._turn:
                await asyncio.to_thread(self._append, json.dumps(line, ensure_ascii=False))
        except OSError as error:
            return Outcome(Result.WAIT, type(error).__name__)
        return Outcome(Result.SENT, provider_id=message.id)

    async def find(self, message: Claimed) -> Outcome | None:
        """A line that a crash cut is no message."""
        try:
            lines = await asyncio.to_thread(self._file.read_text, "utf-8") if self._file.exists() else ""
        except OSError:
            return None
        wanted = f'"id": "{message.id}"'
        there = any(wanted in line and line.endswith("}") for line in lines.splitlines())
        return Outcome(Result.SENT, provider_id=message.id) if there else Outcome(Result.UNKNOWN, "not in the file")

    async def close(self) -> None:
        """Nothing is open."""

    def _append(self, line: str) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as out:
            out.write(f"{line}\n")


def channel(means: Means) -> Channel:
    """Raises ConfigurationError in a live county."""
    if not means.demo:
        raise ConfigurationError("the channel sms_file only writes to a file: a live county needs a real SMS carrier")
    return Channel("sms_file", carriers={CHANNEL: FileCarrier(means.data_dir / FILE)})
