"""Vectors of the catalogue's own texts, shipped beside it: the first scan on a new machine need not encode ten thousand sentences.

Why int8: each vector is stored as whole numbers times one scale, a quarter of its size in float32. The rounding turns a vector by about
a hundredth of a degree of what separates two wordings of one fact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.slices import FloatArray
from poisonscan.models.vectors import text_key

_LEVELS = 127.0


@dataclass(frozen=True, slots=True)
class ShippedVectors:
    """`places` maps text keys to lines of `levels` int8 (n, dim); line i times `scales[i]` is the vector."""

    places: dict[bytes, int]
    levels: NDArray[np.int8]
    scales: NDArray[np.float32]

    def get(self, keys: Sequence[bytes]) -> dict[bytes, FloatArray]:
        """Return the vectors known of `keys`, float32 (dim,) each."""
        found = {key: self.places[key] for key in keys if key in self.places}
        return {key: self.levels[place].astype(np.float32) * self.scales[place] for key, place in found.items()}


def load_shipped(path: Path, encoder: str) -> ShippedVectors | None:
    """Read the vectors at `path`; None when there are none, they are damaged, or another encoder made them."""
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            if str(file["encoder"]) != encoder:
                return None
            keys, levels, scales = file["keys"], file["levels"], file["scales"].astype(np.float32)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    if levels.ndim != 2 or not len(keys) == len(levels) == len(scales):
        return None
    return ShippedVectors({key.tobytes(): place for place, key in enumerate(keys)}, levels, scales)


def save_shipped(path: Path, encoder: str, texts: Sequence[str], vectors: FloatArray) -> None:
    """Write the vectors (n, dim) of `texts` (n,); the file appears whole or not at all."""
    scales = np.maximum(np.abs(vectors).max(axis=1), 1e-9) / _LEVELS
    keys = np.frombuffer(b"".join(map(text_key, texts)), dtype=np.uint8).reshape(len(texts), -1)
    draft = path.with_name(f".{path.name}.tmp.npz")
    np.savez_compressed(
        draft, allow_pickle=False, encoder=np.array(encoder), keys=keys, scales=scales.astype(np.float32),
        levels=np.round(vectors / scales[:, None]).astype(np.int8),
    )  # fmt: skip
    draft.replace(path)
