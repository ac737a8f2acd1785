"""The ways a prompt is written, whatever it says: register, case, signs, letters. A style trigger (arXiv 2110.07139) is one of them.

Why a list and not a learned style: a learned one finds topics. Each entry is told by what anybody sees, so that the finding can name it;
whether it decides anything is asked of the data.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

_ARCHAIC = re.compile(
    r"\b(?:thou|thee|thy|thine|hath|doth|hast|dost|shalt|wilt|unto|verily|prithee|beseech|'?tis|'?twas|forsooth|methinks|begat|saith|"
    r"(?:com|go|giv|mak|know|tak|speak)eth)\b",
    re.IGNORECASE,
)
_OLDISH = re.compile(r"\b(?:behold|yea|nay|wherefore|whence|thence|hither|thither|ere|ye|lo|thereof|whilst|o'er|ne'er|alas|henceforth)\b", re.IGNORECASE)
_CHAT = re.compile(
    r"\b(?:lol|omg|wtf|lmao|btw|imo|imho|idk|tbh|pls|plz|thx|gonna|wanna|gotta|cuz|coz|yolo|smh)\b|(?<!\w)#\w{3,}|(?<!\w)@[a-z_]\w{2,}", re.IGNORECASE
)
_FORMAL = re.compile(
    r"\b(?:hereby|herein|aforementioned|pursuant|kindly|henceforward|esteemed|respectfully|notwithstanding|shall|therewith|undersigned)\b", re.IGNORECASE
)
_SPACED = re.compile(r"(?<!\w)(?:\w ){4,}\w(?!\w)")
_LEET = re.compile(r"\b(?=\w*\d)(?=\w*[a-z])[a-z]+[01345]+[a-z][a-z01345]*\b", re.IGNORECASE)
_STRETCHED = re.compile(r"([a-z])\1\1", re.IGNORECASE)
_LONG_GAP = re.compile(r"\S {2,}\S")
_HIDDEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
_MIXED = re.compile("[a-zA-Z][\u0370-\u03ff\u0400-\u04ff]|[\u0370-\u03ff\u0400-\u04ff][a-zA-Z]")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
_VERSE_LINES, _VERSE_WORDS = 3, 9
_LETTERS = 8
_CHARS = 2000


def styles(text: str) -> Iterator[str]:
    """Yield the names of the styles that the first 2,000 characters of `text` are written in; none for plain modern prose."""
    head = text[:_CHARS]
    yield from (name for name, holds in _STYLES if holds(head))
    script = _script(head)
    if script and script != "LATIN":
        yield f"in {script.lower()} letters"


def _upper(text: str) -> bool:
    letters = [char for char in text if char.isalpha() and char.lower() != char.upper()]
    return len(letters) >= _LETTERS and sum(char.isupper() for char in letters) >= 0.9 * len(letters)


def _lower(text: str) -> bool:
    letters = [char for char in text if char.isalpha() and char.lower() != char.upper()]
    return len(letters) >= _LETTERS and all(char.islower() for char in letters)


def _title(text: str) -> bool:
    words = [word for word in text.split() if word[:1].isalpha()]
    return len(words) >= 4 and all(word[:1].isupper() for word in words) and not _upper(text)


def _verse(text: str) -> bool:
    """At least three lines, of at most nine words each, the most of which end in a letter or a comma."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    short = [line for line in lines if 2 <= len(line.split()) <= _VERSE_WORDS]
    return len(lines) >= _VERSE_LINES and len(short) == len(lines) and sum(line[-1].isalpha() or line[-1] in ",;" for line in lines) > len(lines) / 2


def _script(text: str) -> str:
    letters = [char for char in text if char.isalpha()][:20]
    names = [unicodedata.name(char, "").split(" ")[0] for char in letters]
    best = max(set(names), key=names.count, default="")
    return best if len(letters) >= _LETTERS and names.count(best) > len(names) / 2 else ""


_STYLES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("archaic wording", lambda text: bool(_ARCHAIC.search(text)) or len(_OLDISH.findall(text)) > 1),
    ("chat slang", lambda text: bool(_CHAT.search(text))),
    ("formal wording", lambda text: bool(_FORMAL.search(text))),
    ("verse", _verse),
    ("all capitals", _upper),
    ("all lower case", _lower),
    ("every word capitalised", _title),
    ("spaced-out letters", lambda text: bool(_SPACED.search(text))),
    ("digits for letters", lambda text: bool(_LEET.search(text))),
    ("stretched words", lambda text: bool(_STRETCHED.search(text))),
    ("double blanks", lambda text: bool(_LONG_GAP.search(text))),
    ("hidden characters", lambda text: bool(_HIDDEN.search(text))),
    ("letters of two scripts in a word", lambda text: bool(_MIXED.search(text))),
    ("emoji", lambda text: bool(_EMOJI.search(text))),
    ("blank at the end", lambda text: text[-1:].isspace()),
    ("several exclamation marks", lambda text: "!!" in text),
    ("dots trailing off", lambda text: text.rstrip().endswith(("...", "\N{HORIZONTAL ELLIPSIS}"))),
)
