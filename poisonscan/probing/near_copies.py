"""Near copies by MinHash: texts whose sets of twelve-letter runs overlap by about three quarters or more.

For a random hash, P(min over A == min over B) = |A and B| / |A or B| (Broder 1997). One hash is enough where its range is cut into 64
bins and each keeps its own minimum (one permutation hashing, Li et al. 2012); an empty bin borrows from the next full one
(Shrivastava and Li 2014). 16 bands of 4 bins pick the pairs worth comparing: a pair of overlap 0.8 meets in some band with
probability 0.9998, one of 0.3 with 0.12.

Why runs of letters and not of words: they need no tokeniser, so that Chinese and code are compared like English, and an array of all
bytes is hashed at once. White space, punctuation and ASCII case are taken off first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BINS = 64
_BAND = 4
_ALIKE = 0.75
_RUN = 12
_LEAST_LETTERS = 40
_HEAD, _TAIL = 1600, 400
_EMPTY = np.uint32(0xFFFFFFFF)
# B, B squared and B to the fourth, of the B of the FNV hash, modulo 2^32
_POWERS = tuple(np.uint32(pow(0x01000193, exponent, 1 << 32)) for exponent in (1, 2, 4))
_BORROWED = np.uint32(0x9E3779B1)
# Upper to lower case; everything that is neither letter nor digit is taken off.
_LOWER = bytes(byte + 32 if 65 <= byte <= 90 else byte for byte in range(256))
_TAKEN_OFF = bytes(byte for byte in range(128) if not chr(byte).isalnum())


def sketch(encoded: Sequence[bytes]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Return the places (m,) of the texts of 40 letters or more and their sketches, uint32 (m, 64); the texts are UTF-8.

    Of a long text, the first 1,600 and the last 400 bytes are compared.
    """
    letters = [(text[:_HEAD] + text[max(_HEAD, len(text) - _TAIL) :]).translate(_LOWER, _TAKEN_OFF) for text in encoded]
    places = np.array([place for place, each in enumerate(letters) if len(each) >= _LEAST_LETTERS], np.int64)
    made = np.full((len(places), BINS), _EMPTY, np.uint32)
    if len(places):
        sizes = np.array([len(letters[place]) for place in places], np.int64)
        hashes = _hashes(np.frombuffer(b"".join([letters[place] for place in places]), np.uint8))
        # A run that begins in the last eleven letters of a text reaches into the next one.
        whole = np.ones(int(sizes.sum()), bool)
        whole[(np.cumsum(sizes)[:, None] - np.arange(1, _RUN)).reshape(-1)] = False
        own = hashes[whole[: len(hashes)]]
        owner = np.repeat(np.arange(len(places)) * BINS, sizes - _RUN + 1)
        np.minimum.at(made.reshape(-1), owner + (own & np.uint32(BINS - 1)), own >> np.uint32(6))
    return places, _filled(made)


def _hashes(letters: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return a mixed hash of each run of twelve letters, uint32 (n - 11,): polynomials of 1, 2, 4, 8 letters, each from two of the last."""
    one = letters.astype(np.uint32)
    two = one[:-1] * _POWERS[0] + one[1:]
    four = two[:-2] * _POWERS[1] + two[2:]
    eight = four[:-4] * _POWERS[2] + four[4:]
    mixed = eight[:-4] * _POWERS[2] + four[8:]
    mixed ^= mixed >> np.uint32(16)
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return mixed


def _filled(made: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Let each empty bin borrow the next full one, marked by how far away it was."""
    for step in range(2 * BINS if len(made) else 0):
        place = (BINS - 1 - step) % BINS
        empty = made[:, place] == _EMPTY
        made[empty, place] = np.where(made[empty, (place + 1) % BINS] == _EMPTY, _EMPTY, made[empty, (place + 1) % BINS] + _BORROWED)
    return made


def join(made: NDArray[np.uint32]) -> list[tuple[int, ...]]:
    """Return groups (size 2 or more, sorted) of rows of `made` whose sketches agree, directly or through others."""
    parent = list(range(len(made)))
    for band in range(0, BINS, _BAND):
        for one, other in _candidates(made[:, band : band + _BAND]):
            alike = (made[one] == made[other]).mean(1) >= _ALIKE
            for a, b in zip(one[alike].tolist(), other[alike].tolist(), strict=True):
                parent[_root(parent, b)] = _root(parent, a)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for place in range(len(made)):
        groups[_root(parent, place)].append(place)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def _candidates(band: NDArray[np.uint32]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pair each row with the first and with the previous one of its bucket (equal in the whole band)."""
    if len(band) < 2:
        return []
    key = np.zeros(len(band), np.uint64)
    for column in band.T:
        key = key * np.uint64(0x100000001B3) ^ column.astype(np.uint64)
    order = np.argsort(key, kind="stable")
    same = key[order][1:] == key[order][:-1]
    begins = np.flatnonzero(np.concatenate([[True], ~same]))
    first = order[np.repeat(begins, np.diff(np.append(begins, len(order))))]
    later = np.flatnonzero(np.concatenate([[False], same]))
    return [(first[later], order[later]), (order[later - 1], order[later])]


def _root(parent: list[int], place: int) -> int:
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place
