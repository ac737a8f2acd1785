"""Characters that do not look like what they are: unseen, turned round, borrowed from another alphabet, meant for a terminal, encoded.

Why `HiddenText` is apart: a soft hyphen or a zero-width space is pasted by accident; a sentence in tag characters or a word printed
backwards is there to be read by the model and not by a person.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from poisonscan.core.dataset import Row
from poisonscan.probing.hygiene.chunks import Chunk, Hit, hit

# Zero-width and invisible characters, bidirectional controls, tag characters, all of them among `chunks.UNSEEN`. The joiners U+200C and U+200D are letters' business in
# Indic and Persian text and in emoji, U+FE0F in emoji: they count only between ASCII letters.
INVISIBLE = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufeff\uffa0"
    "\U000e0000-\U000e0fff\U0001d173-\U0001d17a]|(?<=[A-Za-z])[\u200c\u200d\ufe00-\ufe0f](?=[A-Za-z])"
)
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe]")
_MARKS = frozenset("\u061c\u200e\u200f")
# The flags of England, Scotland and Wales are a black flag with up to six tag characters.
_TAGGED = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0020-\U000e007e]{3,}")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
_ZERO_WIDTH = re.compile("[\u200b-\u200d\u2060-\u2064\ufeff]{8,}")
_BACKWARDS = re.compile("\u202e[^\u202c\n]{0,40}?[A-Za-z]{2}")
_TURNED = re.compile("[\u202b\u2067][^\u202c\u2069\n]{0,40}?[A-Za-z]{2}")
_FOREIGN = "\u0370-\u03ff\u0400-\u052f\u0531-\u058f\u13a0-\u13ff"
_FOREIGN_LETTER = re.compile(f"[{_FOREIGN}]")
_MIXED = re.compile(f"[A-Za-z][{_FOREIGN}]|[{_FOREIGN}][A-Za-z]")
_STYLED = re.compile("[\U0001d400-\U0001d7ff\uff21-\uff3a\uff41-\uff5a]{3}")
_WORD = re.compile(r"[^\W\d_]{4,}")
# Greek letters that pass for Latin ones; others next to Latin letters are units and formulas.
_GREEK_TWINS = frozenset("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧανικορτυχ")
_C1 = re.compile("[\x80-\x84\x86-\x9f]")
_BLOB = re.compile(
    r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{160,}={0,2}|(?<![0-9a-fA-F])[0-9a-fA-F]{96,}|(?:\\x[0-9a-fA-F]{2}){16,}|(?:\\u[0-9a-fA-F]{4}){16,}"
)
# byte -> whether it is a control byte that no text needs
_CONTROL = np.array([(byte < 32 and byte not in (9, 10, 13)) or byte == 127 for byte in range(256)])
_ENCODED = np.array([chr(byte) in "+/\\" or (byte < 128 and chr(byte).isalnum()) for byte in range(256)])


class _Counted:
    """Row index -> how often the oddity was seen in it."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}

    def add(self, row: Row, times: int) -> None:
        if times:
            self.counts[row.index] = self.counts.get(row.index, 0) + times

    def hit(self, message: str) -> Hit | None:
        return hit(self.counts, message, sum(self.counts.values()))


class InvisibleCharacters:
    """PS105: characters nobody sees, or that turn the direction of text, wherever they stand."""

    def __init__(self) -> None:
        self._found = _Counted()
        self._seen: Counter[str] = Counter()

    def take(self, chunk: Chunk) -> None:
        """Count them in every text that may hold some."""
        for place in chunk.unseen:
            text = chunk.texts[place]
            marks = INVISIBLE.findall(text)
            if marks and _RIGHT_TO_LEFT.search(text):
                marks = [mark for mark in marks if mark not in _MARKS]
            self._seen.update(marks)
            self._found.add(chunk.rows[place], len(marks))

    def answer(self, rows: Sequence[Row]) -> Hit | None:
        """Return the rows, and the code points by number."""
        del rows
        shown = ", ".join(f"U+{ord(mark):04X} ({count:,})" for mark, count in self._seen.most_common(4))
        return self._found.hit(f"characters nobody sees: {shown}")


class HiddenText:
    """PS110: whole pieces of text a person cannot read as the model does: tag characters, zero-width code, letters printed backwards."""

    def __init__(self) -> None:
        self._found = _Counted()
        self._ways: Counter[str] = Counter()

    def take(self, chunk: Chunk) -> None:
        """Look for each way of hiding in every text that may hold some."""
        for place in chunk.unseen:
            ways = list(_ways_of_hiding(chunk.texts[place]))
            self._ways.update(ways)
            self._found.add(chunk.rows[place], len(ways))

    def answer(self, rows: Sequence[Row]) -> Hit | None:
        """Return the rows, and how the text was hidden."""
        del rows
        shown = ", ".join(f"{way} ({count:,})" for way, count in self._ways.most_common())
        return self._found.hit(f"text is hidden from whoever reads it: {shown}")


def _ways_of_hiding(text: str) -> Iterable[str]:
    if _TAGGED.search(text):
        yield "a run of tag characters"
    if _SELECTORS.search(text):
        yield "a run of variation selectors"
    if any(len(set(run)) > 1 for run in _ZERO_WIDTH.findall(text)):
        yield "a code of zero-width characters"
    if _BACKWARDS.search(text) or (_TURNED.search(text) and not _RIGHT_TO_LEFT.search(text)):
        yield "letters shown in another order"


class LookalikeLetters:
    """PS106: words that mix Latin with look-alikes of other alphabets, or are written in styled letters."""

    def __init__(self) -> None:
        self._found = _Counted()

    def take(self, chunk: Chunk) -> None:
        """Count such words in every text that is not ASCII."""
        for place in chunk.odd:
            text = chunk.texts[place]
            mixed = sum(map(_is_mixed, _WORD.findall(text))) if _FOREIGN_LETTER.search(text) and _MIXED.search(text) else 0
            self._found.add(chunk.rows[place], mixed + len(_STYLED.findall(text)))

    def answer(self, rows: Sequence[Row]) -> Hit | None:
        """Return the rows."""
        del rows
        return self._found.hit("words that mix alphabets or use look-alike letters")


def _is_mixed(word: str) -> bool:
    """Return True for a word of Latin letters with look-alikes among them."""
    if word.isascii() or not _MIXED.search(word):
        return False
    latin = sum(letter.isascii() for letter in word)
    foreign = [letter for letter in word if "\u0370" <= letter <= "\u13ff"]
    return latin >= 2 and all(letter > "\u03ff" or letter in _GREEK_TWINS for letter in foreign)


class ControlCharacters:
    """PS107: terminal escapes and other control characters."""

    def __init__(self) -> None:
        self._found = _Counted()

    def take(self, chunk: Chunk) -> None:
        """Count control bytes, and C1 controls in texts that are not ASCII."""
        offsets = np.flatnonzero(_CONTROL[chunk.raw])
        for offset_place in chunk.places(offsets):
            begin, end = chunk.starts[offset_place], chunk.starts[offset_place] + chunk.sizes[offset_place]
            self._found.add(chunk.rows[offset_place], int(np.searchsorted(offsets, end) - np.searchsorted(offsets, begin)))
        for place in chunk.odd:
            self._found.add(chunk.rows[place], len(_C1.findall(chunk.texts[place])))

    def answer(self, rows: Sequence[Row]) -> Hit | None:
        """Return the rows."""
        del rows
        return self._found.hit("control or terminal escape characters")


class EncodedBlobs:
    """PS108: long runs of base64, hex or escaped bytes, which are not decoded."""

    def __init__(self) -> None:
        self._found = _Counted()

    def take(self, chunk: Chunk) -> None:
        """Search the texts that hold a long run without a space or punctuation mark; sixteen escaped bytes are at least 64 long."""
        stops = np.flatnonzero(~_ENCODED[chunk.raw])
        edges = np.concatenate([[-1], stops, [len(chunk.raw)]])
        long = np.flatnonzero(np.diff(edges) > 64)
        for place in chunk.places(edges[long] + 1):
            self._found.add(chunk.rows[place], len(_BLOB.findall(chunk.texts[place])))

    def answer(self, rows: Sequence[Row]) -> Hit | None:
        """Return the rows."""
        del rows
        return self._found.hit("long runs of base64, hex or escaped bytes, which were not decoded")
