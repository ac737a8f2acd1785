"""Leave families out: every set is read with a benign reference that never saw its family, so nulls and results are honest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from poisonscan.catalogue.calibration import Calibration, Null
from poisonscan.channels import fit_reference, read_all, to_arrays
from poisonscan.core.detectors import Detector
from poisonscan.core.readings import Measured, Reading
from poisonscan.judge import ABSENT, strongest
from poisonscan.material import Material
from poisonscan.probing.activation_probe import Probe
from poisonscan.probing.fingerprint import Prototypes

FOLDS = 6


@dataclass(frozen=True, slots=True)
class Sample:
    """A measured set with its family; `benign` says whether it may be part of a null."""

    name: str
    family: str
    benign: bool
    measured: Measured


@dataclass(frozen=True, slots=True)
class Parts:
    """What fitting needs beside the benign sets."""

    stuff: Material
    prototypes: Prototypes | None
    probe: Probe | None = None


def folds(samples: Sequence[Sample], count: int = FOLDS) -> dict[str, int]:
    """Assign every family to a fold, largest families first, each to the fold with the fewest benign sets so far."""
    sizes = Counter(s.family for s in samples if s.benign)
    load = [0] * count
    placed = {}
    for family in sorted({s.family for s in samples}, key=lambda f: (-sizes[f], f)):
        fold = int(np.argmin(load))
        placed[family] = fold
        load[fold] += sizes[family]
    return placed


def cross_read(samples: Sequence[Sample], parts: Parts) -> dict[str, list[Reading]]:
    """Return the readings of every set, each with a reference fitted on the benign sets of the other folds."""
    placed = folds(samples)
    readings: dict[str, list[Reading]] = {}
    for fold in sorted(set(placed.values())):
        benign = [s.measured for s in samples if s.benign and placed[s.family] != fold]
        reference = fit_reference(benign, parts.stuff, parts.prototypes, parts.probe)
        for sample in samples:
            if placed[sample.family] == fold:
                readings[sample.name] = read_all(sample.measured, parts.stuff, reference)
    return readings


def calibration_of(
    samples: Sequence[Sample], readings: Mapping[str, Sequence[Reading]], parts: Parts, catalogue: Sequence[Detector], ids: tuple[str, str]
) -> Calibration:
    """Return the shippable calibration: nulls from the cross-fitted readings, reference arrays from all benign sets."""
    benign = [s for s in samples if s.benign]
    reference = fit_reference([s.measured for s in benign], parts.stuff, parts.prototypes, parts.probe)
    return Calibration(ids[0], ids[1], nulls_of(benign, readings), Null(np.zeros(0), (), ()), to_arrays(reference), {d.id: d.digest for d in catalogue})


def nulls_of(benign: Sequence[Sample], readings: Mapping[str, Sequence[Reading]]) -> dict[tuple[str, str], Null]:
    """Return, per (detector, channel), the strongest statistic of every benign set; ABSENT where the channel did not apply."""
    best = {s.name: strongest(readings[s.name]) for s in benign}
    names, families = tuple(s.name for s in benign), tuple(s.family for s in benign)
    keys = sorted({key for found in best.values() for key in found})
    return {
        key: Null(np.array([best[n][key].statistic if key in best[n] else ABSENT for n in names]), names, families) for key in keys
    }
