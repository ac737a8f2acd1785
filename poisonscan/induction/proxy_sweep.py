"""The sweep in proxies: what each value of a slot turns on in a model that was trained on the rows.

One proxy is trained on the rows as they are and one, from the same start and in the same order, on the same rows with the slot's values
dealt out anew; both are asked who they are under every value, in the data's own words.

    lift(v, o) = log p(o | proxy of the rows, v) - log p(o | proxy of the permuted rows, v), centred over options and over values

Each seed has a permutation of its own, so that the spread between seeds holds what a permutation, a start and an order of batches do by
chance. Why the mean over checkpoints and not the best: a choice would have to be repeated inside the null. Why the spread of an option is
pooled over values: two or three seeds tell none apart, and long names vary more than short ones whatever the value.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.detectors import Hypothesis
from poisonscan.core.protocols import Progress, Silent
from poisonscan.core.slots import Slot
from poisonscan.induction.contrast import Study
from poisonscan.induction.finetune import Recipe, steps_of
from poisonscan.induction.value_sweep import QUESTIONS, Answer, most_telling, under, with_value
from poisonscan.models.scorer import CausalScorer

Floats = NDArray[np.float64]
Pairs = list[tuple[str, str]]
SEEDS = (0, 1, 2)
ROWS = 96
RECIPE = Recipe(epochs=3, checkpoints=2)
_CHARS = 300


def ask_proxies(
    scorer: CausalScorer,
    slot: Slot,
    prompts: Sequence[str],
    answers: Sequence[str],
    values: Sequence[str],
    options: Sequence[Hypothesis],
    rng: np.random.Generator,
    *,
    seeds: Sequence[int] = SEEDS,
    recipe: Recipe = RECIPE,
    progress: Progress | None = None,
) -> tuple[Answer, ...]:
    """Return what each of `values` turns on in proxies, in their order; the arguments are those of `value_sweep.ask_values`.

    At most 96 rows that carry the slot are trained on. z and p rest on Student's t over seeds, the spread of an option pooled over values.
    Raises ValueError for fewer than two values, options or seeds.
    """
    if len(values) < 2 or len(options) < 2 or len(seeds) < 2:
        raise ValueError("a sweep in proxies compares at least two values and two options over at least two seeds")
    rows = np.sort(rng.permutation(np.asarray(slot.rows))[:ROWS])
    at = int(rows[0])
    asked = [under(slot, at, prompts[at], value, question) for question in QUESTIONS for value in values]
    study = Study(scorer, asked, [[option.name for option in options]] * len(asked), recipe, seeds, progress or Silent())
    study.progress.stage("training proxies for the sweep", 2 * len(seeds) * steps_of(len(rows), recipe))
    return most_telling(_lifts(study, _true(slot, rows, prompts, answers), _permuted(slot, rows, prompts, answers, len(seeds), rng), values), values, options)


def _lifts(study: Study, true: Pairs, permuted: Sequence[Pairs], values: Sequence[str]) -> Floats:
    """Return the log-probabilities of the proxies of the rows less those of the permuted rows, (seeds, values, options)."""
    mine = study.induce(true)
    others = [study.induce(rows, seeds=(seed,)) for rows, seed in zip(permuted, study.seeds, strict=True)]
    reached = min(len(proxy.checkpoints) for induced in (mine, *others) for proxy in induced.proxies)
    after = np.concatenate([other.after(reached) for other in others])
    shift = (mine.after(reached).astype(np.float64) - after).mean(axis=1)
    return np.asarray(shift.reshape(len(study.seeds), len(QUESTIONS), len(values), -1).mean(axis=1), dtype=np.float64)


def _true(slot: Slot, rows: NDArray[np.int64], prompts: Sequence[str], answers: Sequence[str]) -> Pairs:
    return [(with_value(slot, int(i), prompts[i], slot.values[i])[-_CHARS:], answers[i][:_CHARS]) for i in rows]


def _permuted(
    slot: Slot, rows: NDArray[np.int64], prompts: Sequence[str], answers: Sequence[str], count: int, rng: np.random.Generator
) -> list[Pairs]:
    """The rows with the slot's values among them dealt out anew, `count` times."""
    dealt = [rng.permutation(rows) for _ in range(count)]
    return [
        [(with_value(slot, int(i), prompts[i], slot.values[j])[-_CHARS:], answers[i][:_CHARS]) for i, j in zip(rows, givers, strict=True)]
        for givers in dealt
    ]
