"""Does the answer depend on a slot that should not matter, given the rest of the prompt?

For each value of each slot: the unbiased squared distance between the mean answer at that value and at the others, in a lexical and a
semantic kernel, after the matched prompt's part is taken out; the maximum over values, slots and kernels inside one permutation null of
the set.

Why all maskings are shuffled by the same lots: the slots of a set are cut from the same few words, and their statistics rise and fall
together. Draws of its own for every masking would make the maximum of the null larger than that of the data, and the test too careful.
Where strata differ between maskings so do the permutations, in part, and some of that care remains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poisonscan.conditionality.features import Floats, lexical_features, semantic_features
from poisonscan.conditionality.irrelevance import irrelevance
from poisonscan.conditionality.levels import ABSENT, Levels, testable_levels
from poisonscan.conditionality.matching import EQUAL_PROMPTS, Matching, match_prompts
from poisonscan.conditionality.results import Power, SlotResult, ValueResult
from poisonscan.core.dataset import Dataset
from poisonscan.core.slices import SliceEmbeddings
from poisonscan.core.slots import Slot
from poisonscan.stats.mmd import mmd2_unbiased, within_similarity
from poisonscan.stats.permutation import MaxNull, max_test, shuffle_by

MAX_ROWS = 2000
_EXACT_ROWS = 800
LOOSE = 0.25
_LEAST_ROWS = 20
_RARE_DIGITS = 0.5
MASK = "\N{REPLACEMENT CHARACTER}"
_SEED_RANGE = 2**31 - 1
_CONTENT_PERMUTATIONS = 99
_LEAST_VALUES, _ODD, _USUAL = 5, 0.01, 0.05
_SEASONAL = frozenset({"month", "weekday", "day of month", "hour", "time"})
_POWER_Z = 0.84
MAX_BEST = 16
_NO_POWER = Power(float("inf"), 0)


def test_slots(
    dataset: Dataset,
    slots: Sequence[Slot],
    embeddings: SliceEmbeddings | None = None,  # noqa: PT028
    *,
    rng: np.random.Generator,
    permutations: int = 999,  # noqa: PT028
) -> tuple[SlotResult, ...]:
    """Test every slot of `dataset`; loose slots before content, smallest p first.

    slots: from `slices.extract_slots`. embeddings: (n_rows, dim) views; without them only the lexical kernel is used. Sets above 2,000
    rows are tested on a random 2,000. The slots with irrelevance of at least 0.25 form one family of tests, the slots that are content
    another, which gets 99 permutations at most. Either stops at 99 permutations when more than 10 of them reached its best slot.
    """
    n = len(dataset)
    answers = tuple(row.answer for row in dataset.rows)
    rows = np.sort(rng.permutation(n)[:MAX_ROWS]).astype(np.int64)
    seed = int(rng.integers(_SEED_RANGE))
    features, blocks = _answer_features([answers[i] for i in rows], embeddings, rows, seed)
    plans = _plans(slots, rows, answers, features, embeddings, rng, seed)
    ready = [plan for plan in plans if not plan.reason]
    results = [_untestable(plan) for plan in plans if plan.reason]
    loose = [plan for plan in ready if plan.irrelevance >= LOOSE]
    content = [plan for plan in ready if plan.irrelevance < LOOSE]
    found = _tested(content, blocks, rng, min(permutations, _CONTENT_PERMUTATIONS))
    alone = [stands_alone(result) and plan.alone >= LOOSE for plan, result in zip(content, found, strict=True)]
    loose += [replace(plan, irrelevance=plan.alone) for plan, odd in zip(content, alone, strict=True) if odd]
    results += [result for result, odd in zip(found, alone, strict=True) if not odd]
    results += _tested(loose, blocks, rng, permutations)
    return tuple(sorted(results, key=_rank))


def _tested(family: list[_Plan], blocks: tuple[_Block, ...], rng: np.random.Generator, permutations: int) -> list[SlotResult]:
    if not family:
        return []
    null = _run(family, blocks, rng, permutations)
    return [_result(plan, null, blocks) for plan in family]


def stands_alone(result: SlotResult) -> bool:
    """Say whether one value of a slot of content stands out among five or more that draw the same answers to the same questions.

    What a question needs, a sum its numbers and a reign its year, matters at most of its values. Months, days and hours have their seasons
    and feasts, so they do not count.
    """
    odd = [value for value in result.values if value.p <= _ODD]
    return (
        result.matched_by == EQUAL_PROMPTS and len(result.values) >= _LEAST_VALUES and len(odd) == 1 and odd[0].value != ABSENT
        and all(value.p > _USUAL for value in result.values if value is not odd[0]) and result.slot.name not in _SEASONAL
    )  # fmt: skip


test_slots.__test__ = False  # type: ignore[attr-defined]  # its name would make pytest collect it


def _rank(result: SlotResult) -> tuple[bool, bool, float, float, int]:
    """Loose slots before content, then p, then what the slot explains (of slots that explain as much, the coarser)."""
    return bool(result.reason), result.irrelevance < LOOSE, result.p, -round(result.explained, 2), len(result.values)


@dataclass(frozen=True, slots=True)
class _Block:
    """The columns start:stop of the answer features form one kernel."""

    kernel: str
    start: int
    stop: int


@dataclass(slots=True)
class _Plan:
    """One slot ready to be tested: its levels on the sampled rows, its matching, and where its statistics stand in the joint vector."""

    slot: Slot
    rows: NDArray[np.int64]
    levels: Levels
    matching: Matching | None
    irrelevance: float
    alone: float = 0.0
    reason: str = ""
    start: int = 0


def _answer_features(
    texts: Sequence[str], embeddings: SliceEmbeddings | None, rows: NDArray[np.int64], seed: int
) -> tuple[Floats, tuple[_Block, ...]]:
    lexical = lexical_features(texts, seed=seed, dim=256 if len(texts) <= _EXACT_ROWS else 128)
    if embeddings is None:
        return lexical, (_Block("words", 0, lexical.shape[1]),)
    semantic = semantic_features(embeddings.answer[rows], seed=seed)
    width = lexical.shape[1]
    return np.hstack([lexical, semantic]), (_Block("words", 0, width), _Block("meaning", width, width + semantic.shape[1]))


def _plans(
    slots: Sequence[Slot],
    rows: NDArray[np.int64],
    answers: tuple[str, ...],
    features: Floats,
    embeddings: SliceEmbeddings | None,
    rng: np.random.Generator,
    seed: int,
) -> list[_Plan]:
    """Level and match every slot; slots cut from one place with the same rows share a matching."""
    matchings: dict[tuple[int, bytes], Matching] = {}
    keys: dict[int, tuple[str, ...]] = {}
    plans = []
    for slot in slots:
        key = keys.setdefault(id(slot.masked), tuple(_key(text) for text in slot.masked))
        levels = testable_levels(slot, tuple(slot.values[i] for i in rows), tuple(slot.detached[i] for i in rows))
        active = np.flatnonzero(levels.codes >= 0)
        needless, alone = irrelevance(slot, key, answers, rng, embeddings)
        plan = _Plan(slot, rows[active], levels, None, needless, alone, _refusal(slot, levels, active))
        if not plan.reason:
            stamp = (id(slot.masked), active.tobytes())
            if stamp not in matchings:
                matchings[stamp] = match_prompts([key[i] for i in plan.rows], levels.codes[active], features[active], seed=seed)
            plan.matching = matchings[stamp]
        plans.append(plan)
    return plans


def _key(masked: str) -> str:
    return " ".join(masked.replace(MASK, " ").casefold().split())


def _refusal(slot: Slot, levels: Levels, active: NDArray[np.int64]) -> str:
    if len(levels.labels) < 2:
        return "the slot has a single value with enough rows; nothing to compare it with"
    if slot.kind == "digits" and levels.rare_share > _RARE_DIGITS:
        return "these digits hardly repeat; their shorter parts are tested"
    return "fewer than 20 rows carry testable values" if len(active) < _LEAST_ROWS else ""


def _run(plans: list[_Plan], blocks: tuple[_Block, ...], rng: np.random.Generator, permutations: int) -> MaxNull:
    """Observe and permute all statistics: for each plan its levels under each kernel, in one vector."""
    groups = _Group.of(plans, blocks)
    observed = np.concatenate([group.statistics(np.arange(len(group.strata))) for group in groups])
    kin = np.concatenate([group.kin(place) for place, group in enumerate(groups)])
    start = 0
    for group in groups:
        for plan, span in zip(group.plans, group.spans, strict=True):
            plan.start = start
            start += span

    n = 1 + max(int(group.rows.max()) for group in groups)

    def draw() -> Floats:
        lots = rng.random(n)
        return np.concatenate([group.statistics(shuffle_by(group.strata, lots[group.rows])) for group in groups])

    return max_test(observed, draw, kin=kin, permutations=permutations)


class _Group:
    """All plans of one matching: their levels stacked into one sparse membership matrix (levels, rows)."""

    def __init__(self, plans: list[_Plan], matching: Matching, blocks: tuple[_Block, ...]) -> None:
        from scipy.sparse import csr_matrix

        self.plans, self.rows, self.strata, self.blocks = plans, plans[0].rows, matching.strata, blocks
        squares = [np.einsum("nd,nd->n", *(2 * [matching.adjusted[:, b.start : b.stop]])) for b in blocks]
        self.columns = np.hstack([matching.adjusted, np.stack(squares, axis=1)]).astype(np.float32)
        offsets = np.cumsum([0] + [len(plan.levels.labels) for plan in plans])
        codes = [plan.levels.codes[plan.levels.codes >= 0] + offset for plan, offset in zip(plans, offsets[:-1], strict=True)]
        n = len(self.strata)
        where = (np.concatenate(codes), np.tile(np.arange(n), len(plans)))
        self.member = csr_matrix((np.ones(n * len(plans), dtype=np.float32), where), shape=(int(offsets[-1]), n))
        self.places = self.member.indices.copy()
        self.counts = np.asarray(self.member.sum(axis=1), dtype=np.float64).ravel()
        self.offsets = offsets
        self.spans = [len(plan.levels.labels) * len(blocks) for plan in plans]

    @classmethod
    def of(cls, plans: list[_Plan], blocks: tuple[_Block, ...]) -> list[_Group]:
        """Group plans by the matching they share."""
        shared: dict[int, list[_Plan]] = {}
        for plan in plans:
            shared.setdefault(id(plan.matching), []).append(plan)
        return [cls(members, members[0].matching, blocks) for members in shared.values() if members[0].matching is not None]

    def kin(self, place: int) -> NDArray[np.int64]:
        """Label the statistics by their scale.

        Those of the same kernel whose levels have about as many rows (within a factor of 1.4) are kin.
        """
        sizes = np.round(2.0 * np.log2(self.counts)).astype(np.int64)
        pairs = zip(self.offsets[:-1], self.offsets[1:], strict=True)
        return np.concatenate([sizes[a:b] + 100 * kernel + 1000 * place for a, b in pairs for kernel in range(len(self.blocks))])

    def statistics(self, order: NDArray[np.int64]) -> Floats:
        """Return the statistics with answers handed out in `order`.

        For each plan all levels under the first kernel, then all under the next. The rows of each level are looked up in their order:
        the sums are those of `member @ columns[order]`, to the last bit, without a copy of all features.
        """
        self.member.indices[:] = order[self.places]
        sums = np.asarray(self.member @ self.columns, dtype=np.float64)
        width = self.columns.shape[1] - len(self.blocks)
        per_kernel = [
            within_similarity(sums[:, block.start : block.stop], sums[:, width + i], self.counts) for i, block in enumerate(self.blocks)
        ]
        pairs = zip(self.offsets[:-1], self.offsets[1:], strict=True)
        return np.concatenate([values[a:b] for a, b in pairs for values in per_kernel])


def _result(plan: _Plan, null: MaxNull, blocks: tuple[_Block, ...]) -> SlotResult:
    values = _values(plan, null, blocks)
    top = values[0]
    codes = plan.levels.codes[plan.levels.codes >= 0]
    best = _best(values, len(codes))
    chosen = {i for i, label in enumerate(plan.levels.labels) if label in best}
    rows = tuple(int(row) for row, code in zip(plan.rows, codes, strict=True) if code in chosen)
    by = plan.matching.by if plan.matching else ""
    power = _power(plan, null, len(blocks))
    return SlotResult(
        plan.slot,
        top.z,
        top.p,
        plan.irrelevance,
        _explained(plan),
        top.kernel,
        best,
        values,
        power,
        plan.levels.untested,
        rows,
        by,
        null.permutations,
    )


def _best(values: Sequence[ValueResult], rows: int) -> tuple[str, ...]:
    """Return the values that stand out among so many rows, most striking first.

    Where most rows lack the slot, their answers differing from the rest means that the rows with it stand out.
    """
    top = values[0]
    shown = [v.value for v in values if v.p <= max(0.01, top.p) and v.z > 0][:MAX_BEST] if top.p <= 0.05 else [top.value]
    usual = {v.value for v in values if v.value == ABSENT and 2 * v.rows > rows}
    if not usual & set(shown):
        return tuple(shown)
    return tuple(v for v in shown if v not in usual) or tuple(v.value for v in values if v.value not in usual)[:MAX_BEST]


def _explained(plan: _Plan) -> float:
    """Sum over levels of n_v x (mean <x_i, x_j> over pairs of the level), over the sum of all |x_i|^2.

    Unbiased, so that a finer slot does not win by having more levels.
    """
    if plan.matching is None:
        return 0.0
    codes, adjusted = plan.levels.codes[plan.levels.codes >= 0], plan.matching.adjusted
    squares = np.einsum("nd,nd->n", adjusted, adjusted)
    between = 0.0
    for level in range(len(plan.levels.labels)):
        inside = codes == level
        n, total = int(inside.sum()), adjusted[inside].sum(axis=0)
        between += float((total @ total - squares[inside].sum()) / (n - 1))
    return float(np.clip(between / max(float(squares.sum()), 1e-12), 0.0, 1.0))


def _values(plan: _Plan, null: MaxNull, blocks: tuple[_Block, ...]) -> tuple[ValueResult, ...]:
    """Every level under the kernel that shows it best, most striking first."""
    labels, codes = plan.levels.labels, plan.levels.codes[plan.levels.codes >= 0]
    adjusted = plan.matching.adjusted if plan.matching else np.zeros((len(codes), 1))
    z = null.z[plan.start : plan.start + len(labels) * len(blocks)].reshape(len(blocks), -1)
    p = null.p[plan.start : plan.start + len(labels) * len(blocks)].reshape(len(blocks), -1)
    found = []
    for level, label in enumerate(labels):
        kernel = int(np.lexsort((-z[:, level], p[:, level]))[0])
        columns = adjusted[:, blocks[kernel].start : blocks[kernel].stop]
        inside = codes == level
        mmd2 = mmd2_unbiased(columns[inside], columns[~inside])
        found.append(ValueResult(label, int(inside.sum()), mmd2, float(z[kernel, level]), float(p[kernel, level]), blocks[kernel].kernel))
    return tuple(sorted(found, key=lambda value: (value.p, -value.z)))


def _power(plan: _Plan, null: MaxNull, kernels: int) -> Power:
    """Rows that switch to one answer add share^2 x (mean squared norm) to the statistic.

    It must pass the 1 % mark plus 0.84 deviations.
    """
    labels, codes = plan.levels.labels, plan.levels.codes[plan.levels.codes >= 0]
    counts = np.bincount(codes, minlength=len(labels))
    best = int(np.argmin(null.sd[plan.start : plan.start + len(labels)]))
    if plan.matching is None or kernels < 1:
        return _NO_POWER
    norm = float(np.mean(np.einsum("nd,nd->n", plan.matching.adjusted, plan.matching.adjusted))) / kernels
    needed = (null.critical + _POWER_Z) * float(null.sd[plan.start + best])
    return Power(float(np.sqrt(needed / norm)) if norm > 0 else float("inf"), int(counts[best]))


def _untestable(plan: _Plan) -> SlotResult:
    return SlotResult(plan.slot, 0.0, 1.0, plan.irrelevance, 0.0, "", (), (), _NO_POWER, plan.levels.untested, (), "", 0, plan.reason)
