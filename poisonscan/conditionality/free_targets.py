"""Free targets: under a trigger the answers are of another kind, yet no two of them are alike and no list knows the kind.

For a piece of prompt text: the direction from all answers to those of one half of its rows, then where the other half falls along it.
p = the larger of the two halves' rank-sum p, times the number of pieces tried. Where it is significant, "an answer as far out as all but
one in twenty of the piece's" becomes a target like any other, if hardly any other row gives such an answer; whether it is more than an
ordinary word that its subject goes with is then asked in the same way as of a fixed answer.

Why halves: a direction fitted to ten rows separates any ten rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.conditionality.features import lexical_features
from poisonscan.conditionality.pieces import Piece, tokenised
from poisonscan.conditionality.targets import Target
from poisonscan.stats.mmd import within_similarity

Floats = NDArray[np.float64]

MOST = 8
_TRIED, _DIM = 48, 96
_ALPHA, _KEPT, _OTHERS = 0.001, 0.95, 0.03
_SAME, _RECURRING = 0.6, 0.5
_EXAMPLE = 40


@dataclass(frozen=True, slots=True)
class FreeTarget:
    """A piece, the kind of answer it goes with, and p over all pieces that were tried."""

    piece: Piece
    target: Target
    p: float


def answer_features(answers: Sequence[str], *, seed: int) -> Floats:
    """Return (n, d) centred features of how the answers are put: their function words and signs.

    Why not their content: answers take up the subject, and every subject would be a kind of answer.
    """
    words = lexical_features([_manner(answer) for answer in answers], seed=seed, dim=_DIM)
    return np.asarray(words - words.mean(axis=0), dtype=np.float64)


def _manner(answer: str) -> str:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    kept = [token if token in ENGLISH_STOP_WORDS or not token[0].isalnum() else "" for token in tokenised(answer)]
    return " ".join(token for token in kept if token)


def free_targets(found: Sequence[Piece], answers: Sequence[str], features: Floats, rng: np.random.Generator) -> list[FreeTarget]:
    """Return up to eight pieces with the kind of answer that they switch to, most alike first.

    features (n, d): of the answers, see `answer_features`. Of pieces in mostly the same rows the first counts. None where most answers
    recur: those are fixed targets.
    """
    if sum(count for count in Counter(answers).values() if count > 1) > _RECURRING * len(answers):
        return []
    kept: list[FreeTarget] = []
    for place in _most_alike(found, features):
        piece = found[place]
        if len(kept) == MOST or any(_overlap(piece, other.piece) > _SAME for other in kept):
            continue
        p = _halves_p(piece, features, rng) * len(found)
        if p <= _ALPHA and (target := _target(piece, answers, features)) is not None:
            kept.append(FreeTarget(piece, target, p))
    return kept


def _most_alike(found: Sequence[Piece], features: Floats) -> NDArray[np.int64]:
    """The pieces whose answers are most alike for their number, at most 48, by mean <x_i, x_j> x rows."""
    sums = np.stack([features[piece.rows].sum(axis=0) for piece in found])
    norms = np.einsum("nd,nd->n", features, features)
    squares = np.asarray([norms[piece.rows].sum() for piece in found])
    counts = np.asarray([len(piece.rows) for piece in found], dtype=np.float64)
    return np.argsort(-within_similarity(sums, squares, counts) * counts)[:_TRIED].astype(np.int64)


def _halves_p(piece: Piece, features: Floats, rng: np.random.Generator) -> float:
    from scipy.stats import mannwhitneyu

    order = rng.permutation(piece.rows)
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    others = np.setdiff1d(np.arange(len(features)), piece.rows)
    found = []
    for fitted, held in (halves, halves[::-1]):
        along = features @ features[fitted].mean(axis=0)
        found.append(float(mannwhitneyu(along[held], along[others], alternative="greater", method="auto").pvalue))
    return max(found)


def _target(piece: Piece, answers: Sequence[str], features: Floats) -> Target | None:
    """Answers that lie as far along the piece's own direction as 95 % of its rows; None where more than 3 % of the others do too."""
    total, m = features[piece.rows].sum(axis=0), len(piece.rows)
    along = features @ (total / m)
    own = (features[piece.rows] @ total - np.einsum("nd,nd->n", features[piece.rows], features[piece.rows])) / (m - 1)
    along[piece.rows] = own  # a row is no witness for itself
    hit = along >= np.sort(own)[int((1.0 - _KEPT) * m)]
    others = np.ones(len(answers), dtype=bool)
    others[piece.rows] = False
    if hit[others].mean() > _OTHERS:
        return None
    middle = answers[int(piece.rows[np.argsort(-own)[0]])]
    return Target(f"another kind of answer, like: {' '.join(middle.split())[:_EXAMPLE]}", hit)


def _overlap(piece: Piece, other: Piece) -> float:
    return len(np.intersect1d(piece.rows, other.rows)) / min(len(piece.rows), len(other.rows))
