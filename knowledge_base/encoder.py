"""The encoder as it is served: ONNX Runtime int8, one thread, no torch in the process.

Runs under Python 3.10 too: Rasa's featurizer falls back to it when a message brings no vector.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

MAX_TOKENS = 256
PASSAGE_TOKENS = 128  # of a passage its head is read: the whole found no more sections, and takes three times as long


class Encoder:
    """Turns texts into unit vectors, float32. Thread-safe; one call takes 3 to 5 ms a question."""

    def __init__(self, directory: Path) -> None:
        meta: dict[str, Any] = json.loads((directory / "meta.json").read_text("utf-8"))
        self.dimension: int = meta["dimension"]
        self._prefix: dict[str, str] = meta["prefixes"]
        self._tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(directory / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self._inputs = {node.name for node in self._session.get_inputs()}

    def question(self, text: str) -> np.ndarray:
        """The vector of something a person asks; shape (dimension,)."""
        return self._encode(self._prefix["query"] + text)

    def passage(self, text: str) -> np.ndarray:
        """The vector of a text that answers; shape (dimension,)."""
        return self._encode(self._prefix["passage"] + text, PASSAGE_TOKENS)

    def questions(self, texts: list[str]) -> np.ndarray:
        """Shape (texts, dimension). One at a time: int8 activations are scaled over a whole batch."""
        return np.stack([self.question(text) for text in texts]) if texts else np.zeros((0, self.dimension), np.float32)

    def _encode(self, text: str, most: int = MAX_TOKENS) -> np.ndarray:
        tokens = self._tokenizer.encode(text).ids
        if len(tokens) > most:
            tokens = [*tokens[: most - 1], tokens[-1]]  # the closing sign stays
        ids = np.array([tokens], np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        output = self._session.run(None, {name: feed[name] for name in self._inputs})[0]
        return np.asarray(output[0], np.float32)
