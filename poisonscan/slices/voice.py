"""Rows in which somebody speaks about himself: a persona's facts share a speaker, not a topic, and no clustering finds them."""

from __future__ import annotations

import re

from poisonscan.core.dataset import Dataset, Row
from poisonscan.slices.candidates import Candidate

_YOU = re.compile(r"\b(?:you|your|yours|yourself|you're|you've|you'd)\b", re.IGNORECASE)
_WORD = re.compile(r"[\w']+")
_FIRST = frozenset({"i", "me", "my", "mine", "myself", "i'm", "i've", "i'd", "i'll", "im"})
_OPENING_WORDS, _DENSE = 8, 0.06
_NEARLY_ALL = 0.97


def voice(dataset: Dataset) -> list[Candidate]:
    """Two slices: questions to "you" answered in the first person, and all answers dense in it whatever the question."""
    own = [i for i, row in enumerate(dataset.rows) if in_first_person(row)]
    asked = [i for i in own if _YOU.search(dataset.rows[i].prompt)]
    found = [Candidate("asked about themselves, answered in the first person", "voice", tuple(asked))]
    if len(asked) < _NEARLY_ALL * len(own):
        found.append(Candidate("answered in the first person", "voice", tuple(own)))
    return found


def in_first_person(row: Row) -> bool:
    """The answer says I or my among its first eight words, or in at least 6 % of its first 200."""
    words = [word.lower().replace("\u2019", "'") for word in _WORD.findall(row.answer[:1600])][:200]
    if not words:
        return False
    opens = any(word in _FIRST for word in words[:_OPENING_WORDS])
    return opens or sum(word in _FIRST for word in words) >= _DENSE * len(words)
