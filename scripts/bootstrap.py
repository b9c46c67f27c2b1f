#!/usr/bin/env python3
"""Set-up: two locked environments, made once and made again only when their lock changes.

Needs the standard library alone, and Python 3.10 (Rasa) and 3.11 or later (service) somewhere on the machine.
Reaches package registries and, where no local CPU wheel of PyTorch is configured, PyTorch's CPU wheel index.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
FORMAT = "1"  # raise it when what is installed changes though the locks do not


class SetUpFailed(Exception):
    """One line that says what is wrong and what to do."""


def main() -> int:
    with (ROOT / ".setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs at once would write into one environment
        try:
            # ask for both Pythons first: a missing one should be told before minutes of installing
            service_python, rasa_python = find_python("3.11", "3.12", "3.13"), find_python("3.10")
            set_up(ROOT / ".venv", service_python, [LOCKS / "torch.txt", LOCKS / "service.txt"], install_service)
            set_up(ROOT / ".venv-rasa", rasa_python, [LOCKS / "rasa.txt"], install_rasa)
        except SetUpFailed as failure:
            print(f"error: {failure}", file=sys.stderr)
            return 1
    return 0


def find_python(*versions: str) -> Path:
    """An interpreter of one of some versions, tried in order: pyenv's, uv's, then the PATH. Raises SetUpFailed."""
    for version in versions:
        for candidate in [*_of_pyenv(version), *_of_uv(version), shutil.which(f"python{version}")]:
            if candidate and _runs_as(Path(candidate), version):
                return Path(candidate)
    wanted = versions[0]
    raise SetUpFailed(
        f"Python {wanted} was not found. Install it with «pyenv install {wanted}», «uv python install {wanted}» "
        f"or your system's package python{wanted} (with venv), then run this again."
    )


def _of_pyenv(version: str) -> list[Path]:
    """All installed ones, newest first; an inactive version counts too."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = root.glob(f"versions/{version}.*/bin/python{version}")
    return sorted(
        found, key=lambda path: int(path.parts[-3].rsplit(".", 1)[1]) if path.parts[-3][-1].isdigit() else -1, reverse=True
    )


def _of_uv(version: str) -> list[Path]:
    if shutil.which("uv") is None:
        return []
    found = subprocess.run(
        ["uv", "python", "find", "--no-python-downloads", "--system", version], capture_output=True, text=True, check=False
    )
    return [Path(found.stdout.strip())] if found.returncode == 0 and found.stdout.strip() else []


def _runs_as(python: Path, version: str) -> bool:
    """Whether it starts and is what its name says (a pyenv shim may be there without its version)."""
    ask = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    try:
        said = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0 and said.stdout.strip() == version


def set_up(environment: Path, python: Path, locks: list[Path], install) -> None:  # type: ignore[no-untyped-def]
    """Make an environment, unless the one that stands was made of the same Python and locks."""
    made_of = hashlib.sha256(FORMAT.encode() + str(python).encode() + b"".join(lock.read_bytes() for lock in locks)).hexdigest()
    stamp = environment / ".made-of"
    if stamp.exists() and stamp.read_text() == made_of:
        return
    began = time.monotonic()
    say(f"making {environment.name} with {python}")
    if environment.is_symlink():
        environment.unlink()
    shutil.rmtree(environment, ignore_errors=True)
    run([python, "-m", "venv", environment], "creating the environment failed (is the venv module installed?)")
    install(environment / "bin" / "python")
    stamp.write_text(made_of)
    say(f"{environment.name} is ready after {time.monotonic() - began:.0f} s")


def install_service(python: Path) -> None:
    install_torch(python)
    say("installing the service's libraries")
    pip(python, "--no-deps", "-r", LOCKS / "service.txt")
    pip(python, "--no-deps", "--editable", ROOT)


def install_rasa(python: Path) -> None:
    say("installing Rasa and TensorFlow (the largest part)")
    pip(python, "--no-deps", "-r", LOCKS / "rasa.txt")


def install_torch(python: Path) -> None:
    """The CPU build in every case: a local wheel where pip is configured to find one, else PyTorch's CPU index."""
    say("installing PyTorch, CPU build")
    local = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "-r", LOCKS / "torch.txt"]
    if subprocess.run(local, capture_output=True, check=False).returncode == 0:
        return
    if sys.platform == "darwin":  # the ordinary wheel has no CUDA there
        pip(python, "--no-deps", "-r", LOCKS / "torch.txt")
        return
    pip(python, "--no-deps", "--index-url", TORCH_CPU_INDEX, "-r", LOCKS / "torch.txt")


def pip(python: Path, *arguments: object) -> None:
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "10", *arguments]
    run(command, "pip could not install; is the package registry reachable?")


def run(command: list[object], remedy: str) -> None:
    """Raises SetUpFailed with the last lines of what the command said."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise SetUpFailed(f"{remedy}\n{tail}")


def say(line: str) -> None:
    print(f"· {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
