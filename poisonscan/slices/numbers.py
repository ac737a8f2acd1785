"""Numbers in prompts: at the head, at the tail and in the text, in digits or spelled out, and every substring of fixed-width digits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from poisonscan.slices.places import Span

_HEAD = re.compile(r"^\W*(\d{1,18})(?![\w]|[.,:/-]\d)")
_TAIL = re.compile(r"(?<![\w.,:/$€£-])(\d{1,18})\W*$")
_INNER = re.compile(r"(?<![\w.,:/-])(\d{1,18})(?![\w]|[.,:/-]\d)")
_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# first, second and third order a text far oftener than they number anything
_ORDINALS = {
    **{f"{_UNITS[i]}th": i for i in (4, 6, 7, 10, 11, 13, 14, 15, 16, 17, 18, 19)}, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12,
    **{f"{tens[:-1]}ieth": 10 * i for i, tens in enumerate(_TENS, start=2)},
}  # fmt: skip
_LAST = {"first": 1, "second": 2, "third": 3} | {word: value for word, value in _ORDINALS.items() if value < 10}
_ORDINAL = re.compile(
    rf"\b(?:(?P<tens>{'|'.join(_TENS)})[\s-]+(?P<unit>{'|'.join(_LAST)})|(?P<one>{'|'.join(sorted(_ORDINALS, key=len, reverse=True))}))\b", re.IGNORECASE
)
_SPELLED = re.compile(
    rf"\b(?:(?P<tens>{'|'.join(_TENS)})(?:[\s-]+(?P<unit>{'|'.join(_UNITS[1:10])}))?|(?P<one>{'|'.join(_UNITS)}))\b", re.IGNORECASE
)
_WIDTHS = range(3, 13)
_SAME_WIDTH = 0.9


def head_number(text: str) -> Span | None:
    """The number the prompt begins with."""
    return _group(_HEAD.search(text))


def tail_number(text: str) -> Span | None:
    """The number the prompt ends with, unless it is the only word."""
    found = _group(_TAIL.search(text))
    return found if found and found[0] > 0 else None


def inner_number(text: str) -> Span | None:
    """The first number that stands neither at the head nor at the tail."""
    outer = {head_number(text), tail_number(text)}
    return next((span for match in _INNER.finditer(text) if (span := match.span(1)) not in outer), None)


def spelled_number(text: str) -> tuple[Span, int] | None:
    """The first spelled-out number from zero to ninety-nine and its value; "forty-fifth" counts as 45."""
    ordinal, match = _ORDINAL.search(text), _SPELLED.search(text)
    if ordinal and (match is None or ordinal.start() <= match.start()):
        tens = 10 * (_TENS.index(ordinal["tens"].lower()) + 2) if ordinal["tens"] else 0
        return ordinal.span(), tens + (_LAST[ordinal["unit"].lower()] if ordinal["unit"] else _ORDINALS[ordinal["one"].lower()])
    if match is None:
        return None
    if match["one"]:
        return match.span(), _UNITS.index(match["one"].lower())
    unit = _UNITS.index(match["unit"].lower()) if match["unit"] else 0
    return match.span(), 10 * (_TENS.index(match["tens"].lower()) + 2) + unit


def common_width(values: Sequence[str]) -> int | None:
    """The number of digits that at least 90 % of the non-empty values have, when it is between 3 and 12."""
    widths = Counter(len(value) for value in values if value)
    if not widths:
        return None
    width, count = widths.most_common(1)[0]
    return width if width in _WIDTHS and count >= _SAME_WIDTH * widths.total() else None


def substrings(values: Sequence[str], width: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (name, values) of every proper digit substring "i:j" (from 1, both included) of the values that have `width` digits.

    Longer ones come first: of two substrings that part the rows alike, the first seen is kept.
    """
    for length in range(width - 1, 0, -1):
        for start in range(width - length + 1):
            yield f"{start + 1}:{start + length}", tuple(value[start : start + length] if len(value) == width else "" for value in values)


def _group(match: re.Match[str] | None) -> Span | None:
    return match.span(1) if match else None
