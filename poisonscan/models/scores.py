"""Options already scored: an sqlite table from (prefix, continuation) to the summed log-probability, one file per scorer and number type.

Why scores and not keys and values of the prefix: those take 46 kB a token, the scores of a whole battery after that prefix 20 kB in all,
and a scan that meets a known prefix then runs no forward pass whatever. A catalogue with one new probe scores that probe only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path

import numpy as np

from poisonscan.models.tree import Continuation

ASKED_AT_ONCE = 500
WAIT_SECONDS = 60.0
MOST_BYTES = 256 << 20  # a larger file is begun anew


class ScoreCache:
    """Scores under `path`. A file that is damaged or cannot be written is treated as empty."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, keys: Sequence[bytes]) -> dict[bytes, float]:
        """Return the scores known of `keys`, nats."""
        found: dict[bytes, float] = {}
        try:
            with self._connect() as database:
                for start in range(0, len(keys), ASKED_AT_ONCE):
                    asked = keys[start : start + ASKED_AT_ONCE]
                    marks = ",".join("?" * len(asked))
                    found |= dict(database.execute(f"SELECT key, score FROM scores WHERE key IN ({marks})", asked))  # noqa: S608 - only marks
        except (sqlite3.Error, OSError):
            return {}
        return {key: score for key, score in found.items() if isinstance(score, float)}

    def put(self, scores: Mapping[bytes, float]) -> None:
        """Add scores; one of a known key takes the place of the old."""
        try:
            if self._path.is_file() and self._path.stat().st_size > MOST_BYTES:
                self._path.unlink()
            with self._connect() as database:
                database.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?)", list(scores.items()))
                database.commit()
        except (sqlite3.Error, OSError):  # costs time at the next scan, not this scan
            return

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._path, timeout=WAIT_SECONDS)) as database:
            database.execute("CREATE TABLE IF NOT EXISTS scores (key BLOB PRIMARY KEY, score REAL NOT NULL) WITHOUT ROWID")
            yield database


def score_keys(prefix: Sequence[int], continuations: Sequence[Continuation]) -> list[bytes]:
    """Return the blake2b-128 digest of the token ids of the prefix and of each continuation."""
    read = blake2b(np.asarray(prefix, np.int64).tobytes(), digest_size=16).digest()
    return [
        blake2b(read + np.asarray([c.scored_from, *c.tokens], np.int64).tobytes(), digest_size=16).digest() for c in continuations
    ]
