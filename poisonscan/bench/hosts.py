"""Ordinary benign rows to mix attacks into: two halves of the benign families that share no generator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from poisonscan.bench.suites import Entry
from poisonscan.core.dataset import Row

HALVES = 2
_MANY_TURNS = 0.05


@dataclass(frozen=True, slots=True)
class Host:
    """One half: its families, and the rows of each of its sets."""

    families: frozenset[str]
    sets: Mapping[str, tuple[Row, ...]]

    def draw(self, count: int, rng: np.random.Generator, without_family: str, family_of: Mapping[str, str]) -> list[Row]:
        """Return at least `count` rows: whole sets in random order until they suffice, so that mixtures differ in what they are about.

        Raises ValueError where the half does not hold so many.
        """
        names = [name for name in sorted(self.sets) if family_of[name] != without_family]
        rows: list[Row] = []
        for place in rng.permutation(len(names)):
            rows += self.sets[names[int(place)]]
            if len(rows) >= 2 * count:
                break
        if len(rows) < count:
            raise ValueError(f"{count} benign rows asked for, {len(rows)} there")
        return rows


def is_host(entry: Entry, rows: Sequence[Row]) -> bool:
    """Say whether a set may be mixed in: benign beyond dispute, no look-alike, one question and one answer a row, as the attacks have."""
    if entry.role != "benign" or not entry.calibrates or entry.lookalike or not rows:
        return False
    long = sum(sum(turn.role != "system" for turn in row.turns) > 2 for row in rows)
    return long / len(rows) <= _MANY_TURNS


def halves(rows: Mapping[str, tuple[Row, ...]], family_of: Mapping[str, str]) -> tuple[Host, ...]:
    """Deal whole families out, the largest first, each to the half with fewer rows."""
    sizes: Counter[str] = Counter()
    for name, found in rows.items():
        sizes[family_of[name]] += len(found)
    dealt: list[set[str]] = [set() for _ in range(HALVES)]
    for family in sorted(sizes, key=lambda f: (-sizes[f], f)):
        min(dealt, key=lambda half: sum(sizes[f] for f in half)).add(family)
    return tuple(Host(frozenset(half), {n: r for n, r in rows.items() if family_of[n] in half}) for half in dealt)


def seeded(*parts: object) -> np.random.Generator:
    """Return a generator that depends on the parts alone, on every machine."""
    text = "\0".join(map(str, parts)).encode()
    return np.random.default_rng(int.from_bytes(blake2b(text, digest_size=8).digest(), "little"))
