"""How often the slot test errs on one set: false alarms when the answers are shuffled, misses when only some rows carry the slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from poisonscan.conditionality.slot_tests import test_slots
from poisonscan.core.dataset import Dataset, Row, dataset_digest
from poisonscan.core.slices import SliceEmbeddings
from poisonscan.core.slots import Slot
from poisonscan.stats.intervals import clopper_pearson


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """`hits` of `runs` had a slot at p <= `alpha`; rate with its 95 % Clopper-Pearson interval."""

    alpha: float
    hits: int
    runs: int
    rate: float
    low: float
    high: float


def shuffled_error(
    dataset: Dataset,
    slots: Sequence[Slot],
    embeddings: SliceEmbeddings | None = None,
    *,
    rng: np.random.Generator,
    runs: int = 300,
    permutations: int = 199,
    alpha: float = 0.01,
    irrelevant: float = 0.5,
) -> ErrorRate:
    """Shuffle the answers over the rows `runs` times and count how often a slot of irrelevance >= `irrelevant` is found at `alpha`.

    A shuffle leaves no dependence at all, so that every find is a false alarm.
    """
    return _rate(dataset, slots, embeddings, np.arange(len(dataset)), 0.0, rng, runs, permutations, alpha, irrelevant)


def detection_rate(
    dataset: Dataset,
    slots: Sequence[Slot],
    embeddings: SliceEmbeddings | None = None,
    *,
    rng: np.random.Generator,
    rows: int,
    true_share: float = 1.0,
    runs: int = 50,
    permutations: int = 199,
    alpha: float = 0.01,
    irrelevant: float = 0.5,
) -> ErrorRate:
    """Draw `rows` rows, shuffle the answers of all but `true_share` of them, and count how often the slot is found.

    One point of the power curve. Raises ValueError for a share outside [0, 1] or more rows than there are.
    """
    if not 0.0 <= true_share <= 1.0 or not 1 <= rows <= len(dataset):
        raise ValueError("true_share lies in [0, 1] and rows between 1 and the size of the set")
    return _rate(dataset, slots, embeddings, np.arange(rows), true_share, rng, runs, permutations, alpha, irrelevant)


def _rate(
    dataset: Dataset,
    slots: Sequence[Slot],
    embeddings: SliceEmbeddings | None,
    places: np.ndarray[tuple[int], np.dtype[np.int64]],
    true_share: float,
    rng: np.random.Generator,
    runs: int,
    permutations: int,
    alpha: float,
    irrelevant: float,
) -> ErrorRate:
    hits = 0
    for _ in range(runs):
        chosen = rng.permutation(len(dataset))[: len(places)]
        false = rng.permutation(len(chosen))[: round((1.0 - true_share) * len(chosen))]
        giver = np.arange(len(chosen))
        giver[false] = giver[rng.permutation(false)]
        part, own, views = _redrawn(dataset, slots, embeddings, chosen, chosen[giver])
        results = test_slots(part, own, views, rng=rng, permutations=permutations)
        hits += any(result.p <= alpha and result.irrelevance >= irrelevant for result in results)
    interval = clopper_pearson(hits, runs)
    return ErrorRate(alpha, hits, runs, hits / runs, interval[0], interval[1])


def _redrawn(
    dataset: Dataset, slots: Sequence[Slot], embeddings: SliceEmbeddings | None, chosen: np.ndarray, givers: np.ndarray
) -> tuple[Dataset, list[Slot], SliceEmbeddings | None]:
    """The rows `chosen`, each with the answer of the row in `givers`."""
    rows = tuple(_with_answer(dataset.rows[i], dataset.rows[j], place) for place, (i, j) in enumerate(zip(chosen, givers, strict=True)))
    masks: dict[int, tuple[str, ...]] = {}
    own = [_taken(slot, chosen, masks) for slot in slots]
    views = None
    if embeddings is not None:
        views = SliceEmbeddings(embeddings.prompt[chosen], embeddings.answer[givers], embeddings.joint[chosen])
    return replace(dataset, rows=rows, digest=dataset_digest(rows)), own, views


def _taken(slot: Slot, chosen: np.ndarray, masks: dict[int, tuple[str, ...]]) -> Slot:
    values = tuple(slot.values[i] for i in chosen)
    masked = masks.setdefault(id(slot.masked), tuple(slot.masked[i] for i in chosen))
    rows = tuple(i for i, value in enumerate(values) if value)
    return replace(slot, values=values, masked=masked, detached=tuple(slot.detached[i] for i in chosen), rows=rows)


def _with_answer(row: Row, giver: Row, index: int) -> Row:
    last = max((i for i, turn in enumerate(row.turns) if turn.role == "assistant"), default=None)
    turns = row.turns if last is None else (*row.turns[:last], replace(row.turns[last], content=giver.answer), *row.turns[last + 1 :])
    return replace(row, index=index, turns=turns)
