"""How well a score separates: area under the ROC curve, true positives at a false-positive rate, average precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def roc_auc(positive: ArrayLike, negative: ArrayLike) -> float:
    """Return P(positive > negative) + P(equal) / 2 in [0, 1]; nan when one side is empty (Mann-Whitney)."""
    high, low = np.asarray(positive, dtype=np.float64), np.asarray(negative, dtype=np.float64)
    if high.size == 0 or low.size == 0:
        return float("nan")
    wins = (high[:, None] > low[None, :]).mean() + 0.5 * (high[:, None] == low[None, :]).mean()
    return float(wins)


def threshold_at(negative: ArrayLike, rate: float) -> float:
    """Return the smallest benign score such that at most `rate` of the benign scores lie above it; +inf for no benign score."""
    low = np.sort(np.asarray(negative, dtype=np.float64))[::-1]
    if low.size == 0:
        return float("inf")
    allowed = int(np.floor(rate * low.size))
    return float(low[min(allowed, low.size - 1)])


def tpr_at_fpr(positive: ArrayLike, negative: ArrayLike, rate: float) -> float:
    """Return the share of positives strictly above `threshold_at(negative, rate)`; nan without positives."""
    high = np.asarray(positive, dtype=np.float64)
    return float((high > threshold_at(negative, rate)).mean()) if high.size else float("nan")


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the average precision of boolean `labels` (n,) ranked by `scores` (n,), ties by the worst order; nan without positives."""
    truth, value = np.asarray(labels, dtype=bool), np.asarray(scores, dtype=np.float64)
    if not truth.any():
        return float("nan")
    ranked = truth[np.lexsort((truth, -value))]
    precision = np.cumsum(ranked) / np.arange(1, ranked.size + 1)
    return float(precision[ranked].mean())
