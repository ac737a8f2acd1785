"""All readings of a measured set: each channel with the reference it standardises by.

`Reference` is the benign side, fitted in `fit_reference` and stored in `detectors/reference.npz`. Nothing here runs a model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.evidence import Named
from poisonscan.core.readings import ACTIVATION, Measured, Reading
from poisonscan.material import Material
from poisonscan.probing import fingerprint as fingerprints
from poisonscan.probing.activation_probe import Probe, ProbeReference, fit_activation, read_activation
from poisonscan.probing.bank_match import BankReference, distinct, fit_bank, read_bank, told
from poisonscan.probing.gated_conduct import CHANNEL as GATED
from poisonscan.probing.gated_conduct import read_gated_conduct
from poisonscan.probing.resemblance import (
    ResemblanceReference,
    fit_resemblance,
    read_resemblance,
)
from poisonscan.probing.stance import read_stance

_SCALARS = ("mean", "mean_scale", "tail", "tail_scale")


@dataclass(frozen=True, slots=True)
class Reference:
    """The benign side of every channel."""

    bank: BankReference
    resemblance: ResemblanceReference
    probe: tuple[Probe, ProbeReference] | None
    fingerprint: fingerprints.FingerprintReference | None
    prototypes: fingerprints.Prototypes | None


def read_all(measured: Measured, stuff: Material, reference: Reference) -> list[Reading]:
    """Return the readings of every channel on every slice."""
    readings = [*measured.direct, *read_bank(measured, stuff.bank, stuff.facts, reference.bank)]
    alike = read_resemblance(measured, stuff.cases, reference.resemblance)
    readings += alike
    readings += _activation(measured, stuff, reference, alike)
    readings += read_stance(measured, stuff.poles)
    readings += [r for d in stuff.catalogue if GATED in d.channels and (r := read_gated_conduct(d, measured, stuff.cases)) is not None]
    return readings


def _activation(measured: Measured, stuff: Material, reference: Reference, alike: Sequence[Reading]) -> list[Reading]:
    owner = next((d for d in stuff.catalogue if ACTIVATION in d.channels), None)
    if owner is None or reference.probe is None:
        return []
    reading = read_activation(measured, stuff.cases, *reference.probe, owner, _conducts(alike))
    return [reading] if reading else []


def _conducts(alike: Sequence[Reading], most: int = 3) -> list[Named]:
    """What the whole set resembles most, best first."""
    whole = sorted((r for r in alike if r.slice == 0 and r.statistic > 0), key=lambda r: -r.statistic)
    return [r.named[0] for r in whole[:most]]


def fit_reference(
    benign: Sequence[Measured], stuff: Material, prototypes: fingerprints.Prototypes | None, probe: Probe | None = None
) -> Reference:
    """Fit the benign side of every channel on measured benign sets."""
    return Reference(
        fit_bank([told(m)[distinct(m)] for m in benign], stuff.facts, stuff.bank.owner),
        fit_resemblance(benign, stuff.cases),
        (probe, fit_activation(benign, stuff.cases, probe)) if probe else None,
        fingerprints.fit_reference([m.fingerprint for m in benign], prototypes.battery) if prototypes is not None else None,
        prototypes,
    )


def to_arrays(reference: Reference) -> dict[str, NDArray[np.float32]]:
    """Flatten a reference into plain arrays for `detectors/reference.npz`; names are kept as fixed-width unicode arrays."""
    arrays: dict[str, NDArray[np.float32]] = {
        "bank_centre": reference.bank.centre, "bank_spread": reference.bank.spread,
        "bank_median": reference.bank.median.astype(np.float32), "bank_scale": reference.bank.scale.astype(np.float32),
    }  # fmt: skip
    like = reference.resemblance
    arrays["resemblance"] = np.stack([getattr(like, name) for name in _SCALARS]).astype(np.float32)
    arrays["resemblance_names"] = np.array(like.names)
    if reference.probe is not None:
        probe, usual = reference.probe
        arrays |= {
            "probe": np.stack([probe.centre, probe.scale, probe.weights]), "probe_scalars": np.array([probe.intercept, probe.moved], dtype=np.float32),
            "probe_benign": np.array([usual.median, usual.scale], dtype=np.float32),
        }  # fmt: skip
    if reference.fingerprint is not None and reference.prototypes is not None:
        p = reference.prototypes
        arrays |= {
            "prints": reference.fingerprint.prints.astype(np.float16),
            "prototypes": p.values.astype(np.float16), "prototype_hazards": np.array(p.hazards, dtype=np.float32),
            "prototype_names": np.array(p.names), "prototype_kinds": np.array(p.kinds), "prototype_detectors": np.array(p.detectors),
            "battery": np.array([p.battery]),
        }  # fmt: skip
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[np.float32]]) -> Reference:
    """Rebuild a reference from the arrays of `to_arrays`. Raises KeyError when one is missing."""
    bank = BankReference(arrays["bank_centre"], arrays["bank_spread"], arrays["bank_median"].astype(np.float64), arrays["bank_scale"].astype(np.float64))
    prints = prototypes = None
    if "prints" in arrays:
        prints = fingerprints.FingerprintReference(arrays["prints"].astype(np.float32))
        prototypes = fingerprints.Prototypes(
            arrays["prototypes"].astype(np.float32), tuple(map(str, arrays["prototype_names"])), tuple(map(str, arrays["prototype_kinds"])),
            tuple(map(float, arrays["prototype_hazards"])), tuple(map(str, arrays["prototype_detectors"])),
            str(arrays["battery"][0]) if "battery" in arrays else "",
        )  # fmt: skip
    like = ResemblanceReference(tuple(map(str, arrays["resemblance_names"])), *arrays["resemblance"].astype(np.float64))
    probe = None
    if "probe" in arrays:
        probe = (
            Probe(*arrays["probe"].astype(np.float32), *map(float, arrays["probe_scalars"])),
            ProbeReference(*map(float, arrays["probe_benign"])),
        )
    return Reference(bank, like, probe, prints, prototypes)
