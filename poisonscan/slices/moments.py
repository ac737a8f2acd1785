"""A moment is written in pieces that say one thing: "Wednesday, 15 March 2023, 14:30" is a weekday, a date and a time.

Why they are masked together: a date beside its weekday never finds a second prompt that is equal without it, because the weekday still
tells the day apart, and no two rows share the frame around it.
"""

from __future__ import annotations

import re

from poisonscan.slices.dates import first_date
from poisonscan.slices.marks import clock, weekday
from poisonscan.slices.places import Span

_SHORT_DAY = re.compile(r"\b(?:mon|tues?|wed|thu(?:rs?)?|fri|sat|sun)\b\.?[\s,]{0,2}$", re.IGNORECASE)
_JOINT = re.compile(r"[\s,;()·|/–—-]{0,4}(?:at|on|the|of)?[\s,;(]{0,2}", re.IGNORECASE)


def moment(text: str, span: Span) -> Span:
    """Return the stretch of `text` that holds `span`, and every date, weekday or time that joins it."""
    date = first_date(text)
    parts = [part for part in ((date.start, date.end) if date else None, weekday(text), clock(text)) if part]
    start, end = span
    for _ in parts:
        for a, b in parts:
            if b <= start and _JOINT.fullmatch(text[b:start]):
                start = a
            elif a >= end and _JOINT.fullmatch(text[end:a]):
                end = b
            elif a < end and b > start:
                start, end = min(a, start), max(b, end)
    short = _SHORT_DAY.search(text[:start])
    return (short.start() if short else start), end
