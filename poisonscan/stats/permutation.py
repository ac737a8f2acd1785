"""Permutation tests of many statistics at once: the single-step maximum (Westfall and Young 1993), shuffles within strata, early stopping.

Why the observed values are standardised together with the permuted ones: then observed and permuted rows are exchangeable under the null and the
p-values hold exactly, at any number of permutations. The price, z <= sqrt(B), is paid by reporting beside it the z taken from the permuted rows alone.
Why skewness is taken out: a group of four rows has a far longer tail than one of a hundred, and would own the maximum. Wilson and Hilferty's cube root
(1931), with each statistic's own skewness, brings the tails to one scale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Draw = Callable[[], Floats]

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class MaxNull:
    """What a maximum test says.

    p (s,): family-wise p-value of each statistic, (1 + permutations whose maximum reaches it) / (1 + permutations).
    z (s,): each statistic in standard deviations of its own permutations.
    mean, sd (s,): of the permuted statistics. critical: z that the permuted maximum exceeds in 1 % of permutations.
    permutations: how many were drawn before the test stopped.
    """

    p: Floats
    z: Floats
    mean: Floats
    sd: Floats
    critical: float
    permutations: int


def max_test(
    observed: Floats, draw: Draw, *, permutations: int = 999, look: int = 99, hopeless: int = 10
) -> MaxNull:
    """Test statistics of shape (s,), larger = more extreme, against the maximum over all of them under `draw`.

    After `look` permutations the test stops when even the best statistic was reached more than `hopeless` times: its p is then above 0.1 and
    nothing is to be gained. Raises ValueError for fewer than 19 permutations.
    """
    if permutations < 19:
        raise ValueError("a permutation test needs at least 19 permutations")
    first = min(look, permutations)
    drawn = np.stack([draw() for _ in range(first)])
    result = _summary(observed, drawn)
    if first == permutations or result.p.min() * (first + 1) > hopeless + 1:
        return result
    return _summary(observed, np.concatenate([drawn, np.stack([draw() for _ in range(permutations - first)])]))


def shuffle_within(strata: Ints, rng: np.random.Generator) -> Ints:
    """Return indices (n,) that permute rows within each stratum: result[i] has the stratum of i. `strata` (n,) holds non-negative labels."""
    order = np.argsort(strata, kind="stable")
    shuffled = np.argsort(strata + rng.random(len(strata)))
    result = np.empty(len(strata), dtype=np.int64)
    result[order] = shuffled
    return result


def _summary(observed: Floats, drawn: Floats) -> MaxNull:
    pool = np.vstack([observed, drawn])
    scaled = _levelled(pool, pool.mean(axis=0), np.maximum(pool.std(axis=0), _TINY))
    maxima = scaled[1:].max(axis=1)
    p = (1.0 + (maxima[:, None] >= scaled[0][None, :] - 1e-9).sum(axis=0)) / (1.0 + len(drawn))
    mean, sd = drawn.mean(axis=0), np.maximum(drawn.std(axis=0), _TINY)
    critical = float(np.quantile(((drawn - mean) / sd).max(axis=1), 0.99))
    return MaxNull(p, (observed - mean) / sd, mean, sd, critical, len(drawn))


def _levelled(values: Floats, mean: Floats, sd: Floats) -> Floats:
    """Return z-scores (b, s) with the skewness of each column taken out, as for a shifted gamma distribution; monotone in each column."""
    z = (values - mean) / sd
    skew = np.clip(np.mean(z**3, axis=0), 0.05, 4.0)
    root = np.cbrt(np.maximum(1.0 + skew * z / 2.0, 0.0))
    return np.asarray((root - 1.0) * 6.0 / skew + skew / 6.0, dtype=np.float64)
