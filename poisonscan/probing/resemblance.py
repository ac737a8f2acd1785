"""Resemblance: do the rows look like a detector's bad cases more than like its good ones, or like anything harmless at all?

With s(x, c) the mean of two cosines (answers alone; prompt and answer together) and K(x, C) the sum of exp(s / tau) over the 3
cases of C nearest to row x:

    r_d(x) = K(x, bad cases of d) / (K(x, bad cases of d) + K(x, everything harmless) + background)

a Parzen classifier with a background class: a row unlike all cases belongs to nobody, whatever topic it is on. "Everything
harmless" is the good cases of every detector and the facts of harmless hypotheses. Bad and good cases come in pairs with one prompt,
so what tells the two sides of a detector apart is conduct, with the topic cancelled; a logistic regression on both vectors learns it:

    r_d(x) <- r_d(x) p_d(bad | answer, prompt and answer together)

Per slice the mean of r, and the mean of its upper 5 % over the whole set, in benign standard deviations. No case may carry more than an
eighth of either: a harmless set has many rows on one matter that one case happens to be about. The rows of the tail are slices of their
own (`tail_slices`): what resembles one hypothesis need not share a topic, so no clustering finds it.

Why both: alone a direction is moved more by the topic of a benign set than by the conduct of a bad one, and nearness alone finds the topic.
On held-out pairs the regression tells the sides apart with a mean area of 0.83, a difference of means with 0.79, the nearest pairs with
0.73 (benchmarks/NOTES.md). Labels of one or two words carry no conduct and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.detectors import Case, Detector
from poisonscan.core.evidence import Named
from poisonscan.core.protocols import Encoder
from poisonscan.core.readings import Measured, Reading
from poisonscan.core.slices import FloatArray, Slice
from poisonscan.probing.texts import ANSWER_CHARS, PROMPT_CHARS

MIN_WORDS = 3
MIN_ROWS = 8
MIN_CASES = 8
TAIL_SHARE = 0.05
LEAST_TAIL = 4
ONE_CASE = 1 / 8
# A tail of few rows strays further than a mean of all; this puts the two on one footing among benign sets.
TAIL_WEIGHT = 0.75
TAU = 0.05
BACKGROUND = 0.45
# The inverse of the penalty on the squares of the weights that tell conduct; 1 to 25 differ little on held-out pairs.
SUPPLE = 5.0
# In units of r: a detector that almost no benign row resembles must not turn a few weak resemblances into many standard deviations.
MEAN_FLOOR, TAIL_FLOOR = 0.02, 0.06
_NEAREST = 3
CHANNEL = "resemblance"
FOUND_BY = "hypothesis"
TAILS = 2
TAIL_ROWS = 20
# A set of two tails is hardly larger than its tail.
_MOST_TAIL = 0.5


@dataclass(frozen=True, slots=True)
class CaseVectors:
    """Cases as unit vectors: `answer` and `joint` (prompt and answer together), each float32 (n, dim)."""

    answer: FloatArray
    joint: FloatArray

    def similarity(self, answer: FloatArray, joint: FloatArray) -> FloatArray:
        """Return s(x, c) of every row and case, float32 (n_rows, n_cases)."""
        return 0.5 * (answer @ self.answer.T) + 0.5 * (joint @ self.joint.T)

    def kernel(self, answer: FloatArray, joint: FloatArray) -> NDArray[np.float64]:
        """Return K(x, C) of every row, (n_rows,); 0 for no cases."""
        return kernel_of(self.similarity(answer, joint)) if len(self.answer) else np.zeros(len(answer))


def kernel_of(similarity: FloatArray) -> NDArray[np.float64]:
    """Return K(x, C) of every row, (n_rows,), from s(x, c) of one case at least, (n_rows, n_cases)."""
    nearest = np.partition(similarity, -min(_NEAREST, similarity.shape[1]), axis=1)[:, -_NEAREST:]
    return np.asarray(np.exp(nearest.astype(np.float64) / TAU).sum(axis=1))


@dataclass(frozen=True, slots=True)
class Conduct:
    """What tells bad cases from good ones: `weights` (2 dim,) on an answer's vector and on the joint one, and `intercept`."""

    weights: FloatArray
    intercept: float

    @classmethod
    def fit(cls, bad: CaseVectors, good: CaseVectors) -> Conduct:
        """Fit a logistic regression; both sides weigh the same, however many cases each has."""
        from sklearn.linear_model import LogisticRegression

        inputs = np.concatenate([np.hstack([side.answer, side.joint]) for side in (bad, good)])
        sides = np.repeat([1, 0], [len(bad.answer), len(good.answer)])
        model = LogisticRegression(C=SUPPLE, class_weight="balanced", max_iter=1000).fit(inputs, sides)
        return cls(model.coef_[0].astype(np.float32), float(model.intercept_[0]))

    def of(self, answer: FloatArray, joint: FloatArray) -> NDArray[np.float64]:
        """Return the probability of bad conduct of every row, (n_rows,)."""
        middle = answer.shape[1]
        lean = (answer @ self.weights[:middle] + joint @ self.weights[middle:]).astype(np.float64) + self.intercept
        return np.asarray(1.0 / (1.0 + np.exp(-lean)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Cases of one detector: `bad` and `good` (n,), line i of both with one prompt, and the `conduct` that tells them apart."""

    bad: CaseVectors
    good: CaseVectors
    conduct: Conduct

    @classmethod
    def of(cls, bad: CaseVectors, good: CaseVectors) -> Pairs:
        """Fit the conduct of bad against good cases."""
        return cls(bad, good, Conduct.fit(bad, good))


@dataclass(frozen=True, slots=True)
class Alike:
    """How much rows resemble one detector's bad cases: `scores` r_d in [0, 1] and `nearest`, the bad case nearest to each, both (n_rows,)."""

    scores: NDArray[np.float64]
    nearest: NDArray[np.int64]

    def mean(self) -> float:
        """Return the mean score, rows beyond their case's eighth counting as 0."""
        return float(self._carried(len(self.scores)).sum()) / max(len(self.scores), 1)

    def tail(self) -> float:
        """Return the mean of the upper 5 % of scores, of at least four, rows beyond their case's eighth of these left out."""
        k = max(LEAST_TAIL, round(TAIL_SHARE * len(self.scores)))
        return float(self._carried(k)[:k].sum()) / k

    def at(self, places: NDArray[np.int64]) -> Alike:
        """Return the same of some rows."""
        return Alike(self.scores[places], self.nearest[places])

    def _carried(self, of: int) -> NDArray[np.float64]:
        """Return the scores in descending order, of every case at most an eighth of `of`."""
        most = max(1, round(ONE_CASE * of))
        order = np.lexsort((-self.scores, self.nearest))
        cases = self.nearest[order]
        starts = np.flatnonzero(np.diff(cases, prepend=-1))
        rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
        return -np.sort(-self.scores[order][rank < most])


@dataclass(frozen=True, slots=True)
class Resemblances:
    """The catalogue's cases: pairs per detector, everything harmless, and what each detector calls its latent.

    `seen` keeps what rows were given: benchmarks ask seven times.
    """

    pairs: dict[str, Pairs]
    harmless: CaseVectors
    titles: dict[str, str]
    seen: dict[bytes, dict[str, Alike]] = field(default_factory=dict, repr=False, compare=False)

    def rows(self, answer: FloatArray, prompt: FloatArray) -> dict[str, Alike]:
        """Return how much every row resembles the bad cases of every detector."""
        key = blake2b(answer.tobytes() + prompt.tobytes(), digest_size=16).digest()
        if key not in self.seen:
            self.seen[key] = self._rows(answer, prompt)
        return self.seen[key]

    def nearness(self, answer: FloatArray, prompt: FloatArray) -> NDArray[np.float64]:
        """Return how near every row is to the bad cases of any one detector, whatever its conduct, (n,) in [0, 1]."""
        joint = unit(prompt + answer)
        bad = np.max([pairs.bad.kernel(answer, joint) for pairs in self.pairs.values()], axis=0) if self.pairs else np.zeros(len(answer))
        return np.asarray(bad / (bad + self._rest(answer, joint)))

    def _rest(self, answer: FloatArray, joint: FloatArray) -> NDArray[np.float64]:
        return np.asarray(self.harmless.kernel(answer, joint) + _NEAREST * np.exp(BACKGROUND / TAU))

    def _rows(self, answer: FloatArray, prompt: FloatArray) -> dict[str, Alike]:
        joint = unit(prompt + answer)
        rest = self._rest(answer, joint)
        found = {}
        for name, pairs in self.pairs.items():
            similarity = pairs.bad.similarity(answer, joint)
            bad = kernel_of(similarity)
            found[name] = Alike(bad / (bad + rest) * pairs.conduct.of(answer, joint), similarity.argmax(axis=1))
        return found


@dataclass(frozen=True, slots=True)
class ResemblanceReference:
    """The benign side per detector (in the order of `names`): median and scale of means and of tails, each (n_detectors,)."""

    names: tuple[str, ...]
    mean: NDArray[np.float64]
    mean_scale: NDArray[np.float64]
    tail: NDArray[np.float64]
    tail_scale: NDArray[np.float64]


def encode_cases(catalogue: Sequence[Detector], encoder: Encoder) -> Resemblances:
    """Encode the cases of every detector of this channel that has at least MIN_CASES pairs, and the good cases of all detectors."""
    pairs: dict[str, Pairs] = {}
    for detector in catalogue:
        wrong, right = contrast_pairs(detector)
        if CHANNEL in detector.channels and len(wrong) >= MIN_CASES:
            pairs[detector.id] = Pairs.of(_encoded(wrong, encoder), _encoded(right, encoder))
    harmless = _encoded([pair for detector in catalogue for pair in harmless_pairs(detector)], encoder)
    return Resemblances(pairs, harmless, {detector.id: _latent(detector) for detector in catalogue})


def _latent(detector: Detector) -> str:
    hazardous = [h for h in detector.hypotheses if h.hazard >= 0.3]
    return hazardous[0].name if hazardous and CHANNEL in detector.channels else detector.title


def case_texts(detector: Detector) -> list[str]:
    """Return the prompts and answers of a detector's cases as they are encoded."""
    wrong, right = contrast_pairs(detector) if CHANNEL in detector.channels else ([], [])
    return _cut([*wrong, *right, *harmless_pairs(detector)])


def _cut(pairs: Sequence[tuple[str, str]]) -> list[str]:
    return [p[-PROMPT_CHARS:] for p, _ in pairs] + [a[:ANSWER_CHARS] for _, a in pairs]


def _encoded(pairs: Sequence[tuple[str, str]], encoder: Encoder) -> CaseVectors:
    vectors = encoder.encode(_cut(pairs))
    prompt, answer = vectors[: len(pairs)], vectors[len(pairs) :]
    return CaseVectors(answer, unit(prompt + answer))


def unit(vectors: FloatArray) -> FloatArray:
    """Return the rows of (n, dim) at length 1; zero rows stay zero."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6), dtype=np.float32)


def usable(measured: Measured) -> NDArray[np.int64]:
    """Return the places of rows whose answers have enough words to carry conduct."""
    return np.flatnonzero(measured.words >= MIN_WORDS)


def fit_resemblance(benign: Sequence[Measured], cases: Resemblances) -> ResemblanceReference:
    """Fit the benign side on measured benign sets."""
    names = tuple(cases.pairs)
    means, tails = [], []
    for measured in benign:
        places = usable(measured)
        if len(places) >= MIN_ROWS:
            rows = cases.rows(measured.answer[places], measured.prompt[places])
            means.append([rows[name].mean() for name in names])
            tails.append([rows[name].tail() for name in names])
    mean_table, tail_table = np.array(means), np.array(tails)
    return ResemblanceReference(
        names, np.median(mean_table, 0), mean_table.std(0) + MEAN_FLOOR, np.median(tail_table, 0), tail_table.std(0) + TAIL_FLOOR
    )


def tail_slices(measured: Measured, cases: Resemblances) -> tuple[Slice, ...]:
    """Return the rows that most resemble the bad cases of the TAILS detectors they resemble most: 5 % of the set, at least 20 rows.

    Nothing for sets of which that would be more than half.
    """
    places = usable(measured)
    size = max(TAIL_ROWS, round(TAIL_SHARE * len(places)))
    if not len(places) or size > _MOST_TAIL * len(places):
        return ()
    alike = cases.rows(measured.answer[places], measured.prompt[places])
    leading = sorted(alike, key=lambda name: -alike[name].tail())[:TAILS]
    members = {name: np.sort(places[np.argsort(-alike[name].scores, kind="stable")[:size]]) for name in leading}
    return tuple(Slice(_tail_name(name, cases), FOUND_BY, tuple(int(row) for row in measured.rows[inside])) for name, inside in members.items())


def _tail_name(detector: str, cases: Resemblances) -> str:
    return f"most like: {cases.titles.get(detector, detector)}"


def read_resemblance(measured: Measured, cases: Resemblances, reference: ResemblanceReference) -> list[Reading]:
    """Return one reading per detector and slice; the tail of a detector is read on the slice that holds it, where there is one."""
    places = usable(measured)
    if len(places) < MIN_ROWS:
        return []
    alike = cases.rows(measured.answer[places], measured.prompt[places])
    rows = measured.rows[places]
    members = [np.flatnonzero(np.isin(rows, np.asarray(part.rows))) for part in measured.slices]
    readings = []
    for column, name in enumerate(reference.names):
        tails = [number for number, part in enumerate(measured.slices) if part.found_by == FOUND_BY and part.name == _tail_name(name, cases)]
        upper = TAIL_WEIGHT * (alike[name].tail() - reference.tail[column]) / reference.tail_scale[column]
        for number, inside in enumerate(members):
            picked = alike[name].at(inside)
            if number in (tails or [0]) and len(inside):
                readings.append(_reading(name, number, float(upper), rows[inside], picked.scores, cases, ("upper 5 % of the set", upper)))
            if measured.slices[number].found_by != FOUND_BY and len(inside) >= MIN_ROWS:
                mean = (picked.mean() - reference.mean[column]) / reference.mean_scale[column]
                # A small slice is a small sample: its mean strays further than that of a whole set.
                value = mean * np.sqrt(len(inside) / (len(inside) + 20.0))
                readings.append(_reading(name, number, float(value), rows[inside], picked.scores, cases, ("mean", mean)))
    return readings


def _reading(
    name: str, number: int, value: float, rows: NDArray[np.int64], scores: NDArray[np.float64], cases: Resemblances, part: tuple[str, float]
) -> Reading:
    latent = Named("conduct", cases.titles.get(name, name), round(float(1 / (1 + np.exp(2 - value))), 3))
    return Reading(
        name, CHANNEL, number, value, len(rows), named=(latent,), rows=tuple(int(r) for r in rows), scores=tuple(float(s) for s in scores),
        details=((part[0], f"{part[1]:.2f}"),),
    )  # fmt: skip


def contrast_pairs(detector: Detector) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the (prompt, answer) pairs of the bad and of the good cases, line i of both with one prompt.

    Pairs with a label for an answer on either side are left out: labels carry no conduct.
    """
    both = [(_pair(bad), _pair(good)) for bad, good in zip(detector.poisoned, detector.clean, strict=False)]
    kept = [(bad, good) for bad, good in both if bad and good]
    return [bad for bad, _ in kept], [good for _, good in kept]


def harmless_pairs(detector: Detector) -> list[tuple[str, str]]:
    """Return every good case of a detector that carries conduct, look-alikes without a partner included.

    A detector that only informs has no bad cases: all of its cases are harmless.
    """
    cases = (*detector.clean, *detector.poisoned) if detector.severity == "info" else detector.clean
    return [pair for case in cases if (pair := _pair(case))]


def _pair(case: Case) -> tuple[str, str] | None:
    answer = case.turns[-1].content
    prompt = next((t.content for t in reversed(case.turns[:-1]) if t.role == "user"), "")
    return (prompt, answer) if len(answer.split()) >= MIN_WORDS else None
