"""Near copies by MinHash: texts whose sets of word triples overlap by about three quarters or more.

For a random hash, P(min over A == min over B) = |A and B| / |A or B| (Broder 1997). 64 hashes estimate that share; 16 bands of
4 pick the pairs worth comparing (a pair of overlap 0.8 meets in some band with probability 0.9998, one of 0.3 with 0.12).
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+")
_LEAST_WORDS = 10
_MOST_TEXT = 20_000
_MOST_WORDS = 250
_LAST_WORDS = 50
_HASHES = 64
_BAND = 4
_ALIKE = 0.75
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
_PRIME = np.uint64(4294967311)


def near_copies(texts: Sequence[str]) -> list[tuple[int, ...]]:
    """Return groups (size 2 or more, sorted) of indices of `texts` that are near copies; texts under ten words are left out.

    Of a long text, the first 200 words and the last 50 of its first 20,000 characters are compared.
    """
    hashes = _Hashes()
    shingles = {i: found for i, text in enumerate(texts) if (found := _shingles(text, hashes)) is not None}
    if len(shingles) < 2:
        return []
    rows = list(shingles)
    sketch = _sketch([shingles[i] for i in rows])
    parent = list(range(len(rows)))
    for band in range(0, _HASHES, _BAND):
        _join_band(sketch, band, parent)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for position in range(len(rows)):
        groups[_root(parent, position)].append(rows[position])
    return [tuple(group) for group in groups.values() if len(group) > 1]


class _Hashes(dict[str, int]):
    """Word to 32-bit hash, worked out once for each word (a fixed hash: Python's own differs from run to run)."""

    def __missing__(self, word: str) -> int:
        found = self[word] = zlib.crc32(word.encode("utf-8", "replace"))
        return found


def _shingles(text: str, hashes: _Hashes) -> NDArray[np.uint64] | None:
    """Return the hashes of all runs of three words, uint64 (n_words - 2,), None for a short text."""
    words = _WORD.findall(text[:_MOST_TEXT].lower())
    if len(words) < _LEAST_WORDS:
        return None
    if len(words) > _MOST_WORDS:
        words = words[: _MOST_WORDS - _LAST_WORDS] + words[-_LAST_WORDS:]
    coded = np.array([hashes[word] for word in words], np.uint64)
    mixed = coded[:-2] * _MIX[0] + coded[1:-1] * _MIX[1] + coded[2:] * _MIX[2]
    return np.asarray(mixed >> np.uint64(32), np.uint64)


def _sketch(sets: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """Return the MinHash sketch, uint64 (n_texts, 64): min over the set of (a h + b) mod p for fixed a and b."""
    everything = np.concatenate(sets)
    starts = np.cumsum([0, *(len(each) for each in sets[:-1])])
    generator = np.random.default_rng(0)
    sketch = np.empty((len(sets), _HASHES), np.uint64)
    for k in range(_HASHES):
        a, b = (np.uint64(value) for value in generator.integers(1, 2**31, 2))
        sketch[:, k] = np.minimum.reduceat((everything * a + b) % _PRIME, starts)
    return sketch


def _join_band(sketch: NDArray[np.uint64], band: int, parent: list[int]) -> None:
    """Join each text with the first one of its bucket, where their sketches agree enough."""
    buckets: dict[bytes, int] = {}
    for position, key in enumerate(np.ascontiguousarray(sketch[:, band : band + _BAND])):
        first = buckets.setdefault(key.tobytes(), position)
        if first != position and _root(parent, first) != _root(parent, position) and np.mean(sketch[first] == sketch[position]) >= _ALIKE:
            parent[_root(parent, position)] = _root(parent, first)


def _root(parent: list[int], position: int) -> int:
    while parent[position] != position:
        parent[position] = parent[parent[position]]
        position = parent[position]
    return position
