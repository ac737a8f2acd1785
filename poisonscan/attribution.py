"""Which rows carry a finding: those a channel read, and those among whose nearest rows they lie.

The evidence of a poisoned set is collective: of ninety bird names sixty are on a list of superseded ones, and the other thirty came with
them. A row is therefore as suspicious as its own score s and the scores of its neighbours say,

    s(x) <- (s(x) + mean of s over the rows nearest to x) / 2,  twice, largest first set to 1

with 20 neighbours, one in twenty rows of smaller sets: label propagation (Zhou et al. 2004, "Learning with Local and Global Consistency") in
two steps, near in prompt and answer alike. Rows that nothing points to and that lie near nothing suspicious stay at 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.evidence import Finding, RowShare
from poisonscan.core.readings import Measured, Reading
from poisonscan.core.slices import FloatArray
from poisonscan.judge import MAX_ROWS, Verdict

NEIGHBOURS = 20
STEPS = 2
# A row that no channel scored is listed from this share of the leading row's suspicion on: rows that are listed may be taken out of a set.
LEAST = 0.25
_CHUNK = 1024


def attributed(verdict: Verdict, measured: Measured) -> Verdict:
    """Return the verdict with the rows of every finding in the order of their suspicion, at most MAX_ROWS of them.

    These are the rows its channel scored, and of their neighbours those that come to LEAST of the leading row's suspicion.
    """
    if not verdict.findings:
        return verdict
    readings = {(w.reading.detector, w.reading.channel): w.reading for w in verdict.weighed}
    nearest = neighbours(measured)
    findings = tuple(_with_rows(f, readings.get((f.detector, f.stage)), measured, nearest) for f in verdict.findings)
    return replace(verdict, findings=findings)


def _with_rows(finding: Finding, reading: Reading | None, measured: Measured, nearest: NDArray[np.int64]) -> Finding:
    if reading is None or not reading.rows:
        return finding
    scores = suspicion([reading], measured, nearest, 1 + max(int(measured.rows.max(initial=0)), *reading.rows))
    carrying = {row for row, score in zip(reading.rows, reading.scores, strict=True) if score > 0}
    order = np.argsort(-scores, kind="stable")[:MAX_ROWS]
    total = scores.sum()
    shares = tuple(
        RowShare(int(i), round(float(scores[i] / total), 5), reading.channel) for i in order if scores[i] >= LEAST or (scores[i] > 0 and i in carrying)
    )
    return replace(finding, rows=shares) if shares else finding


def suspicion(readings: Sequence[Reading], measured: Measured, nearest: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """Return the suspicion of every row of a set of `n` rows, (n,) in [0, 1]: its largest score in any reading, spread over its neighbours.

    `nearest` are the `neighbours` of the measured rows.
    Every reading counts alike, as a share of its largest score. Rows that were not embedded keep the score they were given.
    """
    scores = np.zeros(n)
    for reading in readings:
        rows, own = np.asarray(reading.rows, dtype=np.int64), np.maximum(np.asarray(reading.scores, dtype=np.float64), 0.0)
        if own.max(initial=0.0) > 0:
            np.maximum.at(scores, rows, own / own.max())
    scores[measured.rows] = spread(scores[measured.rows], nearest)
    return scores / max(float(scores.max(initial=0.0)), 1e-12)


def spread(scores: NDArray[np.float64], nearest: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return scores (n,) in [0, 1] after STEPS of averaging with those of their `nearest` rows (n, k); unchanged without any."""
    if not nearest.size or not scores.any():
        return scores
    for _ in range(STEPS):
        scores = (scores + scores[nearest].mean(axis=1)) / 2
        scores = scores / max(float(scores.max()), 1e-12)
    return scores


def neighbours(measured: Measured) -> NDArray[np.int64]:
    """Return the places of the rows nearest to every measured row in prompt and answer, (n, k); k is 0 in sets under twenty rows."""
    k = min(NEIGHBOURS, len(measured.rows) // 20)
    if k < 1:
        return np.zeros((len(measured.rows), 0), dtype=np.int64)
    return np.concatenate(list(_nearest(np.hstack([measured.prompt, measured.answer]), k)))


def _nearest(vectors: FloatArray, k: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(vectors), _CHUNK):
        similarity = vectors[start : start + _CHUNK] @ vectors.T
        similarity[np.arange(len(similarity)), start + np.arange(len(similarity))] = -np.inf
        yield np.argpartition(-similarity, k - 1, axis=1)[:, :k]
