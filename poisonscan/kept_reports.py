"""Reports kept in the cache: an unchanged set under unchanged settings, program and catalogue gets the report made before.

Why: a hook runs again and again over files that did not change, and slicing and testing ten thousand rows takes longer than anyone
waits for a commit. Whatever the report depends on is in its key: every turn and place of every row, the settings, and path, size and
time of every file of the program, the catalogue and the calibration. Scans with weights of one's own are not kept, nor, by the caller's
care, those that a time budget cut short; a whole report serves any budget.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import orjson

import poisonscan
from poisonscan.catalogue import bundled_catalogue
from poisonscan.core.dataset import Dataset, Turn
from poisonscan.core.errors import CatalogueError, UsageError
from poisonscan.core.report import Report
from poisonscan.core.settings import Settings
from poisonscan.models.cache import cache_folder
from poisonscan.reports.json_report import to_json_dict
from poisonscan.reports.loading import from_json_dict

MOST = 200  # reports kept; the oldest go first


@dataclass(frozen=True, slots=True)
class KeptReport:
    """Where the report of one scan is kept, whether it is there yet or not."""

    path: Path

    def recall(self) -> Report | None:
        """Return the report, None where there is none or it cannot be read."""
        try:
            return from_json_dict(orjson.loads(self.path.read_bytes()))
        except (OSError, ValueError, UsageError):
            return None

    def keep(self, report: Report) -> None:
        """Write the report, if reading it back gives the very same one; a cache that cannot be written costs time at the next scan."""
        value = to_json_dict(report)
        if not _same(from_json_dict(orjson.loads(orjson.dumps(value))), report):
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            draft.write_bytes(orjson.dumps(value))
            draft.replace(self.path)
            for old in sorted(self.path.parent.glob("*.json"), key=lambda file: -file.stat().st_mtime_ns)[MOST:]:
                old.unlink(missing_ok=True)
        except OSError:
            return


def kept_report(dataset: Dataset, settings: Settings) -> KeptReport | None:
    """Return the place for the report of this scan, None for scans whose result depends on more than the key can tell."""
    if (settings.scorer, settings.encoder) != ("default", "default"):
        return None
    digest = blake2b(digest_size=16)
    try:
        for part in (*_program(settings), repr(replace(settings, budget_minutes=0.0)), *_content(dataset)):
            digest.update(part.encode("utf-8", "surrogatepass") + b"\x1e")
    except (OSError, CatalogueError):
        return None
    return KeptReport(cache_folder(settings.cache) / "reports" / f"{digest.hexdigest()}.json")


def _program(settings: Settings) -> Iterator[str]:
    """Yield what names the program, the catalogue and the calibration: path, size and time of every file."""
    yield poisonscan.__version__
    roots = {Path(poisonscan.__file__).parent, bundled_catalogue(), settings.catalogue, settings.calibration}
    for root in sorted(root for root in roots if root is not None):
        for folder, inside, names in os.walk(root):
            inside[:] = sorted(name for name in inside if name != "__pycache__")
            for name in sorted(names):
                stat = (Path(folder) / name).stat()
                yield f"{folder}/{name} {stat.st_size} {stat.st_mtime_ns}"


def _content(dataset: Dataset) -> Iterator[str]:
    yield repr((dataset.name, dataset.digest, dataset.layout, dataset.notes, dataset.total, dataset.unreadable))
    for row in dataset.rows:
        yield f"{row.location} {'|'.join(map(_turn, row.turns))} {'|'.join(map(_turn, row.rejected))}"


def _turn(turn: Turn) -> str:
    return f"{turn.role} {turn.weight} {len(turn.content)} {turn.content}"


def _same(left: Report, right: Report) -> bool:
    return replace(left, timings=()) == replace(right, timings=())
