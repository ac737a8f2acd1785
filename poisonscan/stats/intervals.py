"""Intervals for rates and areas: Clopper-Pearson and the family bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def clopper_pearson(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson 1934) interval of a rate in [0, 1]; (0, 1) when nothing was tried."""
    from scipy.stats import beta

    if trials == 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, successes, trials - successes + 1)) if successes else 0.0
    high = float(beta.ppf(1 - tail, successes + 1, trials - successes)) if successes < trials else 1.0
    return low, high


def family_bootstrap(
    families: Sequence[str],
    measure: Callable[[NDArray[np.int64]], float],
    rng: np.random.Generator,
    draws: int = 1000,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return the percentile interval of `measure(indices)` when whole families are drawn with replacement.

    Sets of one family share a generator, so sets are not independent but families nearly are. Draws on which `measure`
    is not finite (a resample without attacks) are left out; (nan, nan) when none is left.
    """
    groups = [np.flatnonzero(np.asarray(families) == family) for family in sorted(set(families))]
    values = []
    for _ in range(draws):
        chosen = rng.integers(0, len(groups), size=len(groups))
        value = measure(np.concatenate([groups[i] for i in chosen]))
        if np.isfinite(value):
            values.append(value)
    if not values:
        return float("nan"), float("nan")
    tail = (1 - level) / 2
    return float(np.quantile(values, tail)), float(np.quantile(values, 1 - tail))


def proportion(flags: ArrayLike) -> tuple[float, float, float]:
    """Return rate, low and high of a sample of booleans, by Clopper-Pearson."""
    array = np.asarray(flags, dtype=bool)
    low, high = clopper_pearson(int(array.sum()), array.size)
    return (float(array.mean()) if array.size else float("nan")), low, high
