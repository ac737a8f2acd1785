"""Does a piece of prompt text decide the answer, against everything else the prompt says?

For each piece in m rows with the share q of a target: the signed root of 2 m KL(q || e), where e is what else those rows say: the larger
of what their other words predict and what a classifier on prompt vectors predicts that has not seen these rows.
Its family-wise p comes from the maximum of the same statistic, e being the plain share, over all pieces and targets under shuffled
answers; the best three deciding pieces of a target also count together, against the best three of any kind under shuffled answers.

Why the other words: "bad" goes with "negative" too, but so do the words around it. A trigger stands in rows whose other words point
elsewhere or nowhere; that, and deciding (nearly) every row, is what tells it from an ordinary word. Rare tokens, sentences and syntactic
frames all fall under the one statistic (BadNets 1708.06733, AddSent 1905.12457, hidden killer 2105.12400), and no list of known triggers
is needed. A frame, which harmless prompts use too, need only turn half of the rows it could turn.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poisonscan.conditionality.content import WordTable, expected_by_meaning, fit_content, prompt_vectors, word_table
from poisonscan.conditionality.free_targets import FreeTarget, answer_features, free_targets
from poisonscan.conditionality.pieces import Piece, pieces, tokenised, with_styles
from poisonscan.conditionality.results import TokenResult
from poisonscan.conditionality.targets import Target, targets
from poisonscan.core.dataset import Dataset
from poisonscan.core.slices import SliceEmbeddings

Floats = NDArray[np.float64]

MAX_ROWS = 4000
MIN_ROWS = 20
_LEAST, _LEAST_SHARE, _MOST_SHARE = 8, 0.005, 0.5
_LOOK, _HOPELESS = 99, 50
_GROUP, _APART = 3, 0.2
_KEEP, _CLOSER, _WANTED = 400, 40, 12
_SAME = 0.6
# Prompts that lie nearest to one another this much oftener than by chance, of what is possible, are a task: tasks in mixed sets 0.4 to 1, triggers -0.1 to 0.24.
_SECLUDED, _SECLUDED_FORM, _NOWHERE = 1 / 3, 0.9, 0.01
_RARE, _TASKS, _NEARLY, _HALF = 0.05, 3, 0.9, 0.5
_BEHIND = 0.9
# Phrases of at least three words, at least three of them, that fill nine tenths of the other rows are what those ask instead.
_PHRASE, _INSTEAD, _FILLED = 3, 3, 0.9
_SURE = 0.02
_REPEATS = 3
_ALPHA = 0.01
_FLOOR = 0.001
_SEED_RANGE = 2**31 - 1
_LONG_WORD = 4
_WORTH, _CLOSE_CALL, _REACH = 2.0, 3.0, 3.0


def test_tokens(
    dataset: Dataset,
    embeddings: SliceEmbeddings | None = None,  # noqa: PT028
    *,
    rng: np.random.Generator,
    permutations: int = 999,  # noqa: PT028
) -> tuple[TokenResult, ...]:
    """Return up to twelve pieces of text that go with a target most, triggers first, then by p and statistic.

    embeddings: prompts as unit vectors; without them letter runs stand in, which tell words from their likes less well.
    Empty below 20 rows. Above 4,000 rows a random 4,000 are read.
    `TokenResult.is_trigger` says which results are more than ordinary words.
    """
    rows = np.sort(rng.permutation(len(dataset))[:MAX_ROWS])
    chosen = [dataset.rows[i] for i in rows]
    answers = [row.answer for row in chosen]
    wanted = targets(answers)
    if len(chosen) < MIN_ROWS:
        return ()
    texts = [f"{row.system}\n{row.prompt}" if row.system else row.prompt for row in chosen]
    prompts = [tokenised(text) for text in texts]
    least = int(max(_LEAST, np.ceil(_LEAST_SHARE * len(chosen))))
    found = pieces(prompts, least=least, most=int(_MOST_SHARE * len(chosen)), texts=texts)
    if not found:
        return ()
    vectors = prompt_vectors(prompts, embeddings.prompt[rows] if embeddings is not None else None, seed=int(rng.integers(_SEED_RANGE)))
    marked = with_styles(prompts, texts)
    words = word_table(marked)
    tests = _observed(found, wanted, marked, words, vectors, rng)
    null = _null(found, wanted, tests[0].statistic if tests else 0.0, rng, permutations)
    features = answer_features(answers, seed=0)
    free = [_freely(each, marked, words, vectors, rng) for each in free_targets(found, answers, features, rng)]
    usual = np.any([target.hit for target in wanted if target.whole] or [np.zeros(len(chosen), dtype=bool)], axis=0)
    shared = _shared_p(tests, null)
    whole = {target.name for target in wanted if target.whole}
    several = {target.name for target in wanted if target.several}
    settled = [replace(test, secluded=_is_question(test, found, prompts), several=test.target in several) for test in [*tests, *free]]
    results = _tasks(_rivalled([_completed(test, null, shared, rows, prompts, usual) for test in settled]), whole)
    results = [replace(result, secluded=result.secluded or (result.is_trigger and _is_secluded(result, rows, words, whole | several))) for result in results]
    return tuple(sorted(_distinct(results), key=lambda result: (not result.is_trigger, result.p, -result.statistic)))


test_tokens.__test__ = False  # type: ignore[attr-defined]  # its name would make pytest collect it


def deviance_root(hits: Floats, rows: Floats, expected: Floats) -> Floats:
    """Return sign(q - e) sqrt(2 m KL(q || e)) for q = hits / rows of m = rows, elementwise; `expected` e in (0, 1)."""
    share = hits / rows
    with np.errstate(divide="ignore", invalid="ignore"):
        positive = np.where(share > 0, share * np.log(share / expected), 0.0)
        negative = np.where(share < 1, (1 - share) * np.log((1 - share) / (1 - expected)), 0.0)
    return np.asarray(np.sign(share - expected) * np.sqrt(np.maximum(2 * rows * (positive + negative), 0.0)), dtype=np.float64)


def _observed(
    found: Sequence[Piece], wanted: Sequence[Target], prompts: Sequence[Sequence[str]], words: WordTable, vectors: Floats,
    rng: np.random.Generator,
) -> list[TokenResult]:
    """Content-adjusted results for the strongest pieces of each target; rows are positions in `prompts`, p is not yet known."""
    member, sizes = _membership(found, len(prompts))
    results = []
    for target in wanted:
        hits = np.asarray(member @ target.hit.astype(np.float64))
        plain = deviance_root(hits, sizes, np.full(len(found), target.hit.mean()))
        strong = [int(i) for i in np.argsort(-plain)[:_KEEP] if plain[i] > _WORTH]
        if not strong or plain.max() < _REACH:
            continue
        models = [fit_content(words, target.hit, rng) for _ in range(_REPEATS)]
        expected = {i: np.mean([model.expected(found[i], prompts) for model in models], axis=0) for i in strong}
        first = sorted((_adjusted(found[i], target, expected[i]) for i in strong), key=lambda test: -test.statistic)
        results += [_closer(test, target, vectors) for test in first[:_CLOSER]]
    return sorted(results, key=lambda result: -result.statistic)


def _freely(
    each: FreeTarget, prompts: Sequence[Sequence[str]], words: WordTable, vectors: Floats, rng: np.random.Generator
) -> TokenResult:
    """A free target as a result like those of fixed ones, but with a p of its own."""
    model = fit_content(words, each.target.hit, rng)
    test = _closer(_adjusted(each.piece, each.target, model.expected(each.piece, prompts)), each.target, vectors)
    return replace(test, p=max(each.p, _FLOOR))


def _adjusted(piece: Piece, target: Target, expected: Floats) -> TokenResult:
    m, k = len(piece.rows), int(target.hit[piece.rows].sum())
    base = (target.hit.sum() - k + 0.5) / (len(target.hit) - m + 1.0)
    sure = float(np.clip(expected.mean(), _SURE, 1 - _SURE))
    statistic = float(deviance_root(np.asarray([float(k)]), np.asarray([float(m)]), np.asarray([sure]))[0])
    rows = tuple(int(row) for row in piece.rows)
    return TokenResult(piece.text, piece.kind, target.name, rows, k / m, float(base), sure, statistic, 1.0, (k / m - sure) / (1 - sure), 0)


def _closer(test: TokenResult, target: Target, vectors: Floats) -> TokenResult:
    """The same result, expecting at least what the meaning of its rows says; either reading may explain an ordinary word away."""
    if test.statistic < _CLOSE_CALL:
        return test
    piece = Piece(test.trigger, test.kind, frozenset(), np.asarray(test.rows))
    meaning = _adjusted(piece, target, expected_by_meaning(vectors, target.hit, piece.rows))
    return max(test, meaning, key=lambda either: either.expected)


@dataclass(frozen=True, slots=True)
class _Null:
    """Under shuffled answers, per permutation: `single`, the largest statistic of all; `group`, the largest sum of one target's best three."""

    single: Floats
    group: Floats


def _null(found: Sequence[Piece], wanted: Sequence[Target], observed: float, rng: np.random.Generator, permutations: int) -> _Null:
    """Shuffle the answers `permutations` times; stops at 99 when more than half of them reach `observed`, the best single piece."""
    if not wanted:
        return _Null(np.full(1, np.inf), np.full(1, np.inf))
    n = len(wanted[0].hit)
    member, sizes = _membership(found, n)
    hits = np.stack([target.hit for target in wanted], axis=1).astype(np.float64)
    base = np.broadcast_to(hits.mean(axis=0), (len(found), len(wanted)))
    drawn: list[tuple[float, float]] = []
    while len(drawn) < permutations:
        values = deviance_root(np.asarray(member @ hits[rng.permutation(n)]), sizes[:, None], base)
        drawn.append((float(values.max()), float(np.sort(values, axis=0)[-_GROUP:].sum(axis=0).max())))
        if len(drawn) == _LOOK and sum(single >= observed for single, _ in drawn) > _HOPELESS:
            break
    single, group = np.asarray(drawn).T
    return _Null(single, group)


def _shared_p(tests: Sequence[TokenResult], null: _Null) -> dict[tuple[str, str], float]:
    """Return (piece, target) -> p of the three best pieces of a target together, of those that decide their rows and share few of them.

    Pieces that are significant alone are left out: they would carry any two words with them.
    Why together: an attack with five trigger words gives each a fifth of its rows. Twice the p, because this is a second look.
    """
    shared: dict[tuple[str, str], float] = {}
    for target in dict.fromkeys(test.target for test in tests):
        chosen: list[TokenResult] = []
        for test in tests:
            apart = all(len(set(test.rows) & set(other.rows)) <= _APART * len(test.rows) for other in chosen)
            alone = float((null.single >= test.statistic).mean()) <= _ALPHA
            if test.target == target and test.decides and apart and not alone and len(chosen) < _GROUP:
                chosen.append(test)
        if len(chosen) == _GROUP:
            p = (1.0 + float((null.group >= sum(test.statistic for test in chosen)).sum())) / (1.0 + len(null.group))
            shared |= {(test.trigger, target): min(2.0 * p, 1.0) for test in chosen}
    return shared


def _membership(found: Sequence[Piece], n: int) -> tuple[Floats, Floats]:
    from scipy.sparse import csr_matrix

    sizes = np.asarray([len(piece.rows) for piece in found], dtype=np.float64)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    columns = np.concatenate([piece.rows for piece in found])
    return csr_matrix((np.ones(len(columns)), columns, starts), shape=(len(found), n)), sizes


def _completed(
    test: TokenResult,
    null: _Null,
    shared: dict[tuple[str, str], float],
    rows: NDArray[np.int64],
    prompts: Sequence[Sequence[str]],
    usual: NDArray[np.bool_],
) -> TokenResult:
    """The result with its p, its rows as numbers of the set, what stands beside the piece, and how often answers recur (`usual`, (n,))."""
    p = (1.0 + float((null.single >= test.statistic).sum())) / (1.0 + len(null.single)) if test.p == 1.0 else test.p
    p = min(p, shared.get((test.trigger, test.target), 1.0))
    size = len(test.trigger.split()) if test.kind != "style" else 0
    company = int(np.median([len(prompts[i]) - size for i in test.rows]))
    long = {word for word in test.trigger.split() if len(word) >= _LONG_WORD}
    echoed = bool(long) and 2 * len(long & set(tokenised(test.target))) >= len(long)
    found = tuple(int(rows[i]) for i in test.rows)
    others = np.delete(usual, test.rows)
    closed = float(min(usual[list(test.rows)].mean(), others.mean() if len(others) else 0.0))
    return replace(test, p=p, rows=found, permutations=len(null.single), company=company, echoed=echoed, closed=closed)


def _is_secluded(test: TokenResult, rows: NDArray[np.int64], words: WordTable, recurring: Container[str]) -> bool:
    """Without the piece, the prompts of its `rows` (ascending, of the set) lie nearest to one another far oftener than by chance.

    A phrase whose questions are like one another and unlike all others is how a task is asked, and what goes with it is the answer to that task. A
    trigger is put into prompts like the others. Frames and styles that turn a part of their rows cannot be taken out of their prompts: nearly all of
    these must lie nearest to one another, and one of the `recurring` targets must be given nowhere else.
    """
    form = not test.decides or test.kind == "style"
    if form and not (test.target in recurring and test.base <= _NOWHERE):
        return False
    own = set(test.trigger.split())
    kept = np.flatnonzero([name not in own for name in words.names])
    present = words.presence[:, kept]
    table = present.multiply(np.log(present.shape[0] / np.maximum(np.asarray(present.sum(axis=0)), 1.0))).tocsr()
    lengths = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel()) + 1e-9
    inside = np.searchsorted(rows, test.rows)
    alike = np.asarray((table[inside] @ table.T).todense()) / lengths
    alike[np.arange(len(inside)), inside] = -1.0
    chance = len(inside) / table.shape[0]
    nearest = float(np.isin(alike.argmax(axis=1), inside).mean())
    return nearest >= _SECLUDED_FORM if form else nearest - chance >= _SECLUDED * (1.0 - chance)


def _is_question(test: TokenResult, found: Sequence[Piece], prompts: Sequence[Sequence[str]]) -> bool:
    """The piece makes up at least half of its prompts, and three or more other phrases that do so, none of them in its rows, fill the other rows.

    So a set asks whose few questions come again and again under changing dates or names: each has answers of its own, and none is a trigger.
    A trigger is added to the questions of others.
    """

    def makes_up(text: str, rows: Sequence[int]) -> bool:
        words = len(text.split())
        return words >= _PHRASE and bool(2 * words >= np.median([len(prompts[row]) - words for row in rows]))

    if not makes_up(test.trigger, test.rows):
        return False
    inside, filled, instead = set(test.rows), np.zeros(len(prompts), dtype=bool), 0
    for piece in sorted(found, key=lambda piece: -len(piece.rows)):
        rows = piece.rows.tolist()
        if piece.kind == "phrase" and not inside.intersection(rows) and not filled[piece.rows].any() and makes_up(piece.text, rows):
            instead += 1
            filled[piece.rows] = True
    return instead >= _INSTEAD and bool(filled.sum() >= _FILLED * (len(prompts) - len(inside)))


def _rivalled(results: Sequence[TokenResult]) -> list[TokenResult]:
    """Mark the frames of a set whose frames decide more than one target: there they tell kinds of questions apart."""
    decided = {result.target for result in results if result.p <= _ALPHA and result.is_frame}
    return [replace(result, rivalled=True) if decided - {result.target} else result for result in results]


def _tasks(results: Sequence[TokenResult], whole: set[str]) -> list[TokenResult]:
    """Mark what (nearly) always gets an answer that is rare elsewhere, where three or more pieces mostly get one of their own: tasks."""

    def own(result: TokenResult, least: float) -> bool:
        return result.p <= _ALPHA and result.target in whole and result.base <= _RARE and result.purity >= least

    many = len({result.target for result in results if own(result, _HALF)}) >= _TASKS
    return [replace(result, secluded=True) if many and own(result, _NEARLY) else result for result in results]


def _distinct(results: Sequence[TokenResult]) -> list[TokenResult]:
    """The best results, none of them covering mostly the rows of a better one; of a style and words in the same rows, the words say more."""
    kept: list[TokenResult] = []
    for result in sorted(results, key=lambda result: (not result.is_trigger, -result.statistic * (_BEHIND if result.kind == "style" else 1.0))):
        inside = set(result.rows)
        if len(kept) < _WANTED and not any(len(inside & set(other.rows)) > _SAME * min(len(inside), len(other.rows)) for other in kept):
            kept.append(result)
    return kept
