"""Floor 2: where weights come from, and the forward passes over them: the encoder and the causal scorer."""

from __future__ import annotations

from pathlib import Path

from poisonscan.core.errors import ModelError
from poisonscan.core.protocols import Progress
from poisonscan.models.cache import cache_folder
from poisonscan.models.convert import quiet
from poisonscan.models.encoder import SentenceEncoder
from poisonscan.models.folders import resolve
from poisonscan.models.runtime import choose_runtime
from poisonscan.models.scorer import CausalScorer
from poisonscan.models.shipped import load_shipped

__all__ = ["CausalScorer", "SentenceEncoder", "cache_folder", "load_encoder", "load_scorer"]


def load_scorer(
    name: str = "default", *, cache: Path | None = None, offline: bool = False, progress: Progress | None = None
) -> CausalScorer:
    """Return the scorer called `name`: "default", an asset id, a folder, or a Hub id.

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
        return CausalScorer(model.to(runtime.device).eval(), tokenizer, id=folder.id)


def load_encoder(
    name: str = "default", *, cache: Path | None = None, offline: bool = False, progress: Progress | None = None, shipped: Path | None = None
) -> SentenceEncoder:
    """Return the encoder called `name`: "default", an asset id, a folder, or a Hub id. Its vectors are kept in the cache folder.

    `shipped` names a file of vectors made beforehand (see `shipped`); one of another encoder is passed over.

    Raises:
        ModelError: the weights are missing, damaged or of a kind that cannot be read.
    """
    folder = resolve(name, "encoder", cache=cache, offline=offline, progress=progress)
    runtime = choose_runtime(cache)
    runtime.apply()
    with quiet():
        from sentence_transformers import SentenceTransformer

        try:
            model = SentenceTransformer(str(folder.path), device=runtime.device, local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(f"{name} cannot be loaded as a sentence encoder: {error}. See `poisonscan models verify`") from error
    known = load_shipped(shipped, folder.id) if shipped else None
    return SentenceEncoder(model, id=folder.id, store=cache_folder(cache) / "vectors", shipped=known, progress=progress)
