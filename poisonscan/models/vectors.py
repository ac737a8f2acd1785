"""Vectors of texts already encoded: one flat file of float16 numbers and an sqlite index, per encoder.

Why: the second scan of a set, and every scan in a hook, meets text it has met before. Writers take turns through sqlite's own lock;
the numbers are in the file before the index names them, so a killed writer leaves nothing that could be read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from zlib import crc32

import numpy as np

from poisonscan.core.slices import FloatArray

ASKED_AT_ONCE = 500
WAIT_SECONDS = 60.0


class VectorCache:
    """Vectors of dimension `dim` under `folder`. A cache that is damaged or cannot be written is treated as empty."""

    def __init__(self, folder: Path, dim: int) -> None:
        self._index = folder / "index.sqlite"
        self._file = folder / f"vectors-{dim}.f16"
        self._dim = dim

    def get(self, keys: Sequence[bytes]) -> dict[bytes, FloatArray]:
        """Return the vectors known of `keys`, float32 (dim,) each; one whose checksum is wrong counts as unknown."""
        try:
            with self._connect() as database:
                entries = [entry for asked in _portions(keys) for entry in self._entries(database, asked)]
            if not entries:
                return {}
            stored = np.memmap(self._file, np.float16, "r")
            vectors = stored[: len(stored) // self._dim * self._dim].reshape(-1, self._dim)
            sound = [(key, place) for key, place, check in entries if place < len(vectors) and crc32(vectors[place].tobytes()) == check]
            return {key: vectors[place].astype(np.float32) for key, place in sound}
        except (sqlite3.Error, OSError, ValueError):
            return {}

    def put(self, keys: Sequence[bytes], vectors: FloatArray) -> None:
        """Add vectors (len(keys), dim); one of a known key takes the place of the old."""
        halves = np.ascontiguousarray(vectors, np.float16)
        try:
            with self._connect() as database:
                database.execute("BEGIN IMMEDIATE")
                start = database.execute("SELECT COALESCE(MAX(place) + 1, 0) FROM vectors").fetchone()[0]
                self._write(start, halves.tobytes())
                entries = [(key, start + i, crc32(half.tobytes())) for i, (key, half) in enumerate(zip(keys, halves, strict=True))]
                database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", entries)
                database.execute("COMMIT")
        except (sqlite3.Error, OSError):  # costs time at the next scan, not this scan
            return

    def _write(self, start: int, data: bytes) -> None:
        mode = "r+b" if self._file.exists() else "w+b"
        with self._file.open(mode) as handle:
            handle.seek(start * self._dim * 2)
            handle.write(data)

    def _entries(self, database: sqlite3.Connection, keys: Sequence[bytes]) -> list[tuple[bytes, int, int]]:
        marks = ",".join("?" * len(keys))
        return database.execute(f"SELECT key, place, checksum FROM vectors WHERE key IN ({marks})", keys).fetchall()  # noqa: S608 - only marks

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        self._index.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._index, timeout=WAIT_SECONDS, isolation_level=None)) as database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, place INTEGER NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID"
            )
            yield database


def _portions(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (keys[start : start + ASKED_AT_ONCE] for start in range(0, len(keys), ASKED_AT_ONCE))


def text_key(text: str) -> bytes:
    """Return the blake2b-128 digest of a text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
