"""Writes the stock project out of our sheets and NLU examples, and trains it once: ``build/stock_rasa/<hash of inputs>``."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.processes import rasa_environment
from core.settings import Settings
from knowledge_base.sheet import Section, load_sheets
from service.artefacts import LOCKS, RASA_PYTHON, SHEETS, all_examples

HERE = Path(__file__).parent
TRAINED_WITHIN_S = 1200


def trained() -> Path | None:
    """The project's directory if it is trained already."""
    project = _project(_training_inputs())
    return project if (project / "models" / "stock.tar.gz").exists() else None


def prepare() -> Path:
    """The trained project's directory; trains it if its inputs changed. Raises CalledProcessError."""
    inputs = _training_inputs()
    project = _project(inputs)
    for name, content in inputs.items():
        file = project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    for name in ("credentials.yml", "actions.py"):
        shutil.copyfile(HERE / name, project / name)
    if not (project / "models" / "stock.tar.gz").exists():
        _train(project)
    return project


def _project(inputs: dict[str, bytes]) -> Path:
    return Settings().build_dir / "stock_rasa" / _key(inputs)


def _train(project: Path) -> None:
    print(f"training the stock assistant in {project} (some minutes, once)", flush=True)
    began = time.monotonic()
    command = [str(RASA_PYTHON), "-m", "rasa", "train", "--fixed-model-name", "stock", "--out", "models", "--data", "data"]
    with (project / "train.log").open("w") as log:
        subprocess.run(
            command, cwd=project, env=rasa_environment(), stdout=log, stderr=log, check=True, timeout=TRAINED_WITHIN_S
        )  # fmt: skip
    print(f"trained in {time.monotonic() - began:.0f} s", flush=True)


def _training_inputs() -> dict[str, bytes]:
    """What «rasa train» reads, by its place in the project: our NLU examples, with the policy questions a FAQ."""
    faq = {
        f"faq/{sheet.id}_{section.key.replace('.', '-')}": section for sheet in load_sheets(SHEETS) for section in sheet.sections
    }
    examples = {name: section.asked for name, section in faq.items()}
    examples |= {intent: said for intent, said in all_examples().items() if intent != "ask_policy"}
    nlu = [{"intent": intent, "examples": "".join(f"- {line}\n" for line in said)} for intent, said in examples.items()]
    return {
        "config.yml": (HERE / "config.yml").read_bytes(),
        "domain.yml": _yaml(_domain(faq)),
        "data/nlu.yml": _yaml({"version": "3.1", "nlu": nlu}),
        "data/rules.yml": (HERE / "rules.yml").read_bytes(),
        "data/stories.yml": (HERE / "stories.yml").read_bytes(),
    }


def _domain(faq: dict[str, Section]) -> dict[str, Any]:
    """The domain with the sheets' short answers as responses."""
    domain: dict[str, Any] = yaml.safe_load((HERE / "domain.yml").read_text("utf-8"))
    domain["responses"] |= {f"utter_{name}": [{"text": section.short}] for name, section in faq.items()}
    return domain


def _yaml(content: dict[str, Any]) -> bytes:
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False).encode()


def _key(inputs: dict[str, bytes]) -> str:
    digest = hashlib.sha256((LOCKS / "rasa.txt").read_bytes())
    for name, content in inputs.items():
        digest.update(os.fsencode(name) + b"\0" + content)
    return digest.hexdigest()[:16]
