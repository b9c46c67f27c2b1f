"""How much memory the writing of a ledger takes: a process of its own, measured at its peak."""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
from pathlib import Path
from typing import Any

from cadres.case import Cases
from cadres.ledger import Ledger
from core import clock
from core.accounts import Account
from core.crypto import Vault
from core.database import Database
from core.regions import load_regions


def peak_mb(url: str, key: bytes, region: str, rows: int) -> float:
    """The peak memory, in MB, of a process that writes the ledger of a place to Excel; at least ``rows`` rows are expected."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_write, args=(theirs, url, key, region))
    process.start()
    written, peak = ours.recv()
    process.join()
    if written < rows:
        raise RuntimeError(f"the ledger has {written} rows, not {rows}")
    return float(peak)


def _write(pipe: Any, url: str, key: bytes, region: str) -> None:
    database, account = Database(url), Account(id=1, role="county", region=region, named=True)
    ledger = Ledger(Cases(Vault(key)), load_regions())
    with tempfile.TemporaryDirectory() as scratch, database.read() as session:
        written = ledger.write(session, account, clock.today(), Path(scratch) / "ledger.xlsx", "benchmark")
    pipe.send((written, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
