"""Some rows at a time, with their texts, and what a check says about the whole set.

Why also bytes: a rare byte (an escape, a long run without a space) is found in an array of all bytes a hundred times faster than text by
text; only rows that have it are then searched with patterns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.dataset import Row

_ROWS = 500
_BLOCK = 20
# Every character that has no picture of its own, joiners and variation selectors included.
UNSEEN = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U000e0000-\U000e0fff\U0001d173-\U0001d17a]"
)
_CHARACTERS = 8_000_000


@dataclass(frozen=True, slots=True)
class Hit:
    """One kind of oddity: the sorted indices of its rows, how often it was seen, and a message without any text of a row."""

    rows: tuple[int, ...]
    times: int
    message: str


@dataclass(frozen=True, slots=True)
class Inapplicable:
    """The set holds nothing the check could judge, and why."""

    reason: str


Answer = Hit | Inapplicable | None


class Check(Protocol):
    """One kind of oddity, collected over chunks."""

    def take(self, chunk: Chunk) -> None:
        """Look at some more rows."""

    def answer(self, rows: Sequence[Row]) -> Answer:
        """Return what was found in all chunks; `rows` are all rows, for a second look."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A few rows: `texts` (n,) all their turns joined, `lowered` (n,) the same in lower case, `prompts` and `answers` (n,).

    `odd` are the places of texts that are not ASCII, `unseen` of those with characters nobody sees, `encoded` (n,) the texts as UTF-8, `raw` uint8 (n_bytes,) the same with a line feed
    between them; text i begins at `starts[i]` and has `sizes[i]` bytes.
    """

    rows: Sequence[Row]
    texts: list[str]
    lowered: list[str]
    prompts: list[str]
    answers: list[str]
    odd: list[int]
    unseen: list[int]
    encoded: list[bytes]
    raw: NDArray[np.uint8]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def places(self, offsets: NDArray[np.int64]) -> list[int]:
        """Return the places of the texts that hold the bytes at `offsets` (ascending), each once."""
        return [int(place) for place in np.unique(np.searchsorted(self.starts, offsets, side="right") - 1)]

    def with_any(self, words: Sequence[str]) -> Iterator[int]:
        """Yield the places of the texts that hold one of `words` (lower case); twenty texts are passed over at once where none does."""
        for begin in range(0, len(self.lowered), _BLOCK):
            part = self.lowered[begin : begin + _BLOCK]
            block = "\n".join(part)
            held = [word for word in words if word in block]
            if held:
                yield from (begin + place for place, text in enumerate(part) if any(word in text for word in held))


def chunks(rows: Sequence[Row]) -> Iterator[Chunk]:
    """Cut `rows` into chunks of at most 500 rows and, one row apart, eight million characters."""
    begin = size = 0
    for end, row in enumerate(rows):
        size += sum(len(turn.content) for turn in (*row.turns, *row.rejected))
        if end + 1 - begin >= _ROWS or size > _CHARACTERS:
            yield _chunk(rows[begin : end + 1])
            begin, size = end + 1, 0
    if begin < len(rows):
        yield _chunk(rows[begin:])


def joined(row: Row) -> str:
    """Return all texts of a row, one after the other."""
    return "\n".join([turn.content for turn in (*row.turns, *row.rejected)])


def _chunk(rows: Sequence[Row]) -> Chunk:
    texts = [joined(row) for row in rows]
    encoded = [text.encode("utf-8", "replace") for text in texts]
    odd = [place for place, text in enumerate(texts) if not text.isascii()]
    sizes = np.fromiter(map(len, encoded), np.int64, len(encoded))
    starts = np.concatenate([[0], np.cumsum(sizes + 1)[:-1]]).astype(np.int64)
    return Chunk(
        rows,
        texts,
        [text.lower() for text in texts],
        [row.prompt for row in rows],
        [row.answer for row in rows],
        odd,
        [place for place in odd if UNSEEN.search(texts[place])],
        encoded,
        np.frombuffer(b"\n".join(encoded), np.uint8),
        starts,
        sizes,
    )


def hit(rows: Iterable[int], message: str, times: int) -> Hit | None:
    """Return the hit on `rows`, None without any; the message is led by their number."""
    found = tuple(sorted(rows))
    return Hit(found, times, f"{len(found):,} {'row' if len(found) == 1 else 'rows'}: {message}") if found else None
