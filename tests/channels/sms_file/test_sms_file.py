"""The file carrier: keeps the contract, and serves no live county."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from channels.sms_file import FileCarrier
from core.delivery import Result
from tests.channels.carrier_contract import Bench, CarrierContract, claimed


@dataclass
class FileBench(Bench):
    """The file that it writes."""

    file: Path

    async def taken(self) -> list[tuple[str, str]]:
        """Its lines."""
        lines = self.file.read_text("utf-8").splitlines() if self.file.exists() else []
        return [(line["to"], line["text"]) for line in map(json.loads, lines)]


class TestFileCarrier(CarrierContract):
    """All of the contract."""

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        """A file in a directory that is not there yet."""
        file = tmp_path / "data" / "sms.jsonl"
        return FileBench(FileCarrier(file), file)

    async def test_a_line_that_was_cut_is_no_message(self, bench: FileBench) -> None:
        """After a crash in the middle of a line nobody can tell."""
        message = claimed()
        await bench.carrier.send(message)
        bench.file.write_text(bench.file.read_text("utf-8")[:-20], "utf-8")
        found = await bench.carrier.find(message)
        assert found is not None
        assert found.result == Result.UNKNOWN

    async def test_a_full_disk_is_waited_for(self, tmp_path: Path) -> None:
        """No message is lost to it."""
        carrier = FileCarrier(tmp_path)  # a directory: it cannot be written
        assert (await carrier.send(claimed())).result == Result.WAIT
