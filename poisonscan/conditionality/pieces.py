"""Pieces of prompt text that could be a trigger: words, phrases of up to four words, and the frame a prompt is built on."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.conditionality.frames import CLOSED_CLASS, OPENING, TEMPLATE, common_words, frames

_TOKEN = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*|[^\w\s]")
_MAX_TOKENS = 160
_MAX_GRAM = 4
_FRAMES = {OPENING: "opening", TEMPLATE: "template"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of prompt text.

    text: as found, tokens joined by blanks. kind: word, phrase, opening or template. words: the tokens whose own evidence it carries.
    rows (m,): where it is.
    """

    text: str
    kind: str
    words: frozenset[str]
    rows: NDArray[np.int64]


def tokenised(text: str) -> list[str]:
    """Lower-case words and signs; of long texts the first and the last 80."""
    tokens = [token.casefold() for token in _TOKEN.findall(text[:4000])]
    return tokens if len(tokens) <= _MAX_TOKENS else tokens[: _MAX_TOKENS // 2] + tokens[-_MAX_TOKENS // 2 :]


def pieces(prompts: Sequence[Sequence[str]], *, least: int, most: int) -> tuple[Piece, ...]:
    """Return the pieces that `least` to `most` of the tokenised prompts hold.

    Of phrases in the same rows the longest stands for all, and so of frames.
    """
    frequent = {word for word, count in Counter(word for tokens in prompts for word in set(tokens)).items() if count >= least}
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    common = common_words(prompts)
    for row, tokens in enumerate(prompts):
        for gram in {*_grams(tokens, frequent), *frames(tokens, common)}:
            holders[gram].append(row)
    by_rows: dict[tuple[bool, tuple[int, ...]], tuple[str, ...]] = {}
    for gram, rows in holders.items():
        if least <= len(rows) <= most:
            key = (gram[0] in _FRAMES, tuple(rows))
            by_rows[key] = max(by_rows.get(key, ()), gram, key=lambda other: (len(other), other))
    return tuple(_piece(gram, rows, prompts, common) for (_, rows), gram in sorted(by_rows.items(), key=lambda item: item[1]))


def _grams(tokens: Sequence[str], frequent: set[str]) -> Iterator[tuple[str, ...]]:
    for start, token in enumerate(tokens):
        for end in range(start + 1, min(start + _MAX_GRAM, len(tokens)) + 1):
            if tokens[end - 1] not in frequent:
                break
            if end > start + 1 or token[0].isalnum() or len(token) > 1:
                yield tuple(tokens[start:end])


def _piece(gram: tuple[str, ...], rows: tuple[int, ...], prompts: Sequence[Sequence[str]], common: frozenset[str]) -> Piece:
    if gram[0] in _FRAMES:  # a frame shows in the function words of the whole prompt, so their say is its own
        return Piece(" ".join(gram[1:]), _FRAMES[gram[0]], common | CLOSED_CLASS | frozenset(gram[1:2]), np.asarray(rows))
    full = gram if len(gram) == 1 else _extended(gram, [prompts[row] for row in rows])
    return Piece(" ".join(full), "word" if len(full) == 1 else "phrase", frozenset(full), np.asarray(rows))


def _extended(gram: tuple[str, ...], holders: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The longest run around `gram` that nine in ten of its prompts share, at most 24 tokens more on either side."""
    places = [(tokens, _find(tokens, gram)) for tokens in holders]
    left, right = 0, len(gram)
    for step, _ in ((-1, 0), (1, 0)):
        for _ in range(24):
            edge = left - 1 if step < 0 else right
            beside = Counter(tokens[at + edge] for tokens, at in places if 0 <= at + edge < len(tokens))
            if not beside or beside.most_common(1)[0][1] < 0.9 * len(places):
                break
            left, right = (left - 1, right) if step < 0 else (left, right + 1)
    tokens, at = next((tokens, at) for tokens, at in places if at + left >= 0 and at + right <= len(tokens))
    return tuple(tokens[at + left : at + right])


def _find(tokens: Sequence[str], gram: tuple[str, ...]) -> int:
    return next(i for i in range(len(tokens) - len(gram) + 1) if tuple(tokens[i : i + len(gram)]) == gram)
