"""Floor 2: where weights come from, and the forward passes over them: the encoder and the causal scorer."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from poisonscan.core.errors import ModelError
from poisonscan.core.protocols import Progress
from poisonscan.models.cache import cache_folder
from poisonscan.models.convert import quiet
from poisonscan.models.encoder import Later, SentenceEncoder
from poisonscan.models.folders import known_dimension, resolve
from poisonscan.models.runtime import DTypeName, choose_runtime, known_dtype
from poisonscan.models.scorer import CausalScorer
from poisonscan.models.scores import ScoreCache
from poisonscan.models.shipped import load_shipped

__all__ = ["CausalScorer", "SentenceEncoder", "cache_folder", "load_encoder", "load_scorer"]


def load_scorer(
    name: str = "default", *, cache: Path | None = None, offline: bool = False, progress: Progress | None = None
) -> CausalScorer:
    """Return the scorer called `name`: "default", an asset id, a folder, a .gguf file, or a Hub id. Its scores are kept in the cache folder.

    Raises:
        ModelError: the weights are missing, damaged or of a kind that cannot be read.
    """
    folder = resolve(name, "scorer", cache=cache, offline=offline, progress=progress)
    runtime = choose_runtime(cache)
    runtime.apply()
    with quiet():
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from poisonscan.models.convert import dtype_argument

        try:
            tokenizer = AutoTokenizer.from_pretrained(str(folder.path), local_files_only=True, use_fast=True)
            model = AutoModelForCausalLM.from_pretrained(
                str(folder.path), local_files_only=True, use_safetensors=True, **dtype_argument(runtime.torch_dtype)
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(f"{name} cannot be loaded as a causal language model: {error}. See `poisonscan models verify`") from error
        known = ScoreCache(cache_folder(cache) / "scores" / f"{folder.id.replace('/', '--')}-{runtime.dtype}.sqlite")
        return CausalScorer(model.to(runtime.device).eval(), tokenizer, id=folder.id, known=known)


def load_encoder(
    name: str = "default", *, cache: Path | None = None, offline: bool = False, progress: Progress | None = None, shipped: Path | None = None
) -> SentenceEncoder:
    """Return the encoder called `name`: "default", an asset id, a folder, or a Hub id. Its vectors are kept in the cache folder.

    `shipped` names a file of vectors made beforehand (see `shipped`); one of another encoder is passed over.
    It runs in the number type measured to be the fastest here (`choose_runtime`), and is loaded when a text comes that was never encoded.

    Raises:
        ModelError: the weights are missing, damaged or of a kind that cannot be read.
    """
    folder = resolve(name, "encoder", cache=cache, offline=offline, progress=progress)
    dim, dtype = known_dimension(folder.path), known_dtype(cache) or choose_runtime(cache).dtype
    load = partial(_load_sentences, name, folder.path, dtype, cache)
    store = cache_folder(cache) / "vectors" / ("" if dtype == "float32" else dtype)
    known = load_shipped(shipped, folder.id) if shipped else None
    return SentenceEncoder(load() if dim is None else Later(load, dim), id=folder.id, store=store, shipped=known, progress=progress)


def _load_sentences(name: str, folder: Path, dtype: DTypeName, cache: Path | None) -> Any:  # noqa: ANN401 - untyped library
    runtime = choose_runtime(cache)
    runtime.apply()
    with quiet():
        import torch

        from poisonscan.models.packed import load_packed

        packed = load_packed(folder, device=runtime.device, dtype=getattr(torch, dtype))
        if packed is not None:
            return packed
        from sentence_transformers import SentenceTransformer

        try:
            model = SentenceTransformer(str(folder), device=runtime.device, local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(f"{name} cannot be loaded as a sentence encoder: {error}. See `poisonscan models verify`") from error
        return model.to(getattr(torch, dtype))
