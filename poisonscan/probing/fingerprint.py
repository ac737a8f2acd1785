"""The behavioural fingerprint: what showing the rows did to the scorer's answers, compared with benign sets and with prototypes.

With f the mean over draws of the centred option log-probabilities and benign mean m and spread s per option:

    g = (f - m) / s                                        how unlike benign sets the induced answers are
    u = mean of hazardous prototypes - mean of harmless    per detector, prototypes standardised the same way, u of length 1
    effect = g . u                                         per draw; a second look at a finding, with no null of its own

Prototypes that correlate best with g name the latent. An entity nobody listed still shows on u.

Fingerprints of different batteries have nothing to do with each other: each carries the digest of the questions it answers, and
only those of the prototypes' battery are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poisonscan.core.readings import Fingerprint, IntArray
from poisonscan.core.slices import FloatArray

MIN_PRINTS = 10
_CLIP = 4.0
_RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Prototypes:
    """Fingerprints of plain statements: `values` float32 (n, n_options), with name, kind, hazard and owning detector of each.

    `battery` is the digest of the questions they answer.
    """

    values: FloatArray
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    hazards: tuple[float, ...]
    detectors: tuple[str, ...]
    battery: str = ""


@dataclass(frozen=True, slots=True)
class FingerprintReference:
    """What benign sets answer: `prints` float32 (n_sets, n_options), their median per option and their spread."""

    prints: FloatArray

    @property
    def centre(self) -> FloatArray:
        """Median per option, (n_options,)."""
        return np.median(self.prints, axis=0)

    @property
    def spread(self) -> FloatArray:
        """Standard deviation per option, at least 0.2 nats, (n_options,)."""
        return np.maximum(self.prints.std(axis=0), 0.2)  # type: ignore[no-any-return]

    def standardise(self, values: FloatArray) -> FloatArray:
        """Return clipped benign standard deviations of `values` (..., n_options)."""
        return np.clip((values - self.centre) / self.spread, -_CLIP, _CLIP)  # type: ignore[no-any-return]


def fit_reference(benign: Sequence[Fingerprint | None], battery: str) -> FingerprintReference | None:
    """Fit on the fingerprints of benign sets that answer `battery`; None where they are fewer than MIN_PRINTS."""
    prints = [seen.logprobs.mean(axis=0) for seen in benign if seen is not None and seen.battery == battery]
    if len(prints) < MIN_PRINTS:
        return None
    return FingerprintReference(np.stack(prints).astype(np.float32))


def hazard_directions(prototypes: Prototypes) -> dict[str, FloatArray]:
    """Return one unit direction per detector with hazardous prototypes, (n_options,), against all harmless prototypes."""
    table = _standardised(prototypes)
    hazards = np.array(prototypes.hazards)
    harmless = table[hazards < 0.3].mean(axis=0)
    directions = {}
    for detector in dict.fromkeys(prototypes.detectors):
        own = np.array([d == detector for d in prototypes.detectors]) & (hazards >= 0.3)
        if own.sum() >= 5:
            direction = np.average(table[own], axis=0, weights=hazards[own]) - harmless
            directions[detector] = (direction / (np.linalg.norm(direction) + 1e-9)).astype(np.float32)
    return directions


def nearest_names(profile: FloatArray, prototypes: Prototypes, most: int = 4) -> list[str]:
    """Return the names of the prototypes that correlate best with a standardised profile (n_options,), best first."""
    table = _standardised(prototypes)
    cosine = table @ profile / (np.linalg.norm(table, axis=1) * np.linalg.norm(profile) + 1e-9)
    return [prototypes.names[i] for i in np.argsort(-cosine)[:most]]


def draw_regression(scores: Sequence[float], shown: Sequence[IntArray], ridge: float = _RIDGE) -> tuple[IntArray, FloatArray]:
    """Return the rows that were shown (m,), ascending, and what showing each added to the score of its draws, (m,).

    Ridge regression of the score of each draw, less the mean over draws, on which rows the draw showed: with X (n_draws, m) the 0/1
    design, centred by column, w = X' (X X' + ridge I)^-1 (y - mean y). Nothing is measured anew. Few draws of many rows leave a
    row known by its company only: the weights rank rows, they are no test.
    """
    rows = np.unique(np.concatenate([np.asarray(part) for part in shown]))
    design = np.stack([np.isin(rows, part) for part in shown]).astype(np.float64)
    design -= design.mean(axis=0)
    y = np.asarray(scores, dtype=np.float64)
    weights = design.T @ np.linalg.solve(design @ design.T + ridge * np.eye(len(y)), y - y.mean())
    return rows.astype(np.int64), weights.astype(np.float32)


def _standardised(prototypes: Prototypes) -> FloatArray:
    table = prototypes.values - prototypes.values.mean(axis=0)
    return table / np.maximum(table.std(axis=0), 0.2)  # type: ignore[no-any-return]
