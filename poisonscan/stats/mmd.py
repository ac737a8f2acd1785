"""Maximum mean discrepancy between groups of feature vectors, under a linear kernel on explicit features.

Why explicit features: a kernel written as <f(x), f(y)> turns every group statistic into sums of feature vectors, so that one permutation
of n rows costs O(n d) for all groups at once and no n x n matrix is ever held. Gretton et al., JMLR 13 (2012), equation 3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def mmd2_unbiased(x: Floats, y: Floats) -> float:
    """Return the unbiased estimate of MMD^2 between samples x (n, d) and y (m, d), n, m >= 2.

    mean over i != j of <x_i, x_j> + the same for y - 2 mean over i, j of <x_i, y_j>. It is 0 on average for equal distributions and may
    be negative.
    """
    if len(x) < 2 or len(y) < 2:
        raise ValueError("the unbiased MMD needs at least two rows on either side")
    cross = float(x.mean(axis=0) @ y.mean(axis=0))
    return pair_mean(x) + pair_mean(y) - 2.0 * cross


def within_similarity(sums: Floats, squares: Floats, counts: Floats) -> Floats:
    """Return, per group, the mean of <x_i, x_j> over pairs i != j of its rows, shape (g,).

    sums (g, d) are the feature sums of each group, squares (g,) the sums of squared norms, counts (g,) the rows (>= 2).
    For features centred over all rows this is the group's unbiased squared distance from the rest, up to a factor fixed by the counts.
    """
    return np.asarray((np.einsum("gd,gd->g", sums, sums) - squares) / (counts * (counts - 1.0)), dtype=np.float64)


def pair_mean(x: Floats) -> float:
    """Return the mean of <x_i, x_j> over pairs i != j of the rows of x (n, d), n >= 2: the mean cosine of unit vectors."""
    n = len(x)
    total = x.sum(axis=0)
    return float((total @ total - np.einsum("nd,nd->", x, x)) / (n * (n - 1)))
