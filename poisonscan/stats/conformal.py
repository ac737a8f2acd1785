"""P-values against a benign null, with a tail beyond the largest benign value.

Definition: with n benign statistics t_1..t_n and an observed t, the split-conformal p is (1 + #{t_i >= t}) / (n + 1)
(Vovk, Gammerman, Shafer 2005). It is uniform under exchangeability and cannot fall below 1 / (n + 1).

Why a tail: a score that stops at 1 / (n + 1) ranks every strong attack the same. Beyond the null's upper decile we
continue with an exponential fitted to the excesses (the Pareto tail of shape 0, Pickands 1975; Hill-type mean excess), and
report both: verdicts use `conformal_p`, the curve over many sets uses `tail_p`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_MIN_TAIL = 20
_UPPER = 0.9
_FLOOR = 1e-12


def conformal_p(statistic: float, null: ArrayLike) -> float:
    """Return the split-conformal p-value of `statistic` in (0, 1]; small means more suspicious than the benign sets."""
    values = np.asarray(null, dtype=np.float64)
    return float((1 + np.count_nonzero(values >= statistic)) / (values.size + 1))


@dataclass(frozen=True, slots=True)
class Tail:
    """A benign null ready to be asked often: `values` ascending (n,), where its tail starts, and the mean excess beyond it."""

    values: NDArray[np.float64]
    start: float
    share: float
    excess: float

    def p(self, statistics: ArrayLike) -> NDArray[np.float64]:
        """Return smooth p-values in [1e-12, 1], the shape of `statistics`; they never rise with the statistic."""
        t = np.asarray(statistics, dtype=np.float64)
        ranks = (1 + self.values.size - np.searchsorted(self.values, t, side="left")) / (self.values.size + 1)
        if self.values.size < _MIN_TAIL:
            return np.asarray(ranks)
        beyond = self.share * np.exp(-np.maximum(t - self.start, 0.0) / self.excess)
        return np.asarray(np.where(t > self.start, np.maximum(beyond, _FLOOR), ranks))


def fit_tail(null: ArrayLike, least_excess: float = 0.5) -> Tail:
    """Fit the exponential tail of a null. Values of -inf are sets the channel did not apply to: they count, but have no size.

    The tail starts at the upper decile of the sets that have a size. The mean excess is at least `least_excess` (in the unit of the
    statistic) and a tenth of the spread, so that a tight or thin null cannot make a small excess look certain.
    """
    values = np.sort(np.asarray(null, dtype=np.float64))
    sized = values[np.isfinite(values)]
    if sized.size == 0:
        return Tail(values, 0.0, 1 / (values.size + 1), least_excess)
    start = float(np.quantile(sized, _UPPER))
    above = sized[sized > start]
    mean_excess = float(np.mean(above - start)) if above.size else 0.0
    return Tail(values, start, (1 + above.size) / (values.size + 1), max(mean_excess, 0.1 * float(sized.std()), least_excess))


def tail_p(statistic: float, null: ArrayLike) -> float:
    """Return a smooth p-value in [1e-12, 1]: the conformal one up to the upper decile of the null, an exponential tail beyond."""
    return float(fit_tail(null).p(statistic))
