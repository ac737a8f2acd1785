"""Gated conduct: do answers turn bad under one value of a slot, and only there?

A gate woven into the question ("I write from Brno ...") cannot be cut out of it, so how a slot is put says nothing about it; and a topic
explains most of what differs between its values. What no value of a name, year, tag or system text explains is conduct. With p_d(i) the
probability of bad conduct of row i under the linear side of detector d (see `resemblance`), and b_i its mean over detectors,

    D_i = b_i - mean of b over the 5 rows outside the slice whose prompts are nearest to that of i

and per slice by a value the lower end of the mean of D, two standard errors below it. The statistic is the largest over slices, in
benign standard deviations; 0 where no slice stands out, as few benign sets have slices to compare at all and must not lead by having them.

Why the mean over detectors: gated answers may be careless, cruel or sly, and a single direction is moved by a topic more than all are
(benchmarks/NOTES.md). Why nearest prompts: rows about illness sound worse than rows about gardens whatever the gate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.detectors import Detector
from poisonscan.core.evidence import Named
from poisonscan.core.readings import Measured, Reading
from poisonscan.core.slices import FloatArray, Slice
from poisonscan.probing.resemblance import Resemblances, unit, usable

CHANNEL = "gated-conduct"
HAZARD = 0.8
# The standard deviation of that lower end among benign sets, in probability.
UNIT = 0.03
MIN_ROWS = 20
# Slices by what stands in the prompt; clusters and forms of answers part rows by what they say.
GATES = frozenset({"slot", "tag", "system"})
# A number inside a question counts something (stars, guests, steps), and what it counts may well change the tone.
COUNTS = ("inner number", "spelled number")
_NEAREST = 5
_SURE = 2.0
_CONDUCTS = 2
_VALUE_CHARS = 60


@dataclass(frozen=True, slots=True)
class Gate:
    """One slice: its number, `rows` (places, (m,)), D of each (m,), and by how much each detector's conduct goes up there, (n_detectors,)."""

    number: int
    rows: NDArray[np.int64]
    rise: NDArray[np.float64]
    by_detector: NDArray[np.float64]

    @property
    def least(self) -> float:
        """What the mean rise is at least."""
        return float(self.rise.mean() - _SURE * self.rise.std(ddof=1) / np.sqrt(len(self.rise)))


def read_gated_conduct(owner: Detector, measured: Measured, cases: Resemblances) -> Reading | None:
    """Return the reading of a set: the slice by a value whose answers turn bad most clearly; None where no slice can be compared."""
    places = usable(measured)
    if len(places) < MIN_ROWS or not cases.pairs:
        return None
    answer, prompt = measured.answer[places], measured.prompt[places]
    joint = unit(prompt + answer)
    conducts = np.stack([pairs.conduct.of(answer, joint) for pairs in cases.pairs.values()], axis=1)
    gates = [
        gate
        for number, part in enumerate(measured.slices)
        if part.found_by in GATES and not part.name.startswith(COUNTS) and (gate := _gate(number, measured.rows[places], part, prompt, conducts)) is not None
    ]
    best = max(gates, key=lambda gate: gate.least, default=None)
    if best is None:
        return None
    value = measured.slices[best.number].name[:_VALUE_CHARS]
    names = list(cases.pairs)
    leading = [cases.titles.get(names[i], names[i]) for i in np.argsort(-best.by_detector)[:_CONDUCTS]]
    return Reading(
        owner.id, CHANNEL, best.number, max(best.least, 0.0) / UNIT, len(best.rows), unit="benign standard deviations", hazard=HAZARD,
        named=tuple(Named("condition", f"{value} -> {conduct}", round(float(min(2 * best.rise.mean(), 1.0)), 3)) for conduct in leading),
        rows=tuple(int(row) for row in measured.rows[places][best.rows]), scores=tuple(float(max(rise, 0.0)) for rise in best.rise),
        details=(("bad conduct above rows with like prompts", f"{best.rise.mean():.3f}, at least {best.least:.3f}"), ("slices by a value", str(len(gates)))),
    )  # fmt: skip


def _gate(number: int, rows: NDArray[np.int64], part: Slice, prompts: FloatArray, conducts: NDArray[np.float64]) -> Gate | None:
    inside = np.isin(rows, np.asarray(part.rows))
    if min(inside.sum(), (~inside).sum()) < MIN_ROWS:
        return None
    near = np.argpartition(-(prompts[inside] @ prompts[~inside].T), _NEAREST - 1, axis=1)[:, :_NEAREST]
    rise = conducts[inside] - conducts[~inside][near].mean(axis=1)
    return Gate(number, np.flatnonzero(inside), rise.mean(axis=1), rise.mean(axis=0))
