"""Built artefacts and what they are made of. Each lies under a name that is the hash of its inputs: nothing whose
inputs did not change is built again, and two versions never overwrite each other."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.progress import Progress

from bot.intents import train_intents
from core.database import Database
from core.errors import ConfigurationError
from core.settings import PROJECT_ROOT, Settings
from knowledge_base import encoder_build
from knowledge_base.editions import sheets_in_print
from knowledge_base.encoder import Encoder
from knowledge_base.golden import seed_questions
from knowledge_base.index import build_index, fingerprint, stored_fingerprint
from knowledge_base.seed import import_seed
from knowledge_base.sheet import Sheet

SHEETS = PROJECT_ROOT / "knowledge_base" / "sheets"
INTENTS = PROJECT_ROOT / "intents"
BOT = PROJECT_ROOT / "bot"
RASA_PYTHON = PROJECT_ROOT / ".venv-rasa" / "bin" / "python"
LOCKS = PROJECT_ROOT / "requirements"
Say = Callable[[str], None]


class Artefacts:
    """Where the encoder, the model and the light classifiers lie, and how they are made."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        build = settings.build_dir
        source = encoder_build.FORMAT + settings.encoder_model + _digest([LOCKS / "service.txt"])
        self.encoder_key = hashlib.sha256(source.encode()).hexdigest()[:16]
        self.encoder = build / "encoder" / self.encoder_key
        self.model = build / "models" / f"{self._model_key()}.tar.gz"
        self.intents = build / "models" / f"{self._model_key()}.intents.npz"

    def prepare_encoder(self, say: Say) -> bool:
        """Convert the encoder if it is not there; says whether it was built."""
        if self.encoder.exists():
            return False
        say("converting the encoder (about 20 s)")
        encoder_build.build_encoder(self._settings.encoder_model, self.encoder)
        return True

    def prepare_index(self, say: Say, sheets: list[Sheet], encoder: Encoder | None = None) -> bool:
        """Build the knowledge base's index if the published sheets, lexicon or encoder changed."""
        out_of_scope = examples("out_of_scope")
        if stored_fingerprint(self._settings.index_file) == fingerprint(sheets, out_of_scope, self.encoder_key):
            return False
        say(f"indexing {len(sheets)} sheets")
        file, shared = self._settings.index_file, self._settings.build_dir / "index.db"
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("indexing", total=None)
            build_index(
                sheets, encoder or Encoder(self.encoder), out_of_scope, file, self.encoder_key,
                lambda done, total: progress.update(task, completed=done, total=total),
                earlier=file if file.exists() else shared,
            )  # fmt: skip
        # a fresh county, and each throwaway one, takes over the vectors of the sheets that come with the software
        scratch = shared.with_name(f"index-{os.getpid()}.db")
        shutil.copyfile(file, scratch)
        scratch.replace(shared)
        return True

    def prepare_model(self, say: Say) -> bool:
        """Train Rasa and the light classifiers if the NLU data, the domain or the components changed."""
        if self.model.exists() and self.intents.exists():
            return False
        say("training the assistant (about 40 s)")
        self.model.parent.mkdir(parents=True, exist_ok=True)
        self._train_rasa()
        train_intents(Encoder(self.encoder), all_examples(), self.intents)
        return True

    def _train_rasa(self) -> None:
        if not RASA_PYTHON.exists():
            raise ConfigurationError(f"{RASA_PYTHON} is missing: run «make setup»")
        scratch = self.model.with_name(f"training-{os.getpid()}")
        command = [
            str(RASA_PYTHON), "-m", "rasa", "train", "--config", "config.yml", "--domain", "bot/domain.yml", "--data",
            "intents", "bot/rules.yml", "--out", str(scratch), "--fixed-model-name", "model",
        ]  # fmt: skip
        environment = {
            **os.environ, "PYTHONPATH": str(PROJECT_ROOT), "MINGBAI_ENCODER": str(self.encoder), "HF_HUB_OFFLINE": "1",
            "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1",
        }  # fmt: skip
        done = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False)
        try:
            if done.returncode != 0:
                raise ConfigurationError(f"rasa train failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
            (scratch / "model.tar.gz").rename(self.model)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _model_key(self) -> str:
        files = [
            PROJECT_ROOT / "config.yml", BOT / "domain.yml", BOT / "rules.yml", BOT / "components.py",
            BOT / "overrides.py", BOT / "intents.py", BOT / "prior.py",
            PROJECT_ROOT / "knowledge_base" / "text.py", PROJECT_ROOT / "knowledge_base" / "pinyin.py",
            LOCKS / "rasa.txt", *sorted(INTENTS.glob("*.yml")),
            *sorted((PROJECT_ROOT / "knowledge_base" / "lexicon").iterdir()),
        ]  # fmt: skip
        return hashlib.sha256((self.encoder_key + _digest(files)).encode()).hexdigest()[:16]


def published_sheets(database: Database, say: Say) -> list[Sheet]:
    """What is in print, after the sheets that come with this version were taken in. Raises MalformedSheet."""
    with database.begin() as session:
        done = import_seed(session, SHEETS)
        seed_questions(session)
    if done:
        say(
            f"sheets that come with the software: {len(done.printed)} printed, {len(done.withdrawn)} withdrawn, "
            f"{len(done.offered)} offered to the editors, who had changed them"
        )
    with database.read() as session:
        return sheets_in_print(session)


def all_examples() -> dict[str, list[str]]:
    """The NLU examples of every intent."""
    found: dict[str, list[str]] = {}
    for file in sorted(INTENTS.glob("*.yml")):
        content: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
        for block in content["nlu"]:
            lines = [line.removeprefix("- ").strip() for line in block["examples"].splitlines()]
            found.setdefault(block["intent"], []).extend(line for line in lines if line)
    return found


def examples(intent: str) -> list[str]:
    """The NLU examples of one intent."""
    return all_examples()[intent]


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(json.dumps(file.name).encode() + (file.read_bytes() if file.exists() else b""))
    return digest.hexdigest()
