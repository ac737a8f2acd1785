"""The encoder: sentence embeddings, each distinct text once, longest first, remembered between scans.

Why the model may come later: a hook that runs again on an unchanged set finds every vector in the store, and importing torch costs
more than all the rest of such a scan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from poisonscan.core.protocols import Progress, Silent
from poisonscan.core.slices import FloatArray
from poisonscan.models.packed import PackedBert
from poisonscan.models.shipped import ShippedVectors
from poisonscan.models.vectors import VectorCache, text_key

MAX_TOKENS = 256
CHUNK = 512  # texts between two signs of progress and two writes to the cache
BATCH = 32
MAX_CHARACTERS = 8000  # far more than 256 tokens hold; keeps the tokenizer from reading a whole book


@dataclass(frozen=True, slots=True)
class Later:
    """A model to be loaded when the first unknown text comes, and the dimension of its vectors, known beforehand."""

    load: Callable[[], Any]
    dim: int


class SentenceEncoder:
    """Encodes texts with a `PackedBert` or a sentence-transformers model, given as it is or to be loaded `Later`.

    Vectors are rounded to float16 before they are returned, so that a scan that finds them in `store` sees the very same numbers
    as the scan that made them. `shipped` are vectors known beforehand, those of the catalogue's texts.
    """

    def __init__(
        self,
        model: Any,  # noqa: ANN401
        *,
        id: str,  # noqa: A002
        store: Path | None = None,
        shipped: ShippedVectors | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.id = id
        self._source = model
        self.dim = model.dim if isinstance(model, Later) else int(_dimension(self.model))
        self._cache = VectorCache(store / id.replace("/", "--"), self.dim) if store else None
        self._shipped = shipped
        self._progress = progress or Silent()
        self.encoded_chars = 0  # characters that went through the model so far: what its time is owed to

    @cached_property
    def model(self) -> Any:  # noqa: ANN401 - sentence-transformers is untyped
        """The model, reading at most 256 tokens. Raises ModelError where it cannot be loaded."""
        model = self._source.load() if isinstance(self._source, Later) else self._source
        model.max_seq_length = min(MAX_TOKENS, model.max_seq_length or MAX_TOKENS)
        return model

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return float32 (len(texts), dim), each row of Euclidean norm 1. Texts are cut at 256 tokens."""
        keys = [text_key(text) for text in texts]
        distinct = dict(zip(keys, texts, strict=True))
        known = self._shipped.get(list(distinct)) if self._shipped else {}
        if self._cache:
            known |= self._cache.get([key for key in distinct if key not in known])
        missing = sorted((key for key in distinct if key not in known), key=lambda key: -len(distinct[key]))
        if missing:
            self._progress.stage("encoding", len(missing))
        for start in range(0, len(missing), CHUNK):
            part = missing[start : start + CHUNK]
            vectors = self._run([distinct[key] for key in part])
            self.encoded_chars += sum(len(distinct[key]) for key in part)
            known.update(zip(part, vectors, strict=True))
            if self._cache:
                self._cache.put(part, vectors)
            self._progress.advance(len(part))
        rows = np.stack([known[key] for key in keys]) if keys else np.empty((0, self.dim), np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)  # type: ignore[no-any-return]

    def _run(self, texts: list[str]) -> FloatArray:
        """Return unit vectors (n, dim), rounded to what float16 can hold."""
        storable = [text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8") for text in texts]
        if isinstance(self.model, PackedBert):
            return self.model.vectors(storable).astype(np.float16).astype(np.float32)
        raw = self.model.encode(storable, batch_size=BATCH, convert_to_numpy=True, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(raw, np.float16).astype(np.float32)


def _dimension(model: Any) -> int:  # noqa: ANN401
    """Return the model's dimension; the method was renamed in sentence-transformers 5.3."""
    ask = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
    return int(ask())
