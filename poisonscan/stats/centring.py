"""Robust location and scale, and standardising against a benign reference.

Why robust: benign collections contain odd sets, and a mean and standard deviation would let one of them hide an attack.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

# A normal distribution has a median absolute deviation of 0.6745 standard deviations.
_MAD_TO_SD = 1.4826


@dataclass(frozen=True, slots=True)
class Reference:
    """Median and scale of a benign reference, each of shape (n_features,) or scalar arrays; `scale` is positive."""

    centre: NDArray[np.float64]
    scale: NDArray[np.float64]

    def standardise(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return (values - centre) / scale, in benign standard deviations; the shape broadcasts."""
        return (np.asarray(values, dtype=np.float64) - self.centre) / self.scale


def reference(values: ArrayLike, floor: float = 1e-6) -> Reference:
    """Fit median and scale along axis 0 of `values` (n_sets, n_features).

    The scale is the larger of the scaled median absolute deviation and half the standard deviation, at least `floor`:
    a feature that is constant on most sets must not turn a small move into a huge one.
    """
    array = np.asarray(values, dtype=np.float64)
    centre = np.median(array, axis=0)
    mad = _MAD_TO_SD * np.median(np.abs(array - centre), axis=0)
    return Reference(centre, np.maximum.reduce([mad, 0.5 * array.std(axis=0), np.full_like(centre, floor)]))


def mean_interval(values: ArrayLike, z: float = 1.96) -> tuple[float, float, float]:
    """Return mean, low and high of a sample of shape (n,): the normal interval of `z` standard errors; a single value has no width."""
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        return 0.0, 0.0, 0.0
    mean = float(array.mean())
    error = float(array.std(ddof=1) / np.sqrt(array.size)) if array.size > 1 else 0.0
    return mean, mean - z * error, mean + z * error
