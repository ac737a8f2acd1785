"""A part of the prompt that varies over a set: its value in every row, and what the prompt is without it.

Why here and not in `slices/`: slots are found in `slices/` and tested in `conditionality/`, two folders of one floor that may not import
each other.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot of a set of n rows.

    name: "year", "leading number[4:6]" (digits count from 1, both ends included), "casing", ...
    kind: the family of the slot: date, weekday, time, number, digits, name, currency, place, language, tag, delimiter, form, mark, token or
    system. values: (n,) the value in each row as text, "" where the slot is absent.
    rows: the row indices that carry a value, ascending.
    masked: (n,) the prompt of each row with the slot blanked out; equal texts are matched prompts. Slots cut from one place share one
    tuple. detached: (n,) True where deleting the slot leaves a complete prompt (a header, a parenthesis, a prefix), False where it is
    part of the question. ordered: the values are numbers or dates and may be binned by size.
    """

    name: str
    kind: str
    values: tuple[str, ...]
    rows: tuple[int, ...]
    masked: tuple[str, ...]
    detached: tuple[bool, ...]
    ordered: bool = False
