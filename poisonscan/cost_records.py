"""What stages took on this machine: the last observations of each, kept in the cache, and the straight line through them.

Why a line: every stage costs something to begin and something per unit of work, and which part rules differs by machine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from poisonscan.models.cache import cache_folder

MOST = 24  # observations kept per stage


@dataclass(frozen=True, slots=True)
class Line:
    """seconds = start + each * units, both at least 0; `seen` observations lie behind it."""

    start: float
    each: float
    seen: int

    def seconds(self, units: float) -> float:
        """Return the seconds `units` of work take."""
        return self.start + self.each * units


def fit(observed: list[tuple[float, float]]) -> Line | None:
    """Return the least-squares line through (units, seconds), None for no observation.

    With fewer than two different amounts of work, and where the best line has a negative part, that part is 0.
    """
    if not observed:
        return None
    units, seconds = np.asarray(observed, np.float64).T
    start, each = 0.0, float(seconds.sum() / units.sum()) if units.sum() > 0 else 0.0
    if len(set(units.tolist())) > 1:
        each = float(np.cov(units, seconds, bias=True)[0, 1] / units.var())
        start = float(seconds.mean() - each * units.mean())
    if each < 0:
        start, each = float(seconds.mean()), 0.0
    elif start < 0:
        start, each = 0.0, float(units @ seconds / (units @ units))
    return Line(start, each, len(observed))


def lines(cache: Path | None) -> dict[str, Line]:
    """Return the line of every stage observed on this machine."""
    found = {stage: fit(observed) for stage, observed in _load(_path(cache)).items()}
    return {stage: line for stage, line in found.items() if line is not None}


def record(cache: Path | None, spent: Mapping[str, tuple[float, float]]) -> None:
    """Add (units, seconds) of each stage; a cache that cannot be written leaves the estimates as they were."""
    path = _path(cache)
    known = _load(path)
    for stage, observation in spent.items():
        known[stage] = [*known.get(stage, []), observation][-MOST:]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_bytes(orjson.dumps(known))
        draft.replace(path)
    except OSError:
        return


def _path(cache: Path | None) -> Path:
    return cache_folder(cache) / "costs.json"


def _load(path: Path) -> dict[str, list[tuple[float, float]]]:
    try:
        raw = orjson.loads(path.read_bytes())
        return {str(stage): [(float(units), float(seconds)) for units, seconds in observed] for stage, observed in raw.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
