"""Permutation tests of many statistics at once: maximum over all (Westfall and Young 1993), shuffles within strata, early stop.

Why a first lot of permutations only measures scales: observed and counted permutations are then standardised by the same constants, taken
from neither of them, so that they are exchangeable under the null and the p-values hold exactly, and no outlier is bounded by the number
of permutations. Why skewness is taken out: a group of four rows has a far longer tail than one of a hundred, and would own the maximum.
Wilson and Hilferty's cube root (1931), with each statistic's own skewness, brings the tails to one scale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Draw = Callable[[], Floats]

_TINY = 1e-18
_SCALE_DRAWS = 99
_MOST_SKEW = 4.0


@dataclass(frozen=True, slots=True)
class MaxNull:
    """What a maximum test says.

    p (s,): family-wise p-value of each statistic, (1 + permutations whose maximum reaches it) / (1 + permutations).
    z (s,): each statistic in standard deviations of its own permutations. sd (s,): those deviations.
    critical: z that the permuted maximum exceeds in 1 % of permutations. permutations: how many were counted before the test stopped.
    """

    p: Floats
    z: Floats
    sd: Floats
    critical: float
    permutations: int


def max_test(
    observed: Floats, draw: Draw, *, kin: Ints | None = None, permutations: int = 999, look: int = 99, hopeless: int = 10
) -> MaxNull:
    """Test statistics of shape (s,), larger = more extreme, against the maximum over all of them under `draw`.

    First 99 draws measure each statistic's mean, deviation and skewness; then `permutations` are counted. After `look` of them the test
    stops when even the best statistic was reached more than `hopeless` times: its p is then above 0.1 and nothing is to be gained. kin
    (s,): statistics with the same label have the same scale by construction; none is then given a smaller deviation or skewness than its
    kin have together, because 99 draws miss the rare spikes of a small group. Raises ValueError for fewer than 19 permutations.
    """
    if permutations < 19:
        raise ValueError("a permutation test needs at least 19 permutations")
    scale = _Scale.of(np.stack([draw() for _ in range(_SCALE_DRAWS)]), np.arange(len(observed)) if kin is None else kin)
    best = float(scale.level(observed).max())
    maxima: list[float] = []
    raw: list[float] = []
    while len(maxima) < permutations:
        drawn = draw()
        maxima.append(float(scale.level(drawn).max()))
        raw.append(float(scale.z(drawn).max()))
        if len(maxima) == look and sum(value >= best for value in maxima) > hopeless:
            break
    reached = np.asarray(maxima)[:, None] >= scale.level(observed)[None, :] - 1e-9
    p = (1.0 + reached.sum(axis=0)) / (1.0 + len(maxima))
    return MaxNull(p, scale.z(observed), scale.sd, float(np.quantile(raw, 0.99)), len(maxima))


def shuffle_within(strata: Ints, rng: np.random.Generator) -> Ints:
    """Return indices (n,) that permute rows within each stratum: result[i] has the stratum of i.

    `strata` (n,) holds non-negative labels.
    """
    return shuffle_by(strata, rng.random(len(strata)))


def shuffle_by(strata: Ints, lots: Floats) -> Ints:
    """Return the permutation within strata that the lots (n,) in [0, 1), one per row, decide.

    Two stratifications of the same rows shuffled by the same lots get permutations as alike as the stratifications are: the same where
    the strata are the same.
    """
    order = np.argsort(strata, kind="stable")
    result = np.empty(len(strata), dtype=np.int64)
    result[order] = np.argsort(strata + lots)
    return result


@dataclass(frozen=True, slots=True)
class _Scale:
    """Mean, deviation and skewness of each statistic, (s,) each."""

    mean: Floats
    sd: Floats
    skew: Floats

    @classmethod
    def of(cls, drawn: Floats, kin: Ints) -> _Scale:
        mean = drawn.mean(axis=0)
        second, third = np.mean((drawn - mean) ** 2, axis=0), np.mean((drawn - mean) ** 3, axis=0)
        shared_second, shared_third = _kin_mean(second, kin), _kin_mean(third, kin)
        skew = np.maximum(third / np.maximum(second, _TINY) ** 1.5, shared_third / np.maximum(shared_second, _TINY) ** 1.5)
        return cls(mean, np.sqrt(np.maximum(np.maximum(second, shared_second), _TINY)), np.clip(skew, 0.05, _MOST_SKEW))

    def z(self, values: Floats) -> Floats:
        return np.asarray((values - self.mean) / self.sd, dtype=np.float64)

    def level(self, values: Floats) -> Floats:
        """Return z-scores (s,) with the skewness taken out, as for a shifted gamma distribution; increasing in each statistic."""
        root = np.cbrt(np.maximum(1.0 + self.skew * self.z(values) / 2.0, 0.0))
        return np.asarray((root - 1.0) * 6.0 / self.skew + self.skew / 6.0, dtype=np.float64)


def _kin_mean(values: Floats, kin: Ints) -> Floats:
    """Return, for each statistic, the mean of `values` (s,) over those with its label."""
    places = np.unique(kin, return_inverse=True)[1]
    return np.asarray((np.bincount(places, weights=values) / np.bincount(places))[places], dtype=np.float64)
