"""What a slice does to the scorer beyond what a matched harmless control does: paired proxies read through the same probes.

    shift      = log p(option | question) after training - before          in nats, centred over the options of a question
    difference = shift of the slice - shift of the control                 per option, checkpoint and seed

Slice and control share their seed: the same adapter at the start, the same order of batches, the same probes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.errors import UsageError
from poisonscan.core.evidence import Effect
from poisonscan.core.protocols import Progress, Silent
from poisonscan.core.slices import FloatArray
from poisonscan.induction.adapters import frozen
from poisonscan.induction.batches import Pair
from poisonscan.induction.finetune import STANDARD, Proxy, Recipe, adapter_of, steps_of, train
from poisonscan.induction.halves import Halves, ReadRows
from poisonscan.models.scorer import CausalScorer

TOKEN_BUDGET = 3600  # distinct tokens of a slice that are trained on: keeps two seeds of slice and control within minutes
MAX_ROWS = 256
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Shift:
    """A difference per option in nats with its 95 % interval: value, low, high, each (m,)."""

    value: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, slots=True)
class ProxyContrast:
    """Log-probabilities in nats of the m options of all questions, one after the other.

    sizes: options per question; steps: the checkpoints reached by every proxy (k,); before: (m,);
    slice_after, control_after: (seeds, k, m); kept: which rows of the slice (and of the control) were trained on, sorted.
    """

    sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    steps: tuple[int, ...]
    kept: tuple[int, ...]
    recipe: Recipe
    before: FloatArray = field(repr=False)
    slice_after: FloatArray = field(repr=False)
    control_after: FloatArray = field(repr=False)

    def differences(self) -> FloatArray:
        """Return shift of the slice minus shift of the control, centred over the options of each question, (seeds, k, m)."""
        return centred(self.slice_after - self.control_after, self.sizes)

    def shift(self, checkpoint: int = -1) -> Shift:
        """Return the mean difference over seeds at a checkpoint.

        The interval rests on the spread between seeds, pooled over all options (few seeds, many options); unbounded with one seed.
        """
        from scipy.stats import t

        by_seed = self.differences()[:, checkpoint].astype(np.float64)
        value, count = by_seed.mean(0), len(by_seed)
        freedom = (count - 1) * value.size
        half = np.inf
        if freedom:
            half = float(t.ppf((1 + LEVEL) / 2, freedom)) * float(np.sqrt(((by_seed - value) ** 2).sum() / freedom / count))
        low, high = value - half, value + half
        return Shift(value.astype(np.float32), low.astype(np.float32), high.astype(np.float32))

    def effect(self, direction: FloatArray, checkpoint: int = -1) -> Effect:
        """Return how far the slice moves the log-odds along `direction` (m,), in nats, mean over the questions it touches.

        Within a question, options with positive weight are weighed against those with negative weight (against all others where none is).
        The interval is Student's over questions; unbounded where fewer than two are touched.
        """
        values = self._by_question(direction, checkpoint)
        mean, half = _student(values)
        return Effect(mean, mean - half, mean + half, "nats", len(self.kept))

    def telling(self, direction: FloatArray) -> int:
        """Return the checkpoint with the largest effect: over-training erases it. A null must choose in the same way."""
        return int(np.argmax([self._by_question(direction, k).mean() for k in range(len(self.steps))]))

    def _by_question(self, direction: FloatArray, checkpoint: int) -> NDArray[np.float64]:
        weights = np.concatenate([balanced(part) for part in _split(direction, self.sizes)])
        products = weights * self.differences()[:, checkpoint].mean(0)
        touched = [part.any() for part in _split(weights, self.sizes)]
        if not any(touched):
            raise UsageError("the direction weighs no option of any question against another")
        return np.asarray([part.sum() for part, counts in zip(_split(products, self.sizes), touched, strict=True) if counts], np.float64)


def contrast(
    scorer: CausalScorer,
    slice_rows: Sequence[Pair],
    control_rows: Sequence[Pair],
    questions: Sequence[str],
    options: Sequence[Sequence[str]],
    *,
    seeds: Sequence[int] = (0, 1),
    recipe: Recipe = STANDARD,
    progress: Progress | None = None,
) -> ProxyContrast:
    """Train proxies on a slice and on its matched control and ask both the same probes, per checkpoint and seed.

    Row i of the control belongs to row i of the slice (`match_control`); at most MAX_ROWS pairs and TOKEN_BUDGET tokens are used,
    drawn by the first seed.
    """
    if len(slice_rows) != len(control_rows):
        raise UsageError(f"slice and control must be of one size, not {len(slice_rows)} and {len(control_rows)} rows; use match_control")
    study = Study(scorer, questions, options, recipe, seeds, progress or Silent())
    return study.contrast(slice_rows, control_rows, study.affordable(slice_rows, control_rows))


class Study:
    """One scorer, one set of probes, one recipe: several row sets trained and asked in the same way, frozen activations shared."""

    def __init__(
        self,
        scorer: CausalScorer,
        questions: Sequence[str],
        options: Sequence[Sequence[str]],
        recipe: Recipe,
        seeds: Sequence[int],
        progress: Progress,
    ) -> None:
        self.recipe = recipe
        self.seeds = tuple(seeds)
        self.sizes = tuple(len(of_question) for of_question in options)
        self.progress = progress
        self.halves = Halves(scorer, recipe.layers)
        self.probes = self.halves.read(self.halves.text.probes(questions, options))
        with frozen(self.halves.model):
            self.before = self._ask()

    def affordable(self, slice_rows: Sequence[Pair], control_rows: Sequence[Pair]) -> list[int]:
        """Return a random choice of pairs within MAX_ROWS and, on either side, within TOKEN_BUDGET distinct tokens, in order."""
        order = np.random.default_rng(self.seeds[0]).permutation(len(slice_rows))[:MAX_ROWS].tolist()
        fits = [len(order)]
        for rows in (slice_rows, control_rows):
            seen: set[tuple[int, ...]] = set()
            for count, i in enumerate(order):
                tokens = self.halves.text.rows([rows[i]])[0].tokens
                seen.update(tokens[:end] for end in range(1, len(tokens)))
                if len(seen) > TOKEN_BUDGET:
                    fits.append(max(1, count))
                    break
        return sorted(order[: min(fits)])

    def contrast(self, slice_rows: Sequence[Pair], control_rows: Sequence[Pair], kept: Sequence[int]) -> ProxyContrast:
        """Return the contrast of the pairs `kept` of two row sets of one size."""
        self.progress.stage("training proxies", 2 * len(self.seeds) * steps_of(len(kept), self.recipe))
        mine, other = (self.induce([rows[i] for i in kept]) for rows in (slice_rows, control_rows))
        reached = min(len(proxy.checkpoints) for proxy in (*mine.proxies, *other.proxies))
        return ProxyContrast(
            sizes=self.sizes,
            seeds=self.seeds,
            steps=tuple(checkpoint.step for checkpoint in mine.proxies[0].checkpoints[:reached]),
            kept=tuple(kept),
            recipe=self.recipe,
            before=self.before,
            slice_after=mine.after(reached),
            control_after=other.after(reached),
        )

    def induce(self, rows: Sequence[Pair], seeds: Sequence[int] | None = None) -> Induced:
        """Train one proxy per seed (by default the study's) on `rows` and ask each at every checkpoint."""
        read: ReadRows = self.halves.read(self.halves.text.rows(rows))
        proxies = tuple(train(self.halves, read, self.recipe, seed, progress=self.progress) for seed in (self.seeds if seeds is None else seeds))
        return Induced(proxies, tuple(tuple(self._asked(proxy, k) for k in range(len(proxy.checkpoints))) for proxy in proxies))

    def _asked(self, proxy: Proxy, checkpoint: int) -> FloatArray:
        with frozen(self.halves.model), adapter_of(self.halves, proxy, checkpoint).attached():
            return self._ask()

    def _ask(self) -> FloatArray:
        totals = np.zeros(sum(self.sizes), np.float64)
        for packed in self.probes.forest.passes(range(len(self.probes))):
            np.add.at(totals, packed.owners, self.halves.logprobs(self.probes, packed))
        return totals.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Induced:
    """Proxies of one row set, one per seed, and what each said at each checkpoint, (m,)."""

    proxies: tuple[Proxy, ...]
    answers: tuple[tuple[FloatArray, ...], ...]

    def after(self, reached: int) -> FloatArray:
        """Return the answers at the first `reached` checkpoints, (seeds, reached, m)."""
        return np.asarray([by_checkpoint[:reached] for by_checkpoint in self.answers], np.float32)


def centred(values: FloatArray, sizes: Sequence[int]) -> FloatArray:
    """Return `values` (..., m) minus the mean over the options of each question."""
    return np.concatenate([part - part.mean(-1, keepdims=True) for part in _split(values, sizes)], axis=-1)


def balanced(weights: FloatArray) -> FloatArray:
    """Scale one question's weights: positive ones sum to 1, negative ones (else all others) to -1; all 0 where one side lacks."""
    high = np.clip(weights, 0, None)
    low = np.clip(-weights, 0, None) if (weights < 0).any() else (weights == 0).astype(np.float32)
    if not high.any() or not low.any():
        return np.zeros_like(weights)
    return np.asarray(high / high.sum() - low / low.sum(), np.float32)


def _split(values: FloatArray, sizes: Sequence[int]) -> list[FloatArray]:
    return np.split(values, np.cumsum(sizes)[:-1], axis=-1)


def _student(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean and the half width of its Student interval."""
    from scipy.stats import t

    if values.size < 2:
        return float(values.mean()), float("inf")
    return float(values.mean()), float(t.ppf((1 + LEVEL) / 2, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size))
