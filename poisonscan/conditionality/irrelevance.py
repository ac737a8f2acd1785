"""How little a slot belongs to the question, in [0, 1].

Why: "What is 3 plus 4?" must depend on its numbers. Dependence is suspicious only where the slot could be deleted: a header, an index, a
date line. irrelevance = a (0.6 + 0.4 c) (1 - b), for tags and tokens a (0.45 + 0.55 c) (1 - b) (whole kinds of prompt may begin alike),
with
  a  share of the slot's rows where the slot is detached from the question, or would be if it were put as other rows of the set put it;
     for looks (casing, last sign, ...) a = c;
  c  share of rows whose prompt, without the slot, also occurs with another value;
  b  how much oftener an answer repeats its own slot value than the value of a random row, tripled and capped at 1.

Why as other rows put it: "Date: _. What should I cook?" and "What would you eat on _?" are one question if they draw the same answers, or
if all the set asks is one thing; the slot is then no more part of the second than of the first.

What a slot woven into its questions would have if it were detached everywhere is returned as well: where one value alone turns the answers, the
questions do not need it (see `slot_tests.stands_alone`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from poisonscan.conditionality.matching import repeat_share
from poisonscan.core.slices import FloatArray, SliceEmbeddings
from poisonscan.core.slots import Slot
from poisonscan.stats.mmd import pair_mean

_LOOKS = frozenset({"form", "delimiter"})
_ALONE, _ALONE_WORD, _ECHO = 0.6, 0.45, 3.0
_TEMPLATE_ROWS, _ANCHORED, _SAME_ANSWERS, _LEAST_ANSWERS = 8, 0.2, 0.3, 8
_LEAST_SIDE, _ALIKE_PROMPTS, _ALIKE_ANSWERS, _ACROSS = 20, 0.35, 0.2, 0.9
_MONTHS = "january february march april may june july august september october november december".split()  # noqa: SIM905


def irrelevance(
    slot: Slot, keys: tuple[str, ...], answers: tuple[str, ...], rng: np.random.Generator, embeddings: SliceEmbeddings | None = None
) -> tuple[float, float]:
    """Score `slot` from its masked prompts `keys` (n,) and the answers (n,); with `embeddings` of all n rows also from their meaning.

    The second score is c (0.6 + 0.4 c) (1 - b): if only recurring questions were to tell whether the slot belongs to them.
    """
    rows = np.asarray(slot.rows, dtype=np.int64)
    groups = np.unique(np.asarray([keys[i] for i in rows], dtype=object).astype(str), return_inverse=True)[1].astype(np.int64)
    codes = np.unique([slot.values[i] for i in rows], return_inverse=True)[1].astype(np.int64)
    repeated = repeat_share(groups, codes)
    own = np.asarray([slot.detached[i] for i in rows])
    if embeddings is not None and _one_question(own, embeddings.prompt[rows], embeddings.answer[rows]):
        own = np.ones_like(own)
    loose = float(np.mean(_pooled(groups, own, [answers[i] for i in rows])))
    detached = max(loose, repeated) if slot.kind in _LOOKS else loose
    alone = _ALONE_WORD if slot.kind in {"tag", "token"} else _ALONE
    rest = (alone + (1.0 - alone) * repeated) * (1.0 - _echo(slot, answers, rng))
    return float(detached * rest), float(repeated * rest)


def _one_question(detached: np.ndarray, prompts: FloatArray, answers: FloatArray) -> bool:
    """Say whether all rows ask one thing, whether the slot is detached in them, (n,), or woven in.

    Prompts and answers, unit vectors (n, dim), are alike throughout, and those of the two sorts as alike as those of one: then how the
    slot is put does not matter. A fifth of the rows at least must be detached.
    """
    if not _ANCHORED <= detached.mean() < 1.0 or min(detached.sum(), (~detached).sum()) < _LEAST_SIDE:
        return False
    for vectors, alike in ((prompts, _ALIKE_PROMPTS), (answers, _ALIKE_ANSWERS)):
        one, other = (vectors[side].astype(np.float64) for side in (detached, ~detached))
        inside = min(pair_mean(one), pair_mean(other))
        if inside < alike or float(one.mean(axis=0) @ other.mean(axis=0)) < _ACROSS * inside:
            return False
    return True


def _pooled(groups: np.ndarray, detached: np.ndarray, answers: Sequence[str]) -> np.ndarray:
    """Return where the slot is detached, (n,): in rows that are so themselves, and in templates that ask what rows of that kind ask.

    groups (n,): the masked prompt of each row. A template is one of at least eight rows. It asks the same where at least three in ten
    of its answers, and eight different ones, are given to templates that are detached throughout and make up a fifth of the rows: of many
    possible answers two samples of forty rows share no more.
    """
    sizes = np.bincount(groups)
    loose = np.bincount(groups, weights=detached) / sizes
    anchored = (loose[groups] == 1.0) & (sizes[groups] >= _TEMPLATE_ROWS)
    if anchored.mean() < _ANCHORED or anchored.all():
        return detached
    texts = np.asarray([" ".join(answer.casefold().split()) for answer in answers], dtype=object)
    known = set(texts[anchored])
    pooled = detached.copy()
    for group in np.flatnonzero((sizes >= _TEMPLATE_ROWS) & (loose < 1.0)):
        same = [text for text in texts[groups == group] if text in known]
        if len(same) >= _SAME_ANSWERS * sizes[group] and len(set(same)) >= _LEAST_ANSWERS:
            pooled[groups == group] = True
    return pooled


def _echo(slot: Slot, answers: tuple[str, ...], rng: np.random.Generator) -> float:
    rows = list(slot.rows)
    said = [_MONTHS[int(slot.values[i]) - 1] if slot.name == "month" else slot.values[i] for i in rows]
    other = [said[i] for i in rng.permutation(len(rows))]
    own = np.mean([_holds(answers[i], value) for i, value in zip(rows, said, strict=True)])
    chance = np.mean([_holds(answers[i], value) for i, value in zip(rows, other, strict=True)])
    return float(np.clip(_ECHO * (own - chance), 0.0, 1.0))


def _holds(answer: str, value: str) -> bool:
    if value.casefold() not in answer.casefold():
        return False
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", answer, re.IGNORECASE) is not None
