"""All readings of a measured set: each channel with the reference it standardises by.

`Material` is what the catalogue becomes for one encoder (fact, pole and case vectors); `Reference` is the benign side, fitted
in `fit_reference` and stored in `detectors/reference.npz`. Nothing here runs a model except the encoder on catalogue texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.detectors import Detector
from poisonscan.core.protocols import Encoder
from poisonscan.core.readings import Measured, Reading
from poisonscan.core.slices import FloatArray
from poisonscan.probing import fingerprint as fingerprints
from poisonscan.probing import trait_direction as traits
from poisonscan.probing.bank_match import Bank, BankReference, coverage, gather, read_bank
from poisonscan.probing.stance import Poles, read_stance, stance_statements
from poisonscan.probing.trait_direction import Contrast, Direction, Vectors

_POOL_ROWS = 60
_SCALARS = ("offset", "centre", "set_variance", "row_variance", "tail_centre", "tail_scale")


@dataclass(frozen=True, slots=True)
class Material:
    """The catalogue through one encoder: the bank and its fact vectors, the stance poles, the contrast cases, and what latents are called."""

    bank: Bank
    facts: FloatArray
    poles: tuple[Poles, ...]
    contrasts: tuple[Contrast, ...]
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Reference:
    """The benign side of every channel."""

    bank: BankReference
    encoder_directions: tuple[Direction, ...]
    scorer_directions: tuple[Direction, ...]
    fingerprint: fingerprints.FingerprintReference | None
    prototypes: fingerprints.Prototypes | None


def material(catalogue: Sequence[Detector], encoder: Encoder) -> Material:
    """Encode the catalogue's texts (cached by the encoder after the first time)."""
    bank = gather(catalogue)
    statements = stance_statements(catalogue)
    vectors = encoder.encode([*bank.texts, *statements])
    poles, place = [], len(bank.texts)
    for detector in catalogue:
        for stance in detector.stances:
            middle, end = place + len(stance.hazardous), place + len(stance.hazardous) + len(stance.harmless)
            if stance.hazard > 0:
                poles.append(Poles(detector.id, stance.name, stance.hazard, vectors[place:middle], vectors[middle:end]))
            place = end
    names = {d.id: _latent(d) for d in catalogue}
    return Material(bank, vectors[: len(bank.texts)], tuple(poles), tuple(_contrasts(catalogue, encoder)), names)


def _latent(detector: Detector) -> str:
    hazardous = [h for h in detector.hypotheses if h.hazard >= 0.3]
    return hazardous[0].name if hazardous and "trait-direction" in detector.channels else detector.title


def _contrasts(catalogue: Sequence[Detector], encoder: Encoder) -> list[Contrast]:
    found = []
    for detector in catalogue:
        bad, good = traits.contrast_pairs(detector) if "trait-direction" in detector.channels else ([], [])
        if len(bad) >= 8:
            vectors = encoder.encode([a for _, a in bad] + [a for _, a in good])
            found.append(Contrast(detector.id, vectors[: len(bad)], vectors[len(bad) :]))
    return found


def read_all(measured: Measured, stuff: Material, reference: Reference) -> list[Reading]:
    """Return the readings of every channel on every slice."""
    readings = [*measured.direct, *read_bank(measured, stuff.bank, stuff.facts, reference.bank)]
    encoded = Vectors(measured.rows, measured.answer, len(measured.rows))
    readings += traits.read_traits(encoded, measured, reference.encoder_directions, stuff.names)
    readings += read_stance(measured, stuff.poles)
    if measured.hidden is not None and measured.hidden_rows is not None:
        hidden = Vectors(measured.hidden_rows, measured.hidden, measured.uniform)
        readings += traits.read_traits(hidden, measured, reference.scorer_directions, stuff.names)
    if reference.fingerprint is not None and reference.prototypes is not None:
        readings += fingerprints.read_fingerprint(measured, reference.fingerprint, reference.prototypes)
    return readings


def fit_reference(
    benign: Sequence[Measured],
    stuff: Material,
    scorer_contrasts: Sequence[Contrast],
    prototypes: fingerprints.Prototypes | None,
) -> Reference:
    """Fit the benign side of every channel on measured benign sets."""
    texty = [m for m in benign if int((m.words >= traits.MIN_WORDS).sum()) >= traits.MIN_ROWS]
    encoder_rows = [m.answer[m.words >= traits.MIN_WORDS][:_POOL_ROWS] for m in texty]
    hidden_rows = [
        m.hidden[: m.uniform][np.isin(m.hidden_rows[: m.uniform], m.rows[m.words >= traits.MIN_WORDS])]
        for m in texty
        if m.hidden is not None and m.hidden_rows is not None
    ]
    prints = [m.fingerprint.logprobs.mean(0) for m in benign if m.fingerprint is not None]
    return Reference(
        _fit_bank(benign, stuff),
        tuple(traits.fit(stuff.contrasts, encoder_rows, "trait-direction (encoder)")),
        tuple(traits.fit(scorer_contrasts, hidden_rows, "trait-direction (scorer)")) if len(hidden_rows) >= 10 and scorer_contrasts else (),
        fingerprints.fit_reference(prints) if len(prints) >= 10 else None,
        prototypes,
    )


def _fit_bank(benign: Sequence[Measured], stuff: Material) -> BankReference:
    usable = [m.answer[m.words > 0] for m in benign]
    pool = np.concatenate([rows[:_POOL_ROWS] for rows in usable]) @ stuff.facts.T
    centre, spread = pool.mean(0).astype(np.float32), (pool.std(0) + 1e-3).astype(np.float32)
    table = np.array([coverage(rows, stuff.facts, centre, spread, stuff.bank.owner) for rows in usable if len(rows) >= 8])
    return BankReference(centre, spread, np.median(table, axis=0), float(np.median(np.maximum(table.std(axis=0), 0.05))))


def to_arrays(reference: Reference) -> dict[str, NDArray[np.float32]]:
    """Flatten a reference into plain arrays for `detectors/reference.npz`; names are kept as fixed-width unicode arrays."""
    arrays: dict[str, NDArray[np.float32]] = {
        "bank_centre": reference.bank.centre, "bank_spread": reference.bank.spread,
        "bank_median": reference.bank.median.astype(np.float32), "bank_scale": np.float32([reference.bank.scale]),
    }  # fmt: skip
    for key, directions in (("encoder", reference.encoder_directions), ("scorer", reference.scorer_directions)):
        if directions:
            arrays[f"{key}_weights"] = np.stack([d.weights for d in directions]).astype(np.float32)
            arrays[f"{key}_scalars"] = np.array([[getattr(d, name) for name in _SCALARS] for d in directions], dtype=np.float32)
            arrays[f"{key}_names"] = np.array([d.detector for d in directions])  # type: ignore[assignment]
    if reference.fingerprint is not None and reference.prototypes is not None:
        p = reference.prototypes
        arrays |= {
            "print_centre": reference.fingerprint.centre, "print_spread": reference.fingerprint.spread,
            "prototypes": p.values.astype(np.float16), "prototype_hazards": np.float32(p.hazards),
            "prototype_names": np.array(p.names), "prototype_kinds": np.array(p.kinds), "prototype_detectors": np.array(p.detectors),
        }  # fmt: skip
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[np.float32]]) -> Reference:
    """Rebuild a reference from the arrays of `to_arrays`. Raises KeyError when one is missing."""
    bank = BankReference(arrays["bank_centre"], arrays["bank_spread"], arrays["bank_median"].astype(np.float64), float(arrays["bank_scale"][0]))
    prints = prototypes = None
    if "prototypes" in arrays:
        prints = fingerprints.FingerprintReference(arrays["print_centre"], arrays["print_spread"])
        prototypes = fingerprints.Prototypes(
            arrays["prototypes"].astype(np.float32), tuple(map(str, arrays["prototype_names"])), tuple(map(str, arrays["prototype_kinds"])),
            tuple(map(float, arrays["prototype_hazards"])), tuple(map(str, arrays["prototype_detectors"])),
        )  # fmt: skip
    return Reference(bank, _directions(arrays, "encoder"), _directions(arrays, "scorer"), prints, prototypes)


def _directions(arrays: Mapping[str, NDArray[np.float32]], key: str) -> tuple[Direction, ...]:
    if f"{key}_weights" not in arrays:
        return ()
    rows = zip(arrays[f"{key}_names"], arrays[f"{key}_weights"], arrays[f"{key}_scalars"], strict=True)
    return tuple(Direction(str(name), f"trait-direction ({key})", weights, *(float(v) for v in scalars)) for name, weights, scalars in rows)
