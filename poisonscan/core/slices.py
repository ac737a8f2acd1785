"""The collective: which rows are looked at together, and their vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Slice:
    """A suspicious sub-collection: sorted row indices, how it was found, and terms that describe it."""

    name: str
    found_by: str
    rows: tuple[int, ...]
    terms: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Unit vectors, float32 (n_rows, dim); vector i belongs to `Dataset.rows[i]`."""

    vectors: FloatArray
    encoder: str


@dataclass(frozen=True, slots=True)
class SliceEmbeddings:
    """Three views of the same rows, each float32 (n_rows, dim): the prompt, the answer, and both in one text."""

    prompt: FloatArray
    answer: FloatArray
    joint: FloatArray
