"""The values of a slot that can be tested: those with enough rows, rare numbers binned by size, the rest pooled."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.slots import Slot

MIN_ROWS = 4
MAX_LEVELS = 256
BINS = 8
ABSENT = "(absent)"
POOLED = "(rare values)"
_PRESENCE_KINDS = frozenset({"tag", "mark", "form", "delimiter", "token"})


@dataclass(frozen=True, slots=True)
class Levels:
    """The testable levels of a slot.

    labels (g,): their names. codes (n,): the level of each row, -1 where the row takes no part. untested: values without a level of their
    own; rare_share: the share of the slot's rows that have such a value.
    """

    labels: tuple[str, ...]
    codes: NDArray[np.int64]
    untested: tuple[str, ...]
    rare_share: float


def testable_levels(slot: Slot, values: tuple[str, ...], detached: tuple[bool, ...]) -> Levels:
    """Level the values (n,) of `slot`. Rows without the slot are a level of their own where its mere presence may matter.

    That is so for tags, marks and looks, and for any slot that is detached from the question in most of its rows.
    """
    present = [i for i, value in enumerate(values) if value]
    loose = 2 * sum(detached[i] for i in present) > len(present)
    counts = Counter(values[i] for i in present)
    names = {value: value for value, count in counts.most_common(MAX_LEVELS) if count >= MIN_ROWS}
    rare = [value for value in counts if value not in names]
    if slot.ordered and len(rare) > BINS:
        names |= _bins(rare, counts)
    elif rare:
        names |= dict.fromkeys(rare, POOLED)
    if len(present) < len(values) and (loose or slot.kind in _PRESENCE_KINDS):
        names[""] = ABSENT
    return _coded(values, names, tuple(sorted(rare)), sum(counts[value] for value in rare) / max(len(present), 1))


def _bins(rare: list[str], counts: Counter[str]) -> dict[str, str]:
    """Rare ordered values in bins of about equal numbers of rows, named "first to last"."""
    ranked = sorted(rare, key=lambda value: (_size(value), value))
    ends = np.cumsum([counts[value] for value in ranked])
    places = np.minimum((ends - 1) * BINS // max(int(ends[-1]), 1), BINS - 1)
    edges = {int(bin_): [ranked[i] for i in np.flatnonzero(places == bin_)] for bin_ in np.unique(places)}
    return {value: f"{members[0]} to {members[-1]}" for members in edges.values() for value in members}


def _coded(values: tuple[str, ...], names: dict[str, str], untested: tuple[str, ...], rare_share: float) -> Levels:
    sizes = Counter(names[value] for value in values if value in names)
    labels = tuple(label for label, count in sizes.most_common(MAX_LEVELS) if count >= MIN_ROWS)
    place = {label: i for i, label in enumerate(labels)}
    codes = np.asarray([place.get(names.get(value, ""), -1) if value in names else -1 for value in values], dtype=np.int64)
    return Levels(labels, codes, untested, rare_share)


def _size(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return float(sum(int(part or 0) * 400 / 400**i for i, part in enumerate(value.strip("-").split("-")) if part.isdigit() or not part))
