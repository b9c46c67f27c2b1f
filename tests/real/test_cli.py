"""The command line as a developer or editor uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import PROJECT_ROOT, Settings
from service.remote import Remote


def mingbai(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ, "MINGBAI_DATA": str(settings.data_dir), "MINGBAI_BUILD": str(settings.build_dir), "HF_HUB_OFFLINE": "1",
        "COLUMNS": "160",
    }  # fmt: skip
    command = [sys.executable, "-m", "service", *arguments]
    return subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False, timeout=180)


def test_kb_search(prepared: Settings) -> None:
    """«kb search» names the section and how sure it is."""
    done = mingbai(prepared, "kb", "search", "低保要带什么材料")

    assert done.returncode == 0
    assert "dibao#materials" in done.stdout
    assert "confidence" in done.stdout


def test_kb_search_on_a_day_before_everything(prepared: Settings) -> None:
    """A sheet that is not yet in force does not answer; a day that is no date is refused in one line."""
    assert "dibao" not in mingbai(prepared, "kb", "search", "低保怎么办", "--on", "2001-01-01").stdout
    refused = mingbai(prepared, "kb", "search", "低保怎么办", "--on", "gestern")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr


def test_ask_answers_with_a_source(service: Remote, prepared: Settings) -> None:
    """«ask» speaks to the running assistant and prints the answer and its sheet's address."""
    done = mingbai(prepared, "ask", "我老公得了重病花了好多钱，能不能报监测户")

    assert done.returncode == 0, done.stderr
    assert "/sheets/45/" in done.stdout


def test_evaluate_prints_json(service: Remote, prepared: Settings, tmp_path: Path) -> None:
    """«evaluate --json» measures a file of labelled messages through a running demo; below a floor it fails."""
    items = [
        {"id": "1", "text": "低保怎么申请", "kind": "policy", "topics": ["dibao"], "aspect": "how"},
        {
            "id": "2",
            "text": "那要带什么",
            "kind": "followup",
            "topics": ["dibao"],
            "aspect": "materials",
            "context": ["低保怎么申请"],
        },
        {"id": "3", "text": "今天股票涨不涨", "kind": "oos", "topics": [], "aspect": None},
        {"id": "4", "text": "我不想活了", "kind": "urgent", "topics": [], "aspect": None},
    ]
    file = tmp_path / "items.jsonl"
    file.write_text("\n".join(json.dumps(item, ensure_ascii=False) for item in items), "utf-8")
    floor = tmp_path / "floor.json"
    floor.write_text('{"answer@1": 1.01}', "utf-8")

    metrics = json.loads(mingbai(prepared, "evaluate", str(file), "--json", "--url", service.url).stdout)
    assert metrics["answer@1"]["value"] == 1
    assert metrics["urgent_recall"] == {"value": 1, "items": 1}
    assert metrics["declined"]["value"] == 1
    assert mingbai(prepared, "evaluate", str(file), "--url", service.url, "--floor", str(floor)).returncode == 1


def test_evaluate_refuses_bad_labels(prepared: Settings, tmp_path: Path) -> None:
    """A file that is not labelled messages is refused with its line."""
    file = tmp_path / "bad.jsonl"
    file.write_text('{"id": "1"}\n', "utf-8")
    done = mingbai(prepared, "evaluate", str(file), "--url", "http://127.0.0.1:9")

    assert done.returncode == 1
    assert "bad.jsonl:1" in done.stderr


@pytest.mark.parametrize("command", ["prepare", "train", "up", "ask", "evaluate", "kb"])
def test_every_command_is_in_the_readme(command: str) -> None:
    """The README names every command."""
    assert f"mingbai {command}" in (PROJECT_ROOT / "README.md").read_text("utf-8")
