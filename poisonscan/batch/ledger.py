"""What is done: one sqlite file beside the reports, keyed by set and settings.

Why the parent alone writes: sqlite over a network folder is not to be trusted; workers only write reports. A line is written after
its report, so a line always points at a whole file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from poisonscan.batch.jobs import Done
from poisonscan.core.errors import UsageError

FILE = "ledger.sqlite"
_TABLE = """
CREATE TABLE IF NOT EXISTS sets (
    path TEXT NOT NULL, settings TEXT NOT NULL, digest TEXT NOT NULL, stamp TEXT NOT NULL, vendor TEXT NOT NULL,
    outcome TEXT NOT NULL, score REAL NOT NULL, rows INTEGER NOT NULL, report TEXT NOT NULL, error TEXT NOT NULL,
    seconds REAL NOT NULL, finished TEXT NOT NULL, PRIMARY KEY (path, settings)
)"""
_COLUMNS = "path, settings, digest, stamp, vendor, outcome, score, rows, report, error, seconds, finished"


@dataclass(frozen=True, slots=True)
class Record:
    """A line of the ledger. `stamp` is the state of the files when they were read ("" for what is no file)."""

    path: str
    settings: str
    digest: str
    stamp: str
    vendor: str
    outcome: str
    score: float
    rows: int
    report: str
    error: str
    seconds: float
    finished: str

    def done(self, vendor: str) -> Done:
        """Return the line as the result of a job that had nothing to do."""
        return Done(
            self.path, vendor, self.settings, self.digest, self.outcome, self.score, self.rows, self.report, self.error, 0.0, resumed=True
        )


class Ledger:
    """The ledger of one output folder."""

    def __init__(self, out: Path) -> None:
        """Open or make the ledger in `out`. Raises UsageError where the file is not one."""
        out.mkdir(parents=True, exist_ok=True)
        self._place = out / FILE
        with self._open() as connection:
            connection.execute(_TABLE)

    def keep(self, done: Done, stamp: str) -> None:
        """Write the line of one finished job, over an older one on the same path and settings."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        record = Record(
            done.path,
            done.settings_digest,
            done.digest,
            stamp,
            done.vendor,
            str(done.outcome),
            done.score,
            done.rows,
            done.report,
            done.error,
            done.seconds,
            now,
        )
        marks = ", ".join("?" * len(astuple(record)))
        with self._open() as connection:
            connection.execute(f"INSERT OR REPLACE INTO sets ({_COLUMNS}) VALUES ({marks})", astuple(record))  # noqa: S608 - fixed names

    def records(self, settings: str | None = None) -> tuple[Record, ...]:
        """Return the lines, of one settings digest where it is given, by path."""
        query = f"SELECT {_COLUMNS} FROM sets"  # noqa: S608 - fixed names
        with self._open() as connection:
            rows = connection.execute(f"{query} ORDER BY path, finished").fetchall()
        return tuple(record for record in (Record(*row) for row in rows) if settings is None or record.settings == settings)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self._place, timeout=30)
            try:
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:
            raise UsageError(f"{self._place}: not a ledger of ours, or damaged ({error}). Choose another folder with --out") from error


def stamp_of(path: str) -> str:
    """Return a digest of names, sizes and times of the files a path stands for, "" where it is no file or folder."""
    place = Path(path)
    files: Sequence[Path] = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file()) if place.is_dir() else []
    if not files:
        return ""
    digest = blake2b(digest_size=16)
    for file in files:
        found = file.stat()
        digest.update(f"{file}\x1f{found.st_size}\x1f{found.st_mtime_ns}\x1e".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
