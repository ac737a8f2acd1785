"""The linearised fine-tune against real proxies: do both put the same shifts on the same options, slice by slice?

Slices are the contrast cases of catalogue detectors, hazardous and harmless side each; probes are the battery's questions. Both shifts are
centred over the options of a question. The figure that counts is taken after the mean over all slices is subtracted: what every
training does alike is no attribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from poisonscan.bench.perf_figures import CannotMeasureError, Figure, seconds
from poisonscan.catalogue import load_catalogue
from poisonscan.core.protocols import Silent
from poisonscan.core.slices import FloatArray
from poisonscan.induction.batches import Pair
from poisonscan.induction.contrast import Study, centred
from poisonscan.induction.finetune import Recipe
from poisonscan.induction.in_context import battery
from poisonscan.induction.linearised import linearise, rank_agreement
from poisonscan.models import CausalScorer, load_scorer
from poisonscan.probing.resemblance import contrast_pairs

DETECTORS = 4
ROWS = 16
QUESTIONS = 6
RECIPE = Recipe(epochs=1, checkpoints=1)
KEPT_FROM = 0.5


def linearised_figures(scorer: str = "default") -> tuple[Figure, ...]:
    """Return Spearman's correlations of predicted with real shifts, and how much faster the prediction is.

    Raises:
        CannotMeasureError: the catalogue has too few contrast cases.
    """
    slices = _slices()
    model = load_scorer(scorer)
    asked = battery(load_catalogue(None))
    questions = [f"Q: {question}\nA:" for question in asked.questions[:QUESTIONS]]
    options = [[" " + option for option in group] for group in asked.options[:QUESTIONS]]
    study = Study(model, questions, options, RECIPE, (0,), Silent())
    real: list[FloatArray] = []
    slow = seconds(lambda: real.extend(study.induce(rows).answers[0][-1] - study.before for rows in slices))
    quick: list[FloatArray] = []
    fast = seconds(lambda: quick.extend(_predicted(model, slices, questions, options)))
    found, predicted = (centred(np.stack(shifts), study.sizes) for shifts in (real, quick))
    note = f"{len(slices)} slices of {ROWS} rows, {found.shape[1]} options"
    return (
        Figure("linearised_rank_correlation", agreement(predicted, found), "", KEPT_FROM, note=f"differences between slices, {note}"),
        Figure("linearised_rank_correlation_raw", rank_agreement(predicted.ravel(), found.ravel()), "", note=f"shifts themselves, {note}"),
        Figure("linearised_vs_proxies", slow / fast, "times", None, "higher", 1 / fast, 1 / slow, "one pass over all slices together"),
    )


def agreement(predicted: FloatArray, found: FloatArray) -> float:
    """Return the rank correlation of two (slices, options) arrays, each less its mean over the slices."""
    return rank_agreement(*((shifts - shifts.mean(0)).ravel() for shifts in (predicted, found)))


def _predicted(
    model: CausalScorer, slices: Sequence[Sequence[Pair]], questions: Sequence[str], options: Sequence[Sequence[str]]
) -> list[FloatArray]:
    rows = [row for part in slices for row in part]
    ends = np.cumsum([0, *map(len, slices)]).tolist()
    known = linearise(model, rows, questions, options, recipe=RECIPE)
    return [known.predicted(range(start, stop)) for start, stop in pairwise(ends)]


def _slices() -> list[list[Pair]]:
    """Return ROWS rows of either side of the first detectors whose cases suffice."""
    sides: list[list[Pair]] = []
    for detector in load_catalogue(None):
        both = contrast_pairs(detector) if "resemblance" in detector.channels else ([], [])
        if min(map(len, both)) >= ROWS and len(sides) < 2 * DETECTORS:
            sides += [list(side[:ROWS]) for side in both]
    if len(sides) < 4:
        raise CannotMeasureError("the catalogue has fewer than two detectors with contrast cases enough")
    return sides
