"""The behavioural fingerprint: what showing the rows did to the scorer's answers, compared with benign sets and with prototypes.

With f the mean over draws of the centred option log-probabilities and benign mean m and spread s per option:

    g = (f - m) / s                                        how unlike benign sets the induced answers are
    u = mean of hazardous prototypes - mean of harmless    per detector, prototypes standardised the same way, u of length 1
    effect = g . u                                         per draw; a second look at a finding, with no null of its own

Prototypes that correlate best with g name the latent. An entity nobody listed still shows on u.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poisonscan.core.slices import FloatArray

_CLIP = 4.0


@dataclass(frozen=True, slots=True)
class Prototypes:
    """Fingerprints of plain statements: `values` float32 (n, n_options), with name, kind, hazard and owning detector of each."""

    values: FloatArray
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    hazards: tuple[float, ...]
    detectors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FingerprintReference:
    """Benign mean and spread of every option, each float32 (n_options,)."""

    centre: FloatArray
    spread: FloatArray

    def standardise(self, values: FloatArray) -> FloatArray:
        """Return clipped benign standard deviations of `values` (..., n_options)."""
        return np.clip((values - self.centre) / self.spread, -_CLIP, _CLIP)  # type: ignore[no-any-return]


def fit_reference(benign: Sequence[FloatArray]) -> FingerprintReference:
    """Fit on the mean fingerprints of benign sets, each (n_options,)."""
    table = np.stack(benign)
    return FingerprintReference(np.median(table, axis=0), np.maximum(table.std(axis=0), 0.2))


def hazard_directions(prototypes: Prototypes) -> dict[str, FloatArray]:
    """Return one unit direction per detector with hazardous prototypes, (n_options,), against all harmless prototypes."""
    table = prototypes.values - prototypes.values.mean(axis=0)
    table = table / np.maximum(table.std(axis=0), 0.2)
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
    table = prototypes.values - prototypes.values.mean(axis=0)
    table = table / np.maximum(table.std(axis=0), 0.2)
    cosine = table @ profile / (np.linalg.norm(table, axis=1) * np.linalg.norm(profile) + 1e-9)
    return [prototypes.names[i] for i in np.argsort(-cosine)[:most]]
