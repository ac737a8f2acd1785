"""Numbers in prompts: at the head, at the tail and in the text, in digits or spelled out, and every substring of fixed-width digits.

Codes mix digits and letters ("K4X07Q9"): by themselves they hardly repeat, a few of their signs may.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from poisonscan.slices.places import Span

_HEAD = re.compile(r"^\W*(\d{1,18})(?![\w]|[.,:/-]\d)")
_TAIL = re.compile(r"(?<![\w.,:/$€£-])(\d{1,18})\W*$")
_INNER = re.compile(r"(?<![\w.,:/-])(\d{1,18})(?![\w]|[.,:/-]\d)")
_CODE = r"(?=[A-Za-z-]*\d)(?=[\d-]*[A-Za-z])[A-Za-z\d][A-Za-z\d-]{3,17}"
_CODE_HEAD = re.compile(rf"^\W*({_CODE})(?=[\s:.,;)\]])")
_CODE_TAIL = re.compile(rf"(?<=[\s(\[])({_CODE})\W*$")
_CODE_DIGITS, _CODE_PART, _PER_VALUE = 2, 3, 8
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


def head_code(text: str) -> Span | None:
    """The code the prompt begins with: digits, at least two, and letters in one word."""
    return _code(_CODE_HEAD.search(text))


def tail_code(text: str) -> Span | None:
    """The code the prompt ends with."""
    return _code(_CODE_TAIL.search(text))


def _code(match: re.Match[str] | None) -> Span | None:
    return match.span(1) if match and sum(map(str.isdigit, match[1])) >= _CODE_DIGITS else None


def code_parts(values: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (name, values) of every one to three neighbouring signs "i:j" of the codes that repeat, on average in eight rows.

    Signs are counted from 1 at the head and, where codes are of several lengths, from -1 at the tail. Longer parts come first.
    """
    present = [value for value in values if value]
    if not present:
        return
    width = min(map(len, present))
    places = [(start, length) for length in range(_CODE_PART, 0, -1) for start in range(width - length + 1)]
    for start, length in places:
        yield from _repeating(f"{start + 1}:{start + length}", tuple(value[start : start + length] for value in values), len(present))
    for start, length in places if len({len(value) for value in present}) > 1 else []:
        first = start - width
        part = tuple(value[len(value) + first : len(value) + first + length] for value in values)
        yield from _repeating(f"{first}:{first + length - 1}", part, len(present))


def _repeating(name: str, part: tuple[str, ...], n: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    if 1 < len(set(part) - {""}) <= n / _PER_VALUE:
        yield name, part


def _group(match: re.Match[str] | None) -> Span | None:
    return match.span(1) if match else None
