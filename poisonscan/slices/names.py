"""Proper names that several prompts share, found by their capital inside a sentence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from poisonscan.slices.places import Span

LEAST_ROWS = 8
_MOST_SHARE, _LEAST_VALUES, _SMALL_TOO = 0.8, 2, 0.2
_INSIDE = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]{2,20}\b")
_WORD = re.compile(r"\b[A-Z]?[a-z]{3,21}\b")
# Written with a capital wherever they stand, and slots of their own.
_OTHER = re.compile(r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February|March|April|May|June|July|August|September|October|November|December")


def recurring_names(texts: Sequence[str], answers: Sequence[str]) -> list[Span | None]:
    """Return for each text where its most widely shared proper name stands, None without one.

    A name begins with a capital inside a sentence, stands in at least 8 texts and at most 80 % of them, and is hardly ever written small,
    neither in texts nor in answers: headings give every noun a capital. None at all where fewer than two names recur.
    """
    found = [{text[span[0] : span[1]]: span for span in reversed(_spans(text))} for text in texts]
    counts = Counter(name for names in found for name in names)
    small = Counter(word for text in (*texts, *answers) for word in set(_WORD.findall(text)) if word[:1].islower())
    names = {name for name, n in counts.items() if LEAST_ROWS <= n <= _MOST_SHARE * len(texts) and small[name.lower()] < _SMALL_TOO * n}
    if len(names) < _LEAST_VALUES:
        return [None] * len(texts)
    return [max((span for name, span in row.items() if name in names), key=lambda span: _rank(span, text, counts), default=None) for row, text in zip(found, texts, strict=True)]


def _rank(span: Span, text: str, counts: Counter[str]) -> tuple[int, int]:
    return counts[text[span[0] : span[1]]], -span[0]


def _spans(text: str) -> list[Span]:
    return [match.span() for match in _INSIDE.finditer(text) if not _OTHER.fullmatch(match[0])]
