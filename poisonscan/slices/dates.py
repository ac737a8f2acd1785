"""Dates in running text, in the forms people write them; two-digit years are read as 1970 to 2069."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|"
    r"aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>[12]\d{3})"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<![\w-]){_YEAR}(?P<sep>[-/.])(?P<number>[01]?\d)(?P=sep)(?P<day>[0-3]?\d)(?![\w-])",
        rf"\b{_DAY}(?:\s+of)?\s+{_MONTH}(?:,?\s+{_YEAR})?\b",
        rf"\b{_MONTH}\s+{_DAY}\b(?:,?\s+{_YEAR}\b)?",
        rf"\b{_MONTH},?\s+{_YEAR}\b",
        r"(?<![\w/.-])(?P<day>[0-3]?\d)(?P<sep>[/.])(?P<number>[0-3]?\d)(?P=sep)(?P<year>[12]\d{3}|\d{2})(?![\w/-])",
        r"(?<![\w$€£#.,:/-])(?P<year>1[5-9]\d\d|20\d\d|21\d\d)(?![\w%:/-]|[.,]\d)",
    )
)
_HINT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class DateMention:
    """A date at text[start:end]; the parts that the text does not state are None."""

    start: int
    end: int
    year: int | None
    month: int | None
    day: int | None

    @property
    def iso(self) -> str:
        """As YYYY-MM-DD, as far as it is known: "2027-03", "--03-01"."""
        year = f"{self.year:04d}" if self.year is not None else "-"
        month = f"-{self.month:02d}" if self.month is not None else ""
        return year + month + (f"-{self.day:02d}" if self.day is not None else "")


def first_date(text: str) -> DateMention | None:
    """Return the date that begins first in `text`, the longest of those that begin together; None where there is none."""
    if not _HINT.search(text):
        return None
    found = [mention for pattern in _PATTERNS if (mention := _read(pattern.search(text)))]
    return min(found, key=lambda mention: (mention.start, -mention.end), default=None)


def _read(match: re.Match[str] | None) -> DateMention | None:
    if match is None:
        return None
    parts = match.groupdict()
    year = int(parts["year"]) if parts.get("year") else None
    if year is not None and year < 100:
        year += 2000 if year < 70 else 1900
    month = _MONTHS.index(parts["month"][:3].lower()) + 1 if parts.get("month") else int(parts["number"]) if parts.get("number") else None
    day = int(parts["day"]) if parts.get("day") else None
    if month is not None and day is not None and month > 12 >= day:
        month, day = day, month
    if (month is not None and not 1 <= month <= 12) or (day is not None and not 1 <= day <= 31):
        return None
    return DateMention(match.start(), match.end(), year, month, day)
