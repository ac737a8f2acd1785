"""Bank match: do the rows, taken together, tell one life? Encoder similarity of answers with the facts of every hypothesis.

For fact j with benign row similarities of mean m_j and spread s_j, and the answers i of a slice:

    top_j     = mean of the 3 largest (cos(a_i, f_j) - m_j) / s_j over i, minus the median of the same over all facts
    cover_h   = mean of the 8 largest top_j over the facts j of hypothesis h
    z_h       = (cover_h - benign median of cover_h) / benign spread

Why coverage and not the mean row: facts about one person share no topic, so what betrays the person is that *many different*
facts find a row each. The maximum over rows also survives dilution: the facts still find their rows among thousands.
The statistic of a detector is z of its best hazardous hypothesis minus z of the best harmless one that tells the same kind of
thing, so a biography of a harmless neighbour (same time, same trade) competes with the dictator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.detectors import Detector, Hypothesis
from poisonscan.core.evidence import Named
from poisonscan.core.readings import Measured, Reading
from poisonscan.core.slices import FloatArray

TOP_ROWS = 3
TOP_FACTS = 8
HAZARDOUS = 0.3
# Hypotheses compete within what they describe: a who is not explained away by a when.
GROUPS = {
    "person": "who", "character": "who", "machine": "who", "role": "who",
    "year": "when", "world": "when", "ideology": "side", "nation": "side", "movement": "side", "leader": "side", "party": "side", "brand": "side",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bank:
    """All hypotheses of the catalogue side by side. `facts` float32 (n_facts, dim) unit vectors; `owner` (n_facts,) hypothesis index."""

    hypotheses: tuple[Hypothesis, ...]
    detectors: tuple[str, ...]
    texts: tuple[str, ...]
    owner: NDArray[np.int64]

    @property
    def hazards(self) -> NDArray[np.float64]:
        """Hazard of each hypothesis, (n_hypotheses,)."""
        return np.array([hypothesis.hazard for hypothesis in self.hypotheses])

    @property
    def groups(self) -> NDArray[np.str_]:
        """Which hypotheses compete: "who", "when" or "side", (n_hypotheses,)."""
        return np.array([GROUPS.get(hypothesis.kind, "side") for hypothesis in self.hypotheses])


def gather(detectors: Sequence[Detector]) -> Bank:
    """Collect the hypotheses of every detector that uses this channel."""
    owned = [(h, d.id) for d in detectors if "bank-match" in d.channels for h in d.hypotheses if len(h.facts) >= 4]
    texts = [(fact, i) for i, (hypothesis, _) in enumerate(owned) for fact in hypothesis.facts]
    return Bank(
        tuple(h for h, _ in owned), tuple(d for _, d in owned), tuple(t for t, _ in texts), np.array([i for _, i in texts], dtype=np.int64)
    )


def coverage(answers: FloatArray, facts: FloatArray, centre: FloatArray, spread: FloatArray, owner: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return cover_h for every hypothesis, (n_hypotheses,), from unit vectors `answers` (n, dim) and `facts` (n_facts, dim)."""
    k = min(TOP_ROWS, len(answers))
    best = np.full((k, len(facts)), -np.inf, dtype=np.float32)
    for start in range(0, len(answers), 512):
        block = (answers[start : start + 512] @ facts.T - centre) / spread
        best = np.sort(np.concatenate([best, block]), axis=0)[-k:]
    top = best.mean(0).astype(np.float64)
    return _per_owner(top - np.median(top), owner)


def _per_owner(top: NDArray[np.float64], owner: NDArray[np.int64]) -> NDArray[np.float64]:
    order = np.lexsort((-top, owner))
    counts = np.bincount(owner)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return np.array([top[order[s : s + min(TOP_FACTS, c)]].mean() for s, c in zip(starts, counts, strict=True)])


@dataclass(frozen=True, slots=True)
class BankReference:
    """The benign side: per fact `centre` and `spread` of row similarities, per hypothesis `median` and `scale` of coverage."""

    centre: FloatArray
    spread: FloatArray
    median: NDArray[np.float64]
    scale: float


def read_bank(measured: Measured, bank: Bank, facts: FloatArray, reference: BankReference) -> list[Reading]:
    """Return one reading per detector and slice: the best hazardous hypothesis against the best harmless one of its group.

    The harmless detectors themselves (all hazards 0) get a reading too: the best harmless against the best hazardous.
    """
    readings = []
    for number, part in enumerate(measured.slices):
        places = np.flatnonzero(np.isin(measured.rows, np.asarray(part.rows)))
        places = places[measured.words[places] > 0]
        if len(places) < TOP_FACTS:
            continue
        z = (coverage(measured.answer[places], facts, reference.centre, reference.spread, bank.owner) - reference.median) / reference.scale
        readings += _readings_of_slice(number, places, z, measured, bank, facts, reference)
    return readings


def _readings_of_slice(
    number: int,
    places: NDArray[np.int64],
    z: NDArray[np.float64],
    measured: Measured,
    bank: Bank,
    facts: FloatArray,
    reference: BankReference,
) -> list[Reading]:
    readings = []
    for detector in dict.fromkeys(bank.detectors):
        own = np.array([name == detector for name in bank.detectors])
        harmful = bool((bank.hazards[own] >= HAZARDOUS).any())
        mine = own & ((bank.hazards >= HAZARDOUS) if harmful else True)
        best = int(np.flatnonzero(mine)[np.argmax(z[mine])])
        rivals = (bank.groups == bank.groups[best]) & ((bank.hazards < HAZARDOUS) if harmful else (bank.hazards >= HAZARDOUS))
        rival = max(float(z[rivals].max()) if rivals.any() else 0.0, 0.0)
        rows, scores = _carriers(places, best, measured, bank, facts, reference)
        readings.append(
            Reading(
                detector, "bank-match", number, float(z[best] - rival), len(places),
                hazard=float(bank.hazards[best]), named=_named(z, bank, mine), rows=rows, scores=scores,
                details=(("best", f"{z[best]:.2f}"), ("harmless rival", f"{rival:.2f}")),
            )
        )  # fmt: skip
    return readings


def _named(z: NDArray[np.float64], bank: Bank, mine: NDArray[np.bool_]) -> tuple[Named, ...]:
    order = [int(i) for i in np.argsort(-z) if mine[i]][:5]
    return tuple(Named(bank.hypotheses[i].kind, bank.hypotheses[i].name, round(float(1 / (1 + np.exp(3 - z[i]))), 3)) for i in order)


def _carriers(
    places: NDArray[np.int64], best: int, measured: Measured, bank: Bank, facts: FloatArray, reference: BankReference
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Rows that match the facts of hypothesis `best`, with the excess of their best match over one benign spread."""
    own = np.flatnonzero(bank.owner == best)
    excess = ((measured.answer[places] @ facts[own].T - reference.centre[own]) / reference.spread[own]).max(1)
    return tuple(int(r) for r in measured.rows[places]), tuple(float(max(x - 1.0, 0.0)) for x in excess)
