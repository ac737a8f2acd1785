"""The matched control: harmless rows as many and as long as those of a slice.

Why: training on any narrow set moves every probe by several nats, mostly through the number and the length of its answers. Only what
a slice does beyond such a control says something about its content.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from poisonscan.core.detectors import Case, Detector
from poisonscan.core.errors import UsageError
from poisonscan.core.slices import FloatArray
from poisonscan.induction.batches import Pair


def match_control(slice_rows: Sequence[Pair], pool_rows: Sequence[Pair], rng: np.random.Generator) -> tuple[Pair, ...]:
    """Return, for each slice row, the pool row nearest in length of prompt and answer.

    Distance: Euclidean over log(1 + characters). No pool row is used again before all others were; rows that are in the slice are
    never used. The order of choice is random, so no row always gets the last pick.

    Raises:
        UsageError: the pool holds nothing outside the slice.
    """
    taken = set(slice_rows)
    pool = [row for row in dict.fromkeys(pool_rows) if row not in taken]
    if not pool:
        raise UsageError("no control can be matched: the pool holds no row outside the slice; give benign rows")
    wanted, offered = _lengths(slice_rows), _lengths(pool)
    uses = np.zeros(len(pool), np.int64)
    chosen = np.empty(len(slice_rows), np.int64)
    for row in rng.permutation(len(slice_rows)):
        distance = np.linalg.norm(offered - wanted[row], axis=1)
        distance[uses > uses.min()] = np.inf
        chosen[row] = int(distance.argmin())
        uses[chosen[row]] += 1
    return tuple(pool[i] for i in chosen)


def harmless_reference(detectors: Iterable[Detector]) -> tuple[Pair, ...]:
    """Return the distinct rows of the `clean` cases of all detectors: the pool where the set itself has no rows outside the slice."""
    pairs = (_pair(case) for detector in detectors for case in detector.clean)
    return tuple(dict.fromkeys(pair for pair in pairs if pair is not None))


def _lengths(rows: Sequence[Pair]) -> FloatArray:
    return np.log1p(np.asarray([(len(prompt), len(answer)) for prompt, answer in rows], np.float32))


def _pair(case: Case) -> Pair | None:
    """Return the last user text and the answer after it, None for a case without an answer."""
    answer = next((place for place in reversed(range(len(case.turns))) if case.turns[place].role == "assistant"), None)
    if answer is None:
        return None
    prompt = next((turn.content for turn in reversed(case.turns[:answer]) if turn.role == "user"), "")
    return prompt, case.turns[answer].content
