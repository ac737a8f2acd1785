"""A LoRA proxy: what the scorer becomes when it is trained on a slice for a few minutes.

Why so little training: the question is not whether a small model adopts the latent but which way the rows pull it, and long training
collapses every answer into the training format. So several early checkpoints are kept, training stops when a held-out part of the rows
gets worse, and only the comparison with a matched control (`contrast`) is ever read.

Loss: mean of -log p over the tokens of the answers and of the end of the turn in a batch; AdamW without decay, gradient norm clipped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from poisonscan.core.errors import UsageError
from poisonscan.core.protocols import Progress, Silent
from poisonscan.core.slices import FloatArray
from poisonscan.induction.adapters import Adapter, Layers, frozen
from poisonscan.induction.batches import Packed
from poisonscan.induction.halves import Halves, ReadRows
from poisonscan.models.scorer import CausalScorer

HELD_OUT_SHARE = 0.1
HELD_OUT_FROM = 20  # fewer rows are all trained on: two held-out rows tell nothing
WARM_UP_STEPS = 5
CLIP = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a proxy is trained: the same for a slice and for its control.

    epochs: passes over the rows; rank of the adapters; learning_rate of AdamW; batch_rows: rows per step;
    checkpoints: states kept, evenly spaced, the last one at the end; layers: "upper" (the top third), "all", or how many from the top.
    """

    epochs: int = 3
    rank: int = 16
    learning_rate: float = 5e-4
    batch_rows: int = 8
    checkpoints: int = 3
    layers: Layers = "upper"


STANDARD = Recipe()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An adapter after `step` steps, `epoch` passes: held-out loss in nats per token (nan: nothing held out), parameters (n,)."""

    step: int
    epoch: float
    held_out_loss: float
    state: FloatArray = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proxy:
    """A trained proxy: its recipe and seed, loss in nats per token at each step, checkpoints in order, rows held out.

    `stopped` says that training ended early because the held-out loss rose.
    """

    recipe: Recipe
    seed: int
    losses: tuple[float, ...]
    checkpoints: tuple[Checkpoint, ...]
    held_out: tuple[int, ...]
    stopped: bool


def train(halves: Halves, rows: ReadRows, recipe: Recipe, seed: int, *, progress: Progress | None = None) -> Proxy:
    """Train one proxy on rows already read through the frozen half, so that seeds share that reading; the model is left as it was.

    The same seed gives the same proxy.
    """
    if not len(rows):
        raise UsageError("a proxy needs at least one row to train on")
    progress = progress or Silent()
    rng = np.random.default_rng(seed)
    held_out, kept = _hold_out(len(rows), rng)
    steps = list(_batches(kept, recipe, rng))
    marks = {round(len(steps) * (k + 1) / recipe.checkpoints) for k in range(recipe.checkpoints)}
    run = _Run(halves, rows, recipe, seed)
    checkpoints: list[Checkpoint] = []
    with frozen(halves.model), run.adapter.attached():
        for number, batch in enumerate(steps, start=1):
            run.step(batch)
            progress.advance()
            if number in marks:
                checkpoints.append(Checkpoint(number, number * recipe.epochs / len(steps), run.loss(held_out), run.adapter.state()))
                if _worse(checkpoints):
                    break
    return Proxy(recipe, seed, tuple(run.losses), tuple(checkpoints), tuple(held_out), len(run.losses) < len(steps))


@contextmanager
def speaking_as(scorer: CausalScorer, proxy: Proxy, checkpoint: int = -1) -> Iterator[None]:
    """Let every method of `scorer` answer as the proxy at that checkpoint inside the block."""
    with adapter_of(Halves(scorer, proxy.recipe.layers), proxy, checkpoint).attached():
        yield


def adapter_of(halves: Halves, proxy: Proxy, checkpoint: int = -1) -> Adapter:
    """Return the adapter of a checkpoint."""
    adapter = Adapter(halves.sites, rank=proxy.recipe.rank, seed=proxy.seed)
    adapter.load(proxy.checkpoints[checkpoint].state)
    return adapter


def steps_of(rows: int, recipe: Recipe) -> int:
    """Return how many steps training on `rows` rows takes unless it stops early."""
    kept = rows - _held_out_count(rows)
    return recipe.epochs * math.ceil(kept / recipe.batch_rows)


class _Run:
    """One adapter in training."""

    def __init__(self, halves: Halves, rows: ReadRows, recipe: Recipe, seed: int) -> None:
        import torch

        self._halves = halves
        self._rows = rows
        self._rate = recipe.learning_rate
        self.adapter = Adapter(halves.sites, rank=recipe.rank, seed=seed)
        self._optimiser = torch.optim.AdamW([self.adapter.flat], lr=recipe.learning_rate, weight_decay=0.0)
        self.losses: list[float] = []

    def step(self, batch: Sequence[int]) -> None:
        """Take one step on the rows `batch`."""
        import torch

        self.adapter.gradient.zero_()
        passes = list(self._rows.forest.passes(batch))
        scored = max(1, sum(len(packed.targets) for packed in passes))
        total = sum(self._halves.push(self._rows, packed, np.full(len(packed.targets), 1 / scored, np.float32)) for packed in passes)
        self.losses.append(-total)
        norm = float(torch.linalg.vector_norm(self.adapter.gradient))
        if norm > CLIP:
            self.adapter.gradient.mul_(CLIP / norm)
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate * min(1.0, len(self.losses) / WARM_UP_STEPS)
        self._optimiser.step()

    def loss(self, wanted: Sequence[int]) -> float:
        """Return the mean loss over the rows `wanted` in nats per token, nan for none."""
        passes: list[Packed] = list(self._rows.forest.passes(wanted))
        scores = [self._halves.logprobs(self._rows, packed) for packed in passes]
        return -float(np.concatenate(scores).mean()) if scores else float("nan")


def _hold_out(count: int, rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Return the rows held out and the rows trained on."""
    order = rng.permutation(count).tolist()
    held = _held_out_count(count)
    return sorted(order[:held]), sorted(order[held:])


def _held_out_count(count: int) -> int:
    return round(HELD_OUT_SHARE * count) if count >= HELD_OUT_FROM else 0


def _batches(rows: Sequence[int], recipe: Recipe, rng: np.random.Generator) -> Iterator[list[int]]:
    for _ in range(recipe.epochs):
        order = rng.permutation(np.asarray(rows)).tolist()
        for start in range(0, len(order), recipe.batch_rows):
            yield order[start : start + recipe.batch_rows]


def _worse(checkpoints: Sequence[Checkpoint]) -> bool:
    """Say whether the held-out loss rose since the checkpoint before; nan never does."""
    return len(checkpoints) > 1 and checkpoints[-1].held_out_loss > checkpoints[-2].held_out_loss
