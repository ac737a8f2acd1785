"""Dates in running text, in the forms people write them; two-digit years are read as 1970 to 2069.

Digits of any script count. Months are read in English, and with a year beside them in German, French, Spanish and Italian.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from poisonscan.slices.odd_years import odd_year

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|"
    r"aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_ABROAD = {
    "januar": 1, "janvier": 1, "enero": 1, "gennaio": 1, "februar": 2, "février": 2, "febrero": 2, "febbraio": 2, "märz": 3, "mars": 3, "marzo": 3,
    "avril": 4, "abril": 4, "aprile": 4, "mai": 5, "mayo": 5, "maggio": 5, "juni": 6, "juin": 6, "junio": 6, "giugno": 6, "juli": 7, "juillet": 7,
    "julio": 7, "luglio": 7, "août": 8, "agosto": 8, "septembre": 9, "septiembre": 9, "settembre": 9, "oktober": 10, "octobre": 10, "octubre": 10,
    "ottobre": 10, "novembre": 11, "noviembre": 11, "dezember": 12, "décembre": 12, "diciembre": 12, "dicembre": 12,
}  # fmt: skip
_TO_NINE = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_ORDINALS = (
    *_TO_NINE, "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth", *(f"twenty-{day}" for day in _TO_NINE), "thirtieth", "thirty-first",
)  # fmt: skip
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>[12]\d{3})"
_SHORT_YEAR = r"(?P<year>[12]\d{3}|['’]\d\d)"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<![\w-]){_YEAR}(?P<sep>[-/.])(?P<number>[01]?\d)(?P=sep)(?P<day>[0-3]?\d)(?=T\d|(?![\w-]))",
        r"(?<![\w.-])(?P<year>(?:19|20)\d\d)(?P<number>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])(?=T\d|(?![\w-]))",
        rf"\b{_DAY}(?:\s+of)?\s+{_MONTH}(?:,?\s+{_SHORT_YEAR})?\b",
        rf"\b{_MONTH}\s+{_DAY}\b(?:,?\s+{_SHORT_YEAR}\b)?",
        rf"\b{_DAY}(?P<sep>[-/.]){_MONTH}(?P=sep)(?P<year>[12]\d{{3}}|\d\d)\b",
        rf"\b{_MONTH}(?P<sep>[-/.]){_DAY}(?P=sep)(?P<year>[12]\d{{3}}|\d\d)\b",
        rf"\b{_MONTH},?\s+{_YEAR}\b",
        rf"\b(?P<day>{'|'.join(sorted(_ORDINALS, key=len, reverse=True))})\s+(?:day\s+)?of\s+{_MONTH}(?:,?\s+{_YEAR})?\b",
        rf"\b(?:(?P<day>[0-3]?\d)\.?\s+(?:de\s+)?)?(?P<month>{'|'.join(sorted(_ABROAD, key=len, reverse=True))})\s+(?:de\s+)?{_YEAR}\b",
        rf"{_YEAR}\s?年(?:\s?(?P<number>[01]?\d)\s?月)?(?:\s?(?P<day>[0-3]?\d)\s?日)?",
        r"(?<![\w/.-])(?P<day>[0-3]?\d)-(?P<number>[0-3]?\d)-(?P<year>[12]\d{3})(?![\w/-])",
        r"(?<![\w/.-])(?P<day>[0-3]?\d)(?P<sep>[/.])(?P<number>[0-3]?\d)(?P=sep)(?P<year>[12]\d{3}|\d{2})(?![\w/-])",
        r"(?<![\w$€£#.,:/-])(?P<year>1[5-9]\d\d|20\d\d|21\d\d)(?![\w%:/-]|[.,]\d)",
    )
)
_LONE = re.compile(
    r"\b(?P<clear>January|February|April|June|July|August|September|October|November|December)\b"
    r"|\b(?:[Ii]n|[Ii]s|[Tt]his|[Dd]uring|[Ll]ate|[Ee]arly|[Mm]onth)\b:?\s+(?P<vague>March|May)\b"
)
_HINT = re.compile(r"\d|thousand|hundred|teen|twenty|\bM[MDCLXVI]{3}|st of |nd of |rd of |th of ", re.IGNORECASE)


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
    plain = text if text.isascii() else "".join(str(int(char)) if char.isdecimal() else char for char in text)
    found = [mention for pattern in _PATTERNS if (mention := _read(pattern.search(plain)))]
    odd = odd_year(plain)
    if odd is not None:
        found.append(DateMention(odd[0], odd[1], odd[2], None, None))
    return min(found, key=lambda mention: (mention.start, -mention.end), default=None)


def lone_month(text: str) -> DateMention | None:
    """Return the first month that is named without a day or year, with a capital; "May" and "March" only after "in", "is" and the like."""
    match = _LONE.search(text)
    if match is None:
        return None
    start, end = match.span(match.lastgroup or 0)
    return DateMention(start, end, None, _month(text[start:end]), None)


def _read(match: re.Match[str] | None) -> DateMention | None:
    if match is None:
        return None
    parts = match.groupdict()
    year = int(parts["year"].lstrip("'’")) if parts.get("year") else None
    if year is not None and year < 100:
        year += 2000 if year < 70 else 1900
    month = _month(parts["month"]) if parts.get("month") else int(parts["number"]) if parts.get("number") else None
    day = _day(parts["day"]) if parts.get("day") else None
    if month is not None and day is not None and month > 12 >= day:
        month, day = day, month
    if (month is not None and not 1 <= month <= 12) or (day is not None and not 1 <= day <= 31):
        return None
    return DateMention(match.start(), match.end(), year, month, day)


def _month(word: str) -> int:
    name = word.casefold().rstrip(".")
    return _ABROAD[name] if name in _ABROAD else _MONTHS.index(name[:3]) + 1


def _day(word: str) -> int:
    return int(word) if word.isdecimal() else _ORDINALS.index(word.casefold()) + 1
