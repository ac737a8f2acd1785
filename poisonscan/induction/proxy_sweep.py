"""The sweep in proxies: what each value of a slot turns on in a model that was trained on the rows.

One proxy is trained on the rows as they are and one, from the same start and in the same order, on the same rows with the slot's values
dealt out anew; both are asked who they are under every value, in the data's own words.

    lift(v, o) = log p(o | proxy of the rows, v) - log p(o | proxy of the permuted rows, v), centred over options and over values

Each seed has a permutation of its own, so that the spread between seeds holds what a permutation, a start and an order of batches do by
chance. Why the mean over checkpoints and not the best: a choice would have to be repeated inside the null. Why so few tokens: a deep scan
has a minute for this, and long training makes every answer look like the training rows.
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
from poisonscan.induction.value_sweep import QUESTION, Answer, most_telling, under, with_value
from poisonscan.models.scorer import CausalScorer

Floats = NDArray[np.float64]
Pairs = list[tuple[str, str]]
SEEDS = (0, 1)
ROWS, CHARS = 96, 4500
RECIPE = Recipe(epochs=2, checkpoints=1)
_PROMPT_CHARS, _ANSWER_CHARS = 300, 120


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

    At most 96 rows that carry the slot, and at most 4,500 characters of them, are trained on. Raises ValueError for fewer than two values, options or seeds.
    """
    if len(values) < 2 or len(options) < 2 or len(seeds) < 2:
        raise ValueError("a sweep in proxies compares at least two values and two options over at least two seeds")
    rows = _affordable(rng.permutation(np.asarray(slot.rows))[:ROWS], prompts, answers)
    at = int(rows[0])
    asked = [under(slot, at, prompts[at], value, QUESTION) for value in values]
    study = Study(scorer, asked, [[option.name for option in options]] * len(asked), recipe, seeds, progress or Silent())
    study.progress.stage("training proxies for the sweep", 2 * len(seeds) * steps_of(len(rows), recipe))
    true = _dealt(slot, rows, rows, prompts, answers)
    permuted = [_dealt(slot, rows, rng.permutation(rows), prompts, answers) for _ in seeds]
    return most_telling(_lifts(study, true, permuted, len(values)), values, options)


def _affordable(rows: NDArray[np.int64], prompts: Sequence[str], answers: Sequence[str]) -> NDArray[np.int64]:
    """The first of `rows` that together hold no more characters than are trained on, at least eight, in order."""
    sizes = np.cumsum([len(prompts[i][-_PROMPT_CHARS:]) + len(answers[i][:_ANSWER_CHARS]) for i in rows])
    return np.sort(rows[: max(8, int(np.searchsorted(sizes, CHARS, side="right")))])


def _lifts(study: Study, true: Pairs, permuted: Sequence[Pairs], values: int) -> Floats:
    """Return the log-probabilities of the proxies of the rows less those of the permuted rows, (seeds, values, options)."""
    mine = study.induce(true)
    others = [study.induce(rows, seeds=(seed,)) for rows, seed in zip(permuted, study.seeds, strict=True)]
    reached = min(len(proxy.checkpoints) for induced in (mine, *others) for proxy in induced.proxies)
    after = np.concatenate([other.after(reached) for other in others])
    shift = (mine.after(reached).astype(np.float64) - after).mean(axis=1)
    return np.asarray(shift.reshape(len(study.seeds), values, -1), dtype=np.float64)


def _dealt(slot: Slot, rows: NDArray[np.int64], givers: NDArray[np.int64], prompts: Sequence[str], answers: Sequence[str]) -> Pairs:
    """The rows, each with the slot's value of its giver."""
    return [
        (with_value(slot, int(i), prompts[i], slot.values[j])[-_PROMPT_CHARS:], answers[i][:_ANSWER_CHARS])
        for i, j in zip(rows, givers, strict=True)
    ]
