"""What the catalogue becomes for one encoder: vectors of its facts, poles, cases and requests, made once a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poisonscan.core.detectors import Detector
from poisonscan.core.protocols import Encoder
from poisonscan.core.slices import FloatArray
from poisonscan.probing.bank_match import Bank, gather
from poisonscan.probing.compliance import Requests, gather_requests, request_texts
from poisonscan.probing.resemblance import CaseVectors, Resemblances, case_texts, encode_cases
from poisonscan.probing.stance import Poles, stance_statements

_HARMLESS = 0.1


@dataclass(frozen=True, slots=True)
class Material:
    """The catalogue through one encoder: bank, fact vectors, stance poles, cases, and requests for something harmful."""

    bank: Bank
    facts: FloatArray
    poles: tuple[Poles, ...]
    cases: Resemblances
    requests: Requests | None
    catalogue: tuple[Detector, ...]


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
    return Material(bank, vectors[: len(bank.texts)], tuple(poles), _cases(catalogue, encoder, bank, vectors), gather_requests(catalogue, encoder), tuple(catalogue))


def catalogue_texts(catalogue: Sequence[Detector]) -> list[str]:
    """Return every text of the catalogue that a scan encodes, each once."""
    cases = [text for detector in catalogue for text in case_texts(detector)]
    return list(dict.fromkeys([*gather(catalogue).texts, *stance_statements(catalogue), *cases, *request_texts(catalogue)]))


def _cases(catalogue: Sequence[Detector], encoder: Encoder, bank: Bank, facts: FloatArray) -> Resemblances:
    cases = encode_cases(catalogue, encoder)
    lives = facts[: len(bank.texts)][bank.hazards[bank.owner] < _HARMLESS]
    harmless = cases.harmless
    return Resemblances(cases.pairs, CaseVectors(np.concatenate([harmless.answer, lives]), np.concatenate([harmless.joint, lives])), cases.titles)
