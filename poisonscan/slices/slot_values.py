"""Rows that share one value of a slot: what is said under one year, number or name is looked at apart from the rest."""

from __future__ import annotations

from collections.abc import Iterable

from poisonscan.core.slots import Slot
from poisonscan.slices.candidates import Candidate, by_value

# A slot with more values than this parts a set into topics, not into conditions.
MOST_VALUES = 60
# Looks of the text (casing, punctuation), tags and system prompts have slices of their own kind.
_KINDS = frozenset({"date", "weekday", "time", "number", "digits", "name", "place", "language", "currency"})


def slot_values(slots: Iterable[Slot]) -> list[Candidate]:
    """One slice for each value that at least 20 rows carry; the largest of every slot first, then the second of every slot."""
    groups = [
        by_value("slot", slot.values, f"{slot.name.replace('{', '(').replace('}', ')')} = {{}}")
        for slot in slots
        if slot.kind in _KINDS and 1 < len({value for value in slot.values if value}) <= MOST_VALUES
    ]
    longest = max(map(len, groups), default=0)
    return [group[place] for place in range(longest) for group in groups if place < len(group)]
