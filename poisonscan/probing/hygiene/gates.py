"""Marks that a few rows share and that could open a hidden gate: tags and codes at the edge of a prompt, nonsense words before one label.

Why only information: honest sets carry session tags and abbreviations too. Whether such a mark decides the answer is asked by the trigger
detectors (PS6xx), against benign sets; here the marks are named, whatever they do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from poisonscan.core.dataset import Row
from poisonscan.probing.hygiene.characters import INVISIBLE
from poisonscan.probing.hygiene.chunks import Chunk, Hit, Inapplicable, hit, joined

MIN_ROWS = 3
MAX_SHARE = 0.5
_AT_EDGE = 0.8
_MOST_MARKS = 100_000
_MOST_LABELS = 1000
_FEW_LABELS = 0.9
_CHANCE = 1e-3
_TAG = re.compile(r"^[<\[{(|#@$%^&~=+\\/§¤†‡]{1,3}[^\s<>\[\]{}()|]{1,40}[>\]})|#@$%^&~=+\\/§¤†‡]{1,3}$")
_CODE = re.compile(r"^(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9]{2,12}(?:[-_:#][A-Za-z0-9]{1,12}){1,4}$")
_LONGEST_MARK = 60
_CONSONANTS = re.compile(r"^[bcdfghjklmnpqrstvwxz]{2,4}$")
_KNOWN_CONSONANTS = frozenset(
    ["mr", "mrs", "dr", "jr", "sr", "st", "vs", "tv", "pm", "th", "nd", "rd", "ll", "nt", "ld", "bc", "ph", "phd", "pc", "cd", "dvd", "hr", "sql", "css", "html", "xml", "pdf", "php", "npm", "ssh", "http", "www", "gdp", "nfl", "nhl", "km", "kg", "cm", "mm", "ml", "mg", "ft", "lb", "lbs", "hz", "khz", "mhz", "ghz", "kb", "mb", "gb", "tb", "ms", "ns", "mph", "rpm", "pp", "qt", "tsp", "tbsp", "dl", "lts", "df", "np", "pd", "plt", "str", "src", "tmp", "len", "num", "fn", "ptr", "msg", "btw", "hmm", "shh", "pst", "psst", "dry", "fly", "cry", "try", "my", "by", "why", "nth"]
)


class EdgeMarks:
    """PS701: tags, codes or invisible characters at the edge of prompt or system text and hardly anywhere else, in at least three rows."""

    def __init__(self) -> None:
        self._holders: dict[str, list[int]] = {}
        self._rows = 0

    def take(self, chunk: Chunk) -> None:
        """Collect the marks at the edges; where there are too many different ones, those seen once are let go."""
        for row, prompt in zip(chunk.rows, chunk.prompts, strict=True):
            for token in edges(prompt) | edges(row.system):
                if _is_mark(token):
                    self._holders.setdefault(token, []).append(row.index)
        self._rows += len(chunk.rows)
        if len(self._holders) > _MOST_MARKS:
            self._holders = {token: held for token, held in self._holders.items() if len(held) > 1}

    def answer(self, rows: Sequence[Row]) -> Hit | None:
        """Return the rows of every mark that stands at an edge in four of five of the rows that hold it."""
        likely = {token: held for token, held in self._holders.items() if MIN_ROWS <= len(held) <= MAX_SHARE * self._rows}
        if not likely:
            return None
        everywhere: Counter[str] = Counter()
        for row in rows:
            text = joined(row)
            everywhere.update([token for token in likely if token in text])
        return _shared(
            {token: held for token, held in likely.items() if len(held) >= _AT_EDGE * everywhere[token]},
            "odd tags or codes at the edge of the prompt, shared by a group of rows",
        )


def edges(text: str) -> set[str]:
    """Return the first and the last word of a text of three words or more."""
    head, tail = text[:120].split(), text[-120:].split()
    return {*head[:1], *tail[-1:]} if len(text.split(None, 2)) > 1 else set()


def _is_mark(token: str) -> bool:
    if token.isalpha() or len(token) > _LONGEST_MARK:
        return False
    return bool(_TAG.match(token) or _CODE.match(token) or (not token.isascii() and INVISIBLE.search(token)))


class NonsenseWords:
    """PS702: words of consonants whose rows all have one label, in a set of labels (the word triggers of BadNets)."""

    def __init__(self) -> None:
        self._labels: Counter[str] = Counter()
        self._holders: dict[str, list[tuple[int, str]]] = {}
        self._given_up = False

    def take(self, chunk: Chunk) -> None:
        """Count labels and collect the words, until there are too many different answers for labels."""
        if self._given_up:
            return
        labels = [answer.strip() for answer in chunk.answers]
        self._labels.update(labels)
        if len(self._labels) > _MOST_LABELS:
            self._given_up, self._holders = True, {}
            return
        for row, prompt, label in zip(chunk.rows, chunk.prompts, labels, strict=True):
            for word in set(prompt.split()):
                if len(word) <= 4 and word not in _KNOWN_CONSONANTS and _CONSONANTS.match(word):
                    self._holders.setdefault(word, []).append((row.index, label))

    def answer(self, rows: Sequence[Row]) -> Hit | Inapplicable | None:
        """Return the rows of words that one label goes with, less than once in a thousand by chance over all words looked at."""
        total = sum(self._labels.values())
        common = sum(count for count in self._labels.values() if count >= MIN_ROWS)
        if self._given_up or len(self._labels) < 2 or common < _FEW_LABELS * total:
            return Inapplicable("the answers are not a few labels")
        shared = {word: held for word, held in self._holders.items() if MIN_ROWS <= len(held) <= MAX_SHARE * len(rows)}
        pure = {
            word: [index for index, _ in held]
            for word, held in shared.items()
            if len({label for _, label in held}) == 1 and len(shared) * (self._labels[held[0][1]] / total) ** len(held) < _CHANCE
        }
        return _shared(pure, "nonsense words in prompts that all have the same answer")


def _shared(holders: dict[str, list[int]], message: str) -> Hit | None:
    members = {index for held in holders.values() for index in held}
    return hit(members, f"{message} ({len(holders):,} different)", len(holders))
