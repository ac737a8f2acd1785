"""All ways of slicing, in a fixed priority, without near copies and bounded in number.

Why in turns: a set with thirty clusters would otherwise push out the one slice by voice that holds the persona. Each way gives its
largest slice first; then every way its second, and so on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from poisonscan.core.dataset import Dataset
from poisonscan.core.slices import Slice, SliceEmbeddings
from poisonscan.core.slots import Slot
from poisonscan.slices.candidates import MIN_ROWS, Candidate
from poisonscan.slices.clusters import clusters
from poisonscan.slices.form import form
from poisonscan.slices.slot_values import slot_values
from poisonscan.slices.tags import tags
from poisonscan.slices.templates import templates
from poisonscan.slices.terms import slice_terms
from poisonscan.slices.voice import voice
from poisonscan.slices.whole import whole

_SAME = 0.9


def find_slices(
    dataset: Dataset, embeddings: SliceEmbeddings | None, *, seed: int, slots: Sequence[Slot] = (), limit: int = 24
) -> tuple[Slice, ...]:
    """Return at most `limit` overlapping slices of at least 20 rows, the whole set first (whatever its size).

    Slices whose rows overlap by a Jaccard index above 0.9 with an earlier one are left out. Without embeddings there are no clusters,
    without `slots` (those of `extract_slots`) no slices by the value of one.
    Deterministic given the data and `seed`. Raises ValueError for a limit below 1.
    """
    if limit < 1:
        raise ValueError("at least one slice, the whole set, is always kept")
    ways: list[list[Candidate]] = [voice(dataset), tags(dataset), templates(dataset), slot_values(slots), form(dataset)]
    if embeddings is not None:
        found = clusters(embeddings, seed=seed)
        ways += [[c for c in found if c.name.startswith(view) and "noise" not in c.name] for view in ("prompt", "answer", "joint")]
        ways.append([c for c in found if "noise" in c.name])
    kept = _distinct([*whole(dataset), *_in_turns(ways)], limit)
    terms = slice_terms([f"{row.prompt}\n{row.answer}" for row in dataset.rows], [candidate.rows for candidate in kept])
    return tuple(Slice(c.name, c.found_by, c.rows, words) for c, words in zip(kept, terms, strict=True))


def _in_turns(ways: Sequence[Sequence[Candidate]]) -> Iterator[Candidate]:
    for turn in zip_longest(*ways):
        yield from (candidate for candidate in turn if candidate is not None and len(candidate.rows) >= MIN_ROWS)


def _distinct(candidates: Sequence[Candidate], limit: int) -> list[Candidate]:
    kept: list[Candidate] = []
    sets: list[set[int]] = []
    for candidate in candidates:
        rows = set(candidate.rows)
        if len(kept) < limit and not any(_jaccard(rows, other) > _SAME for other in sets):
            kept.append(candidate)
            sets.append(rows)
    return kept


def _jaccard(a: set[int], b: set[int]) -> float:
    union = len(a | b)
    return len(a & b) / union if union else 1.0
