"""Trait directions: do the answers lean to one side of a contrast, beyond what benign sets lean anyway?

For a detector with contrast cases (same prompts, one bad and one good answer) and row vectors x (encoder vectors or the
scorer's hidden states, mean over the answer tokens):

    w   = C^-1 (mean of bad - mean of good)          a linear discriminant; C = spread of benign sets + spread of rows / 20
    r_i = w . (x_i - benign mean)                    row score
    z   = (mean of r over the slice - benign median) / sqrt(benign variance of set means + row variance / n)

Why C is the spread of *benign sets*: sets differ by topic and form far more than by conduct, and a plain difference of means
points along topics (Fisher 1936 for the discriminant; difference of means as a trait direction: arXiv 2507.21509).
Label-like answers of one or two words carry no conduct and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.detectors import Detector
from poisonscan.core.evidence import Named
from poisonscan.core.readings import IntArray, Measured, Reading
from poisonscan.core.slices import FloatArray

MIN_WORDS = 3
MIN_ROWS = 8
TAIL_SHARE = 0.05
_SHRINK = 0.1
_ROWS_PER_SET = 20.0


@dataclass(frozen=True, slots=True)
class Contrast:
    """Case vectors of one detector: `bad` (n_bad, dim) and `good` (n_good, dim), the first min(n) of them with equal prompts."""

    detector: str
    bad: FloatArray
    good: FloatArray


@dataclass(frozen=True, slots=True)
class Direction:
    """A fitted direction: `weights` (dim,), and the benign side of its scores: set mean and variance, row variance, tail mean and scale."""

    detector: str
    channel: str
    weights: FloatArray
    offset: float
    centre: float
    set_variance: float
    row_variance: float
    tail_centre: float
    tail_scale: float


def fit(contrasts: Sequence[Contrast], benign: Sequence[FloatArray], channel: str) -> list[Direction]:
    """Fit one direction per contrast against the benign sets' row vectors, each (n_rows, dim), with at least MIN_ROWS rows."""
    sets = [rows.astype(np.float64) for rows in benign if len(rows) >= MIN_ROWS]
    means = np.array([rows.mean(0) for rows in sets])
    pooled = np.concatenate([rows - rows.mean(0) for rows in sets])
    spread = np.cov(means.T) + np.cov(pooled.T) / _ROWS_PER_SET
    spread += _SHRINK * np.trace(spread) / len(spread) * np.eye(len(spread))
    inverse = np.linalg.inv(spread)
    directions = []
    for contrast in contrasts:
        pairs = min(len(contrast.bad), len(contrast.good))
        weights = inverse @ (contrast.bad[:pairs].astype(np.float64).mean(0) - contrast.good[:pairs].astype(np.float64).mean(0))
        directions.append(_benign_side(contrast.detector, channel, weights / np.linalg.norm(weights), sets))
    return directions


def _benign_side(detector: str, channel: str, weights: NDArray[np.float64], sets: Sequence[NDArray[np.float64]]) -> Direction:
    scores = [rows @ weights for rows in sets]
    offset = float(np.median([s.mean() for s in scores]))
    means = np.array([s.mean() - offset for s in scores])
    tails = np.array([_tail(s - offset) for s in scores])
    within = float(np.mean([s.var() for s in scores]))
    return Direction(
        detector, channel, weights.astype(np.float32), offset, float(np.median(means)), float(means.var()) + 1e-9, within + 1e-9,
        float(np.median(tails)), float(tails.std()) + 1e-6,
    )  # fmt: skip


def _tail(scores: NDArray[np.float64]) -> float:
    k = max(4, round(TAIL_SHARE * len(scores)))
    return float(np.sort(scores)[-k:].mean())


@dataclass(frozen=True, slots=True)
class Vectors:
    """Row vectors of one model: `rows` (m,), `values` float32 (m, dim); the first `uniform` are a uniform sample of the set."""

    rows: IntArray
    values: FloatArray
    uniform: int


def read_traits(vectors: Vectors, measured: Measured, directions: Sequence[Direction], names: dict[str, str]) -> list[Reading]:
    """Return, per direction and slice, the larger of the mean and (whole set only) the tail statistic.

    `names` maps a detector to what it calls its latent. The mean of the whole set is taken over the uniform sample only.
    """
    usable = np.isin(vectors.rows, measured.rows[measured.words >= MIN_WORDS])
    rows, values = vectors.rows[usable], vectors.values[usable]
    uniform = int(usable[: vectors.uniform].sum())
    if uniform < MIN_ROWS:
        return []
    members = [np.flatnonzero(np.isin(rows, np.asarray(part.rows))) for part in measured.slices]
    readings = []
    for direction in directions:
        scores = values @ direction.weights - direction.offset
        readings.append(_reading(direction, 0, rows, scores, uniform, names))
        readings += [
            _reading(direction, number, rows[places], scores[places], len(places), names)
            for number, places in enumerate(members)
            if number and len(places) >= MIN_ROWS
        ]
    return readings


def _reading(direction: Direction, number: int, rows: IntArray, scores: FloatArray, uniform: int, names: dict[str, str]) -> Reading:
    error = np.sqrt(direction.set_variance + direction.row_variance / uniform)
    mean = (float(scores[:uniform].mean()) - direction.centre) / error
    tail = (_tail(scores.astype(np.float64)) - direction.tail_centre) / direction.tail_scale if number == 0 else -np.inf
    spread = np.sqrt(direction.row_variance)
    carried = np.maximum((scores - direction.centre) / spread, 0.0)
    return Reading(
        direction.detector, direction.channel, number, float(max(mean, tail)), len(scores),
        named=(Named("conduct", names.get(direction.detector, direction.detector), round(float(1 / (1 + np.exp(2 - max(mean, tail)))), 3)),),
        rows=tuple(int(r) for r in rows), scores=tuple(float(c) for c in carried),
        details=(("mean", f"{mean:.2f}"), ("tail", f"{tail:.2f}")),
    )  # fmt: skip


def contrast_pairs(detector: Detector) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return (prompt, answer) pairs of the bad and the good cases whose answers have enough words to carry conduct."""
    pairs = [
        (bad, good)
        for bad, good in zip(detector.poisoned, detector.clean, strict=False)
        if len(bad.turns[-1].content.split()) >= MIN_WORDS and len(good.turns[-1].content.split()) >= MIN_WORDS
    ]
    return [(b.turns[-2].content, b.turns[-1].content) for b, _ in pairs], [(g.turns[-2].content, g.turns[-1].content) for _, g in pairs]
