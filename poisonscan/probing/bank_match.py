"""Bank match: do the rows, taken together, tell one life? Encoder similarity of answers with the facts of every hypothesis.

With z_ij the similarity of answer i and fact j in benign standard deviations of that fact, and h a hypothesis with facts F_h:

    breadth_h  mean over the better 60 % of F_h of (mean of the 3 largest z_ij over i), minus the median of the same over all facts
    depth_h    mean over i of (max of z_ij over F_h), minus the row's median over hypotheses; no fact gains more than MOST of the rows
    share_h    square root of the share of rows whose best hypothesis is h, counting no fact more often than that
    match_h    mean of the three, each centred and scaled by benign sets

Why these three: facts about one person share no topic, so what betrays the person is that *many different* facts find a row each
(breadth), that most rows look like some fact (depth), and that no other life explains them as well (share). Measured on the
development sets, each alone lets a harmless neighbour (same trade, same country) come close; together they do not.

A short answer says little without its question ("He was a cobbler"), so answers under SHORT words are read with half the weight of their
prompts. Few rows match somebody by chance more easily than many: match_h is shrunk by the root of n / (n + SHRINK).

The statistic of a detector is the match of its best hazardous hypothesis minus that of the best harmless one, and at most its
excess over COHERENT.
Whens and sides (eras, nations, ideologies) are topics as often as identities: a quiz on American history matches the 1800s. They
are read the same way but under the channel `topic-match`, which supports and names and never decides.
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
from poisonscan.probing.resemblance import unit

TOP_ROWS = 3
BREADTH = 0.6
MIN_ROWS = 20
# Being the best of several poor matches is no identity: the hypothesis has to stand out by itself, in benign standard deviations.
COHERENT = 4.0
# One fact that suits a whole list of rows ("All six of my children ...") is no life: it carries at most the even share of a life in twelve facts.
MOST = 1 / 12
# A life is told in sentences; place names and labels resemble somebody's birthplace or trade.
MIN_WORDS = 5
SHORT = 20
PROMPT_WEIGHT = 0.5
SHRINK = 20.0
HAZARDOUS = 0.3
# Slices that share half of their rows are one story: what explains one harmlessly explains the other.
SAME_ROWS = 0.5
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


def match_parts(answers: FloatArray, facts: FloatArray, centre: FloatArray, spread: FloatArray, owner: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return breadth, depth and share of every hypothesis, (3, n_hypotheses), from unit vectors (n, dim) and (n_facts, dim).

    Facts of one hypothesis must stand together in `facts`.
    """
    starts = np.concatenate([[0], np.flatnonzero(np.diff(owner)) + 1])
    lives = np.split(np.arange(len(owner)), starts[1:])
    best = np.full((min(TOP_ROWS, len(answers)), len(facts)), -np.inf, dtype=np.float32)
    depths, nearest = [], []
    for start in range(0, len(answers), 512):
        block = (answers[start : start + 512] @ facts.T - centre) / spread
        best = np.partition(np.concatenate([best, block]), -len(best), axis=0)[-len(best) :]
        fact = np.stack([life[0] + block[:, life[0] : life[-1] + 1].argmax(axis=1) for life in lives], axis=1)
        rows = np.take_along_axis(block, fact, axis=1)
        depths.append(rows - np.median(rows, axis=1, keepdims=True))
        nearest.append(fact.astype(np.int32))
    depth, share = _spread_out(np.concatenate(depths), np.concatenate(nearest), starts, len(facts))
    top = best.mean(0).astype(np.float64)
    return np.stack([_breadth(top - np.median(top), owner), depth, np.sqrt(share)])


def _spread_out(depth: FloatArray, nearest: NDArray[np.int32], starts: NDArray[np.int64], n_facts: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean depth and share of every hypothesis, (n_hypotheses,) each, where a fact that carries more rows than MOST counts for so many.

    `depth` and `nearest` are (n, n_hypotheses): how deep a row lies in a life, and the fact of that life it is nearest to.
    """
    rows, most = len(depth), max(MOST * len(depth), 1.0)
    carried = np.bincount(nearest.ravel(), minlength=n_facts)
    gained = np.bincount(nearest.ravel(), weights=np.maximum(depth, 0).ravel(), minlength=n_facts)
    gained *= np.minimum(1, most / np.maximum(carried, 1))
    won = np.bincount(nearest[np.arange(rows), depth.argmax(axis=1)], minlength=n_facts)
    lost = np.minimum(depth, 0).sum(axis=0, dtype=np.float64)
    return (np.add.reduceat(gained, starts) + lost) / rows, np.add.reduceat(np.minimum(won, most), starts) / rows


def _breadth(top: NDArray[np.float64], owner: NDArray[np.int64]) -> NDArray[np.float64]:
    order = np.lexsort((-top, owner))
    counts = np.bincount(owner)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    kept = np.maximum(4, (BREADTH * counts).astype(int))
    return np.array([top[order[s : s + min(k, c)]].mean() for s, c, k in zip(starts, counts, kept, strict=True)])


@dataclass(frozen=True, slots=True)
class BankReference:
    """The benign side: per fact `centre` and `spread` of row similarities; per part and hypothesis the `median` (3, n), per part the `scale` (3,)."""

    centre: FloatArray
    spread: FloatArray
    median: NDArray[np.float64]
    scale: NDArray[np.float64]

    def match(self, parts: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
        """Return match_h in benign standard deviations, (n_hypotheses,), from `match_parts` of so many rows."""
        return np.asarray(((parts - self.median) / self.scale[:, None]).mean(axis=0) * np.sqrt(rows / (rows + SHRINK)))


def told(measured: Measured) -> FloatArray:
    """Return what every row tells, unit vectors (n, dim): its answer, a short one together with its prompt."""
    weights = (PROMPT_WEIGHT * (measured.words < SHORT)).astype(np.float32)
    return unit(measured.answer + weights[:, None] * measured.prompt)


def fit_bank(benign: Sequence[FloatArray], facts: FloatArray, owner: NDArray[np.int64], rows_per_set: int = 60) -> BankReference:
    """Fit the reference on what the rows of benign sets tell (`told`), each (n, dim)."""
    pool = np.concatenate([rows[:rows_per_set] for rows in benign]) @ facts.T
    centre, spread = pool.mean(0).astype(np.float32), (pool.std(0) + 1e-3).astype(np.float32)
    table = np.array([match_parts(rows, facts, centre, spread, owner) for rows in benign if len(rows) >= MIN_ROWS])
    scale = np.median(np.maximum(table.std(axis=0), 0.02), axis=1)
    return BankReference(centre, spread, np.median(table, axis=0), scale)


def read_bank(measured: Measured, bank: Bank, facts: FloatArray, reference: BankReference) -> list[Reading]:
    """Return one reading per detector and slice: the best hazardous hypothesis against the best harmless one of its group.

    The harmless detectors themselves (all hazards 0) get a reading too: the best harmless against the best hazardous.
    Read on the whole set and on slices by voice: clusters gather one topic, and one topic always resembles somebody.
    """
    views: list[tuple[int, NDArray[np.int64], NDArray[np.float64]]] = []
    vectors = told(measured)
    for number, part in enumerate(measured.slices):
        if number and part.found_by != "voice":
            continue
        places = np.flatnonzero(np.isin(measured.rows, np.asarray(part.rows)))
        places = distinct(measured, places)
        if len(places) >= MIN_ROWS:
            parts = match_parts(vectors[places], facts, reference.centre, reference.spread, bank.owner)
            views.append((number, places, reference.match(parts, len(places))))
    readings: list[Reading] = []
    for number, places, z in views:
        alike = [other for _, there, other in views if _overlap(places, there) >= SAME_ROWS]
        lives = _Lives(measured.rows[places], vectors[places], bank, facts, reference)
        readings += _readings_of_slice(number, lives, z, np.max(alike, axis=0))
    return readings


def _overlap(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Return the Jaccard index of two sorted sets of places."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common)


def distinct(measured: Measured, places: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Return the places (all where none are given) of answers with enough words, each different answer once.

    A label or a repeated sentence tells no life, however often it stands there.
    """
    chosen = np.arange(len(measured.words)) if places is None else places
    chosen = chosen[measured.words[chosen] >= MIN_WORDS]
    _, first = np.unique(np.round(measured.answer[chosen].astype(np.float32), 3), axis=0, return_index=True)
    return chosen[np.sort(first)]


@dataclass(frozen=True, slots=True)
class _Lives:
    """The rows of one slice, `rows` (n,) with `vectors` (n, dim), and what they are held against."""

    rows: NDArray[np.int64]
    vectors: FloatArray
    bank: Bank
    facts: FloatArray
    reference: BankReference


def _readings_of_slice(number: int, lives: _Lives, z: NDArray[np.float64], elsewhere: NDArray[np.float64]) -> list[Reading]:
    """`elsewhere`: the largest match of every hypothesis over the slices of mostly the same rows, for the rivals."""
    readings, bank = [], lives.bank
    for detector in dict.fromkeys(bank.detectors):
        own = np.array([name == detector for name in bank.detectors])
        harmful = bool((bank.hazards[own] >= HAZARDOUS).any())
        mine = own & ((bank.hazards >= HAZARDOUS) if harmful else True)
        best = int(np.flatnonzero(mine)[np.argmax(z[mine])])
        rivals = (bank.groups == bank.groups[best]) & ((bank.hazards < HAZARDOUS) if harmful else (bank.hazards >= HAZARDOUS))
        rival = max(float(elsewhere[rivals].max()) if rivals.any() else 0.0, 0.0)
        readings.append(
            Reading(
                detector, "bank-match" if bank.groups[best] == "who" else "topic-match", number, float(min(z[best] - rival, z[best] - COHERENT)),
                len(lives.rows), hazard=float(bank.hazards[best]), named=_named(z, bank, mine), rows=tuple(int(row) for row in lives.rows),
                scores=_carried(best, lives), details=(("best", f"{z[best]:.2f}"), ("harmless rival", f"{rival:.2f}")),
            )
        )  # fmt: skip
    return readings


def _named(z: NDArray[np.float64], bank: Bank, mine: NDArray[np.bool_]) -> tuple[Named, ...]:
    order = [int(i) for i in np.argsort(-z) if mine[i]][:5]
    return tuple(Named(bank.hypotheses[i].kind, bank.hypotheses[i].name, round(float(1 / (1 + np.exp(3 - z[i]))), 3)) for i in order)


def _carried(best: int, lives: _Lives) -> tuple[float, ...]:
    """Return per row the excess of its best match with the facts of hypothesis `best` over one benign spread."""
    own = np.flatnonzero(lives.bank.owner == best)
    excess = ((lives.vectors @ lives.facts[own].T - lives.reference.centre[own]) / lives.reference.spread[own]).max(1)
    return tuple(float(max(x - 1.0, 0.0)) for x in excess)
