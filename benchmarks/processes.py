"""Child processes of a benchmark: own sessions, killed at the end, their memory."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STOP_WITHIN_S = 10


def rasa_environment() -> dict[str, str]:
    """What a stock Rasa process gets: no telemetry, no GPU, quiet logs; nothing of ours."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("MINGBAI_")}
    for tuned in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "PYTHONPATH"):
        own.pop(tuned, None)
    return {
        **own, "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    }  # fmt: skip


@contextmanager
def running(command: list[str], cwd: Path, environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own until the block ends."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        for sent in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, sent)
                process.wait(STOP_WITHIN_S)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        process.wait()


def tree(pid: int) -> list[int]:
    """A process and everything below it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text("utf-8", "replace").rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, left = [], [pid]
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return found


def rss_mb(pids: list[int]) -> float:
    """Resident memory of process trees, in MB of 2**20 bytes."""
    return sum(own_rss_mb(pid) for top in pids for pid in tree(top))


def own_rss_mb(pid: int) -> float:
    """Resident memory of one process; 0 for one that has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
