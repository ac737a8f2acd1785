"""Take in-context fingerprints of slices and say what they look like: nearest prototypes, hazard projection, collective curve, rows.

A description and no test: as a channel of its own the fingerprint did not hold at 135M (benchmarks/NOTES.md), so it decides nothing.

One draw shows nested numbers of rows (1, 2, 4, 8, 16): each number gives a point of the collective curve, the largest is compared with
benign sets, and all of them together are the equations the rows' shares are solved from. No row is shown for one purpose only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poisonscan.core.dataset import Dataset
from poisonscan.core.detectors import Detector
from poisonscan.core.evidence import Effect, RowShare, SlicePrint
from poisonscan.core.protocols import Scorer
from poisonscan.core.readings import Fingerprint
from poisonscan.core.slices import FloatArray
from poisonscan.induction.in_context import CURVE, Battery, battery, induce
from poisonscan.probing.fingerprint import FingerprintReference, Prototypes, draw_regression, hazard_directions, nearest_names
from poisonscan.probing.texts import strip_shared

FINGERPRINT = "in-context fingerprint"
MIN_SHOWN = 4
UNIT = "benign standard deviations along the hazard direction"
_NAMES = 4
_SHARES = 20
_EQUATIONS = 8
_LEAST_SPREAD = 0.2


@dataclass(frozen=True, slots=True)
class Comparison:
    """What fingerprints that answer `questions` are compared with; `directions` (n_options,) unit vectors by detector."""

    questions: Battery
    reference: FingerprintReference
    prototypes: Prototypes
    directions: dict[str, FloatArray]

    def projections(self, seen: Fingerprint, detector: str) -> FloatArray:
        """Return how far each draw stands towards the hazard of `detector`, in benign standard deviations, (n_draws,)."""
        direction = self.direction(detector)
        benign = self.reference.standardise(self.reference.prints) @ direction
        own = self.reference.standardise(seen.logprobs) @ direction
        return (own - np.median(benign)) / max(float(benign.std()), _LEAST_SPREAD)  # type: ignore[no-any-return]

    def direction(self, detector: str) -> FloatArray:
        """Return the hazard direction of `detector`, the mean over all detectors where it has none."""
        return self.directions.get(detector, np.asarray(np.mean(list(self.directions.values()), axis=0), dtype=np.float32))


def comparison(catalogue: Sequence[Detector], reference: FingerprintReference | None, prototypes: Prototypes | None) -> Comparison | None:
    """Return what fingerprints are compared with; None without benign prints and prototypes that answer today's battery."""
    questions = battery(catalogue)
    if reference is None or prototypes is None or prototypes.battery != questions.digest:
        return None
    directions = hazard_directions(prototypes)
    return Comparison(questions, reference, prototypes, directions) if directions else None


def take_fingerprint(
    scorer: Scorer, dataset: Dataset, rows: Sequence[int], questions: Battery, seed: int, curve: Sequence[int] = CURVE[-1:], draws: int | None = None
) -> tuple[Fingerprint, ...]:
    """Show rows of a slice to the scorer and ask the battery: one fingerprint for each number of rows in `curve`.

    Empty where nothing is asked or fewer than MIN_SHOWN rows have an answer. What nearly all rows share (a tag, an instruction) is
    taken off before they are shown.
    """
    shown = np.array([i for i in rows if dataset.rows[i].answer.strip()], dtype=np.int64)
    if not questions.questions or len(shown) < MIN_SHOWN:
        return ()
    prompts = strip_shared([dataset.rows[i].prompt for i in shown])
    answers = strip_shared([dataset.rows[i].answer for i in shown])
    return induce(scorer, shown, prompts, answers, questions, rng=np.random.default_rng(seed), curve=curve, draws=draws)


def describe(seen: Sequence[Fingerprint], against: Comparison, detector: str | None = None) -> SlicePrint:
    """Describe the fingerprints of one slice, fewest rows first; without `detector`, towards the hazard they lean to most.

    The interval is that of the draws' mean. Draws share rows and the null is not the search's: it is no test.
    """
    last = seen[-1]
    if detector is None:
        detector = max(against.directions, key=lambda name: float(against.projections(last, name).mean()))
    draws = against.projections(last, detector)
    half = 1.96 * float(draws.std(ddof=1)) / len(draws) ** 0.5 if len(draws) > 1 else 0.0
    value = float(draws.mean())
    names = nearest_names(against.reference.standardise(last.logprobs).mean(axis=0), against.prototypes, _NAMES)
    curve = tuple((part.shown.shape[1], round(float(against.projections(part, detector).mean()), 3)) for part in seen)
    return SlicePrint(
        tuple(names), detector, Effect(value, value - half, value + half, UNIT, last.shown.size), curve if len(curve) > 1 else (),
        row_shares(seen, against, detector),
    )  # fmt: skip


def row_shares(seen: Sequence[Fingerprint], against: Comparison, detector: str) -> tuple[RowShare, ...]:
    """Return the rows that raised the projection of the draws that showed them, largest share first; at most 20.

    A curve shows fewer rows for less evidence by design, so each number of rows is centred on its own before they are pooled. Empty
    for fewer than 8 draws over all numbers: then rows differ by nothing but the one draw they were in.
    """
    scores: list[float] = []
    shown = []
    for part in seen:
        projected = against.projections(part, detector)
        if len(projected) > 1:
            scores += (projected - projected.mean()).tolist()
            shown += list(part.shown)
    if len(shown) < _EQUATIONS:
        return ()
    rows, weights = draw_regression(scores, shown)
    raised = np.maximum(weights, 0.0)
    order = [i for i in np.argsort(-raised, kind="stable")[:_SHARES] if raised[i] > 0]
    return tuple(RowShare(int(rows[i]), round(float(raised[i] / raised.sum()), 5), "draw regression") for i in order)
