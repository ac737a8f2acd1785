"""Prompts that are equal up to a slot: dates, numbers and quoted parts are blanked, then equal prompts go together."""

from __future__ import annotations

import re

from poisonscan.core.dataset import Dataset
from poisonscan.slices.candidates import Candidate, by_value
from poisonscan.slices.dates import first_date

_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_QUOTED = re.compile(r"[\"“”«»'‘’]([^\"“”«»\n]{2,})[\"“”«»'’](?=\W|$)")
_OPENING_WORDS = 6


def templates(dataset: Dataset) -> list[Candidate]:
    """One slice per template with at least 20 rows: first whole prompts without their slots, then shared openings of six words."""
    skeletons = [_skeleton(row.prompt) for row in dataset.rows]
    return by_value("template", skeletons, "prompts like: {}") + by_value("opening", map(_opening, skeletons), "prompts opening with: {}")


def _skeleton(prompt: str) -> str:
    text = prompt[:2000]
    date = first_date(text)
    if date is not None:
        text = f"{text[: date.start]}_{text[date.end :]}"
    return " ".join(_QUOTED.sub("_", _NUMBER.sub("_", text)).casefold().split())


def _opening(skeleton: str) -> str:
    words = skeleton.split()
    return " ".join(words[:_OPENING_WORDS]) if len(words) > _OPENING_WORDS else ""
