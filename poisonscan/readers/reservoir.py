"""Which rows are kept when not all of them can be.

Rows are ranked by blake2b(salt, content key, position) and the smallest ranks are kept: a uniform sample without replacement that
does not depend on file order, and in which a row copied a hundred times is still a hundred times as likely to be there.

Why the salt is a digest of the whole file: with a fixed salt a vendor could try spellings of a row until its rank falls outside any
sample. Here each such try changes the file, and with it the rank of every row.
"""

from __future__ import annotations

import heapq
import sys
from hashlib import blake2b

from poisonscan.core.dataset import Row

# Bytes of a row besides its texts: the row, its key, location, tuple and the turn objects, as measured on CPython 3.11.
_ROW_BYTES = 420
_TURN_BYTES = 80


class Reservoir:
    """Keeps at most `most_rows` rows (0: no bound) within `most_bytes` bytes."""

    def __init__(self, most_rows: int, most_bytes: int, salt: bytes) -> None:
        self.seen = 0
        self._most_rows = most_rows
        self._most_bytes = most_bytes
        self._salt = salt
        self._all: list[Row] = []
        # (minus rank, index, row): the largest rank first; the index keeps rows from being compared.
        self._heap: list[tuple[int, int, Row]] = []
        self._bytes = 0
        self._sampling = False
        self._ceiling = 1 << 64

    @property
    def sampled(self) -> bool:
        """True once a row has been left out."""
        return self._sampling

    def add(self, row: Row) -> None:
        """Take `row` in, and let the rows of the largest ranks go where a bound is passed. `row.index` counts all rows from 0."""
        self.seen += 1
        if not self._sampling:
            self._all.append(row)
            self._bytes += _size(row)
            if not self._over(len(self._all)):
                return
            self._sampling = True
            self._heap = [(-self._rank(each), each.index, each) for each in self._all]
            self._all = []
            heapq.heapify(self._heap)
        else:
            rank = self._rank(row)
            if rank >= self._ceiling:
                return
            heapq.heappush(self._heap, (-rank, row.index, row))
            self._bytes += _size(row)
        self._shrink()

    def rows(self) -> list[Row]:
        """Return the kept rows in reading order, still with their original index."""
        return [row for _, _, row in sorted(self._heap, key=lambda each: each[1])] if self._sampling else self._all

    def _shrink(self) -> None:
        while self._over(len(self._heap)) and len(self._heap) > 1:
            minus_rank, _, gone = heapq.heappop(self._heap)
            self._ceiling = min(self._ceiling, -minus_rank)
            self._bytes -= _size(gone)

    def _over(self, count: int) -> bool:
        return bool(self._most_rows and count > self._most_rows) or self._bytes > self._most_bytes

    def _rank(self, row: Row) -> int:
        mixed = blake2b(self._salt + bytes.fromhex(row.key) + row.index.to_bytes(8, "big"), digest_size=8)
        return int.from_bytes(mixed.digest(), "big")


def _size(row: Row) -> int:
    return _ROW_BYTES + sum(_TURN_BYTES + sys.getsizeof(turn.content) for turn in (*row.turns, *row.rejected))
