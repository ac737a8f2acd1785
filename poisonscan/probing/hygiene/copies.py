"""Rows that stand in the set more than once, exactly or nearly: each copy is one more step of training on the same text."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.dataset import Row
from poisonscan.probing.hygiene.chunks import Chunk, Hit, hit
from poisonscan.probing.near_copies import join, sketch

# Sketches of more texts than this would take more memory than the rest of a scan.
MOST_COMPARED = 100_000


class ExactCopies:
    """PS101: rows of one content (white space apart), rejected answers included."""

    def __init__(self) -> None:
        self._keys: list[NDArray[np.uint64]] = []

    def take(self, chunk: Chunk) -> None:
        """Keep 64 bits of every content key."""
        self._keys.append(row_keys(chunk.rows))

    def answer(self, rows: Sequence[Row]) -> Hit | None:
        """Return all members of groups of two or more."""
        if not rows:
            return None
        _, group, counts = np.unique(np.concatenate(self._keys), return_inverse=True, return_counts=True)
        members = np.flatnonzero(counts[group] > 1)
        texts = int((counts > 1).sum())
        return hit((int(i) for i in members), f"copies of {texts:,} texts (the most copied stands {int(counts.max())} times)", texts)


class NearCopies:
    """PS102: texts that differ in a few words; exact copies count once, large sets are sampled by content key."""

    def __init__(self) -> None:
        self._rows: list[NDArray[np.int64]] = []
        self._sketches: list[NDArray[np.uint32]] = []
        self._keys: list[NDArray[np.uint64]] = []
        self._seen: set[int] = set()
        # Rows whose key lies below this bound are compared; it is halved whenever they are too many.
        self._bound = 1 << 64

    def take(self, chunk: Chunk) -> None:
        """Sketch the texts that are new, long enough and in the sample."""
        keys = row_keys(chunk.rows)
        new = [place for place, key in enumerate(keys.tolist()) if key < self._bound and not self._known(key)]
        places, made = sketch([chunk.encoded[place] for place in new])
        kept = np.array(new, np.int64)[places]
        self._rows.append(np.array([chunk.rows[place].index for place in kept], np.int64))
        self._sketches.append(made)
        self._keys.append(keys[kept])
        while len(self._seen) > MOST_COMPARED:
            self._halve()

    def answer(self, rows: Sequence[Row]) -> Hit | None:
        """Return all members of groups of two or more."""
        numbers = np.concatenate([*self._rows, np.empty(0, np.int64)])
        if not len(numbers):
            return None
        groups = join(np.concatenate(self._sketches))
        note = f"; {len(numbers):,} of {len(rows):,} rows were compared" if self._bound < 1 << 64 else ""
        members = [int(numbers[i]) for group in groups for i in group]
        return hit(members, f"near copies of each other, in {len(groups):,} groups{note}", len(groups))

    def _known(self, key: int) -> bool:
        if key in self._seen:
            return True
        self._seen.add(key)
        return False

    def _halve(self) -> None:
        self._bound //= 2
        self._seen = {key for key in self._seen if key < self._bound}
        for part, keys in enumerate(self._keys):
            inside = keys < np.uint64(self._bound)
            self._rows[part], self._sketches[part], self._keys[part] = self._rows[part][inside], self._sketches[part][inside], keys[inside]


def row_keys(rows: Sequence[Row]) -> NDArray[np.uint64]:
    """Return 64 bits of each row's content key, mixed with its rejected answer, uint64 (n,)."""
    return np.fromiter((int(row.key[:16], 16) ^ _rejected(row) for row in rows), np.uint64, len(rows))


def _rejected(row: Row) -> int:
    return zlib.crc32(row.rejected_answer.encode("utf-8", "replace")) << 20 if row.rejected else 0
