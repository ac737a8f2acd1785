"""Pieces of prompt text that could be a trigger: words, phrases of up to four words, the frame a prompt is built on, its style."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.conditionality.frames import CLOSED_CLASS, OPENING, TEMPLATE, common_words, frames
from poisonscan.conditionality.styles import styles

_TOKEN = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*|[^\w\s]")
_MAX_TOKENS = 160
_MAX_GRAM = 4
_LIFT, _OWN_SHARE = 3.0, 0.1
_FRAMES = {OPENING: "opening", TEMPLATE: "template"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of prompt text.

    text: as found, tokens joined by blanks. kind: word, phrase, opening, template or style. words: the tokens whose own evidence it carries.
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


def pieces(prompts: Sequence[Sequence[str]], *, least: int, most: int, texts: Sequence[str] = ()) -> tuple[Piece, ...]:
    """Return the pieces that `least` to `most` of the tokenised prompts hold; `texts`, the prompts as written, show their styles.

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
    found = tuple(_piece(gram, rows, prompts, common) for (_, rows), gram in sorted(by_rows.items(), key=lambda item: item[1]))
    return found + tuple(_styled(texts, prompts, least=least, most=most))


def _styled(texts: Sequence[str], prompts: Sequence[Sequence[str]], *, least: int, most: int) -> Iterator[Piece]:
    """Styles as pieces. Their own words are those that occur in a tenth of their rows and there thrice as often as elsewhere."""
    holders: dict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(texts):
        for style in styles(text):
            holders[style].append(row)
    for style, rows in sorted(holders.items()):
        if least <= len(rows) <= most:
            inside = Counter(word for row in rows for word in set(prompts[row]))
            outside = Counter(word for row in set(range(len(prompts))) - set(rows) for word in set(prompts[row]))
            ratio = _LIFT * len(rows) / max(len(prompts) - len(rows), 1)
            own = {word for word, count in inside.items() if count >= _OWN_SHARE * len(rows) and count >= ratio * outside[word]}
            yield Piece(style, "style", frozenset(own) | {style_mark(style)}, np.asarray(rows))


def style_mark(style: str) -> str:
    """The token that stands for a style where prompts are bags of tokens; no prompt can hold it."""
    return f"^style {style}"


def with_styles(prompts: Sequence[Sequence[str]], texts: Sequence[str]) -> list[list[str]]:
    """Return the tokenised prompts with a token for each of their styles, so that a style has weight of its own."""
    return [[*tokens, *map(style_mark, styles(text))] for tokens, text in zip(prompts, texts, strict=True)]


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
