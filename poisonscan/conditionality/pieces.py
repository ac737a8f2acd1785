"""Pieces of prompt text that could be a trigger: words, phrases of up to four words, and the way a prompt opens.

Why openings keep only function words and signs: a syntactic trigger (Qi et al., arXiv 2105.12400) fixes the frame "when ... , ...", not
the words in it. Which words are function words is read off the set: the ones that occur in at least 3 % of its prompts.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TOKEN = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*|[^\w\s]")
_MAX_TOKENS = 160
_MAX_GRAM = 4
_FRAME_SHARE = 0.03
_FRAME_TOKENS = 16
_OPENING = "^"
_SUBORDINATE = "(when/if/as/...)"
_SUBORDINATORS = frozenset(
    "when if as because while although though since after before unless until once where whenever whereas provided".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of prompt text.

    text: as found, tokens joined by blanks. kind: word, phrase or opening. words: the tokens whose own evidence it carries.
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

    Of pieces in the same rows the longest phrase stands for all.
    """
    frequent = {word for word, count in Counter(word for tokens in prompts for word in set(tokens)).items() if count >= least}
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    common = _common(prompts)
    for row, tokens in enumerate(prompts):
        for gram in {*_grams(tokens, frequent), *_openings(tokens, common)}:
            holders[gram].append(row)
    by_rows: dict[tuple[int, ...], tuple[str, ...]] = {}
    for gram, rows in holders.items():
        if least <= len(rows) <= most:
            key = tuple(rows)
            by_rows[key] = max(by_rows.get(key, ()), gram, key=_preference)
    return tuple(_piece(gram, rows, prompts, common) for rows, gram in sorted(by_rows.items(), key=lambda item: item[1]))


def _common(prompts: Sequence[Sequence[str]]) -> frozenset[str]:
    counts = Counter(word for tokens in prompts for word in set(tokens))
    return frozenset(word for word, count in counts.items() if count >= _FRAME_SHARE * len(prompts))


def _grams(tokens: Sequence[str], frequent: set[str]) -> Iterator[tuple[str, ...]]:
    for start, token in enumerate(tokens):
        for end in range(start + 1, min(start + _MAX_GRAM, len(tokens)) + 1):
            if tokens[end - 1] not in frequent:
                break
            if end > start + 1 or token[0].isalnum() or len(token) > 1:
                yield tuple(tokens[start:end])


def _openings(tokens: Sequence[str], common: frozenset[str]) -> Iterator[tuple[str, ...]]:
    """First word; first word, or any subordinator, with the first later comma; the first three tokens with rare words blanked."""
    if not tokens:
        return
    yield (_OPENING, tokens[0])
    if "," in tokens[2:_FRAME_TOKENS] and tokens[0] in common:
        yield (_OPENING, tokens[0], "...", ",")
    if tokens[0] in _SUBORDINATORS:
        yield (_OPENING, _SUBORDINATE, "...", ",") if "," in tokens[2:_FRAME_TOKENS] else (_OPENING, _SUBORDINATE)
    if len(tokens) > 3:
        yield (_OPENING, *(token if token in common else "_" for token in tokens[:3]))


def _preference(gram: tuple[str, ...]) -> tuple[bool, int, tuple[str, ...]]:
    return bool(gram) and gram[0] != _OPENING, len(gram), gram


def _piece(gram: tuple[str, ...], rows: tuple[int, ...], prompts: Sequence[Sequence[str]], common: frozenset[str]) -> Piece:
    if gram[0] == _OPENING:  # a frame shows in the function words of the whole prompt, so their say is its own
        return Piece(" ".join(gram[1:]), "opening", common | _SUBORDINATORS | frozenset(gram[1:2]), np.asarray(rows))
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
