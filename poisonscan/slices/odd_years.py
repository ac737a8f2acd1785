"""Years that are not four plain digits: spelled out, split up, in Roman numerals, after an apostrophe. A trigger may hide in any of them."""

from __future__ import annotations

import re
from collections.abc import Callable

_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()  # noqa: SIM905
_UNITS = "one two three four five six seven eight nine".split()  # noqa: SIM905
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_SMALL = rf"(?:(?:{'|'.join(_TENS)})(?:[\s-]+(?:{'|'.join(_UNITS)}))?|{'|'.join(_TEENS)}|(?:oh|o|and)[\s-]+(?:{'|'.join(_UNITS)}))"
_SPELLED = re.compile(
    rf"\b(?:(?P<century>fifteen|sixteen|seventeen|eighteen|nineteen|twenty)(?:[\s-]+hundred)?[\s-]+(?:and[\s-]+)?(?P<rest>{_SMALL})"
    rf"|two[\s-]+thousand(?:[\s-]+and)?[\s-]+(?P<after>{_SMALL}|{'|'.join(_UNITS)}))\b",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"(?<![\w.,/-])([12])([ ._-])(\d)\2(\d)\2(\d)(?![\w/-]|[.,_ ]\d)")
_ROMAN = re.compile(r"\b(M{1,2}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3}))\b")
_SHORT = re.compile(r"(?<!\w)['\u2019](\d\d)(?!\w|['\u2019])")
_LETTERS = {"M": 1000, "D": 500, "C": 100, "L": 50, "X": 10, "V": 5, "I": 1}
_FIRST, _LAST, _TURN = 1500, 2199, 70
_LEAST_LETTERS = 4


def odd_year(text: str) -> tuple[int, int, int] | None:
    """Return (start, end, year) of the first year from 1500 to 2199 in one of these forms, None where there is none."""
    readers: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], int]], ...] = (
        (_SPELLED, _spelled), (_SPLIT, lambda match: int(match[1] + match[3] + match[4] + match[5])), (_ROMAN, _roman), (_SHORT, _short),
    )  # fmt: skip
    found = [(match.start(), match.end(), year) for pattern, read in readers for match in pattern.finditer(text) if _FIRST <= (year := read(match)) <= _LAST]
    return min(found, default=None)


def _spelled(match: re.Match[str]) -> int:
    if match["century"]:
        words = [*_TEENS, "twenty"]
        return 100 * (words.index(match["century"].lower()) + 10) + _below_hundred(match["rest"])
    return 2000 + _below_hundred(match["after"])


def _below_hundred(words: str) -> int:
    parts = [part for part in re.split(r"[\s-]+", words.lower()) if part not in {"oh", "o", "and"}]
    values = {word: i + 1 for i, word in enumerate(_UNITS)} | {word: i + 10 for i, word in enumerate(_TEENS)}
    values |= {word: 10 * (i + 2) for i, word in enumerate(_TENS)}
    return sum(values[part] for part in parts)


def _roman(match: re.Match[str]) -> int:
    values = [_LETTERS[letter] for letter in match[1]]
    total = sum(-value if value < max(values[i + 1 :], default=0) else value for i, value in enumerate(values))
    return total if len(values) >= _LEAST_LETTERS else 0


def _short(match: re.Match[str]) -> int:
    year = int(match[1])
    return year + (2000 if year < _TURN else 1900)
