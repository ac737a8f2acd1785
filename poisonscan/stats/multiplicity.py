"""Many tests at once: the Benjamini-Hochberg step-up and the Bonferroni minimum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return adjusted p-values (q-values) of shape (n,), in [0, 1]; rejecting q <= a keeps the false-discovery rate at a (1995)."""
    p = np.asarray(p_values, dtype=np.float64)
    if p.size == 0:
        return p
    order = np.argsort(p)[::-1]
    ranks = np.arange(p.size, 0, -1)
    adjusted = np.minimum.accumulate(p[order] * p.size / ranks)
    result = np.empty_like(p)
    result[order] = np.minimum(adjusted, 1.0)
    return result


def bonferroni_min(p_values: ArrayLike) -> float:
    """Return min(1, n * min p): the p-value of the smallest of n tests under any dependence; 1 for none."""
    p = np.asarray(p_values, dtype=np.float64)
    return float(min(1.0, p.size * p.min())) if p.size else 1.0
