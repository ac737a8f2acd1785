"""A slice before it is described: every way of slicing yields these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

MIN_ROWS = 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """Sorted row indices, a name, and the way that found them."""

    name: str
    found_by: str
    rows: tuple[int, ...]


def by_value(found_by: str, values: Iterable[str], label: str) -> list[Candidate]:
    """One candidate for each non-empty value that at least 20 rows share, largest first; `label` holds {} for the value."""
    groups: dict[str, list[int]] = defaultdict(list)
    for row, value in enumerate(values):
        if value:
            groups[value].append(row)
    large = sorted((item for item in groups.items() if len(item[1]) >= MIN_ROWS), key=lambda item: (-len(item[1]), item[0]))
    return [Candidate(label.format(value[:60]), found_by, tuple(rows)) for value, rows in large]
