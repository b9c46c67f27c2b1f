"""The recogniser command: a real program that gets a recording and prints what it understood."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.recogniser import CommandRecogniser, RecogniserFailed, parse_transcript
from channels.voice import Audio, Heard

AUDIO = Audio(b"OggS" + bytes(range(256)) * 4000, "audio/ogg")  # more than a pipe holds


def program(tmp_path: Path, body: str) -> str:
    """A command that runs a little program of ours."""
    file = tmp_path / "with blank" / "recogniser.py"
    file.parent.mkdir()
    file.write_text(f"import json, os, sys, time\naudio = sys.stdin.buffer.read()\n{body}\n", "utf-8")
    return shlex.join([sys.executable, "-S", str(file)])


async def test_it_gets_the_whole_recording(tmp_path: Path) -> None:
    """All bytes come on standard input and the type in the environment; text and confidence come back."""
    command = program(tmp_path, 'print(json.dumps({"text": f"{len(audio)} {os.environ[\'AUDIO_TYPE\']}", "confidence": 0.87}))')
    assert await CommandRecogniser(command).hear(AUDIO) == Heard(f"{len(AUDIO.data)} audio/ogg", 0.87)


async def test_plain_text_is_a_transcript(tmp_path: Path) -> None:
    """A program that only prints words is understood, without a confidence."""
    command = program(tmp_path, 'sys.stdout.buffer.write("低保怎么办\\n".encode())')
    assert await CommandRecogniser(command).hear(AUDIO) == Heard("低保怎么办")


async def test_it_learns_nothing_of_our_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings, which may name a database's password, are kept from the program."""
    monkeypatch.setenv("MINGBAI_DATABASE_URL", "postgresql://secret")
    command = program(tmp_path, "print([name for name in os.environ if name.startswith('MINGBAI')])")
    assert (await CommandRecogniser(command).hear(AUDIO)).text == "[]"


@pytest.mark.parametrize(
    "body",
    ["sys.exit(3)", "os.kill(os.getpid(), 9)", 'print("{")', 'sys.stdout.buffer.write(b"\\xff\\xfe")', 'print("[" * 0 + "{}")'],
)
async def test_a_program_that_fails_is_an_error(tmp_path: Path, body: str) -> None:
    """A bad exit, a crash, broken JSON, strange bytes, JSON without a text: each is an error, never a guess."""
    with pytest.raises(RecogniserFailed):
        await CommandRecogniser(program(tmp_path, body)).hear(AUDIO)


async def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    """A command that cannot start is an error like the others."""
    with pytest.raises(RecogniserFailed):
        await CommandRecogniser(str(tmp_path / "nothing")).hear(AUDIO)


async def test_a_slow_program_is_ended_with_its_children(tmp_path: Path) -> None:
    """After its time it is ended, and what it started too."""
    note = tmp_path / "child"
    body = (
        "import subprocess\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\ntime.sleep(60)"
    )
    began = time.monotonic()
    with pytest.raises(RecogniserFailed, match="longer"):
        await CommandRecogniser(program(tmp_path, body), timeout_s=3).hear(AUDIO)
    assert time.monotonic() - began < 20
    child = int(note.read_text())
    for _ in range(50):
        if not _runs(child):
            break
        await asyncio.sleep(0.1)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    """Whether a process is there and no zombie: nobody may be left to reap it in a container."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return not Path("/proc").exists()
    return False


@pytest.mark.parametrize(
    "output",
    ['{"text": 5}', '{"confidence": 1}', '{"text": "a", "confidence": 2}', '{"text": "a", "confidence": true}', "{" * 99],
)
def test_output_of_another_form_is_refused(output: str) -> None:
    """Text must be text and confidence a number from 0 to 1."""
    with pytest.raises(RecogniserFailed):
        parse_transcript(output.encode())


@given(st.binary(max_size=80) | st.text(max_size=40).map(str.encode))
def test_any_output_is_a_transcript_or_an_error(output: bytes) -> None:
    """Whatever a program prints, nothing but RecogniserFailed is raised."""
    with contextlib.suppress(RecogniserFailed):
        assert isinstance(parse_transcript(output).text, str)
