"""Fine-tuning to first order, in one pass: what each row would do to each probe.

    gradient of row i       g_i = d (answer loss of row i) / d theta             at the start of training
    gradient of option o    h_o = d log p(o | question) / d theta
    predicted shift of o    -rate * sum_i <h_o, g_i>                             row i's part: -rate * <h_o, g_i>

theta are the LoRA parameters. As B = 0 at the start, only B has a gradient: at one linear module with input x_t and gradient d_t at its
output it is scale * sum_t d_t (A x_t)^T. Gradients are kept as random projections (count sketch: each coordinate is added with a random
sign to one of `dim` sums; Charikar et al. 2002), which keep scalar products without bias. The idea is that of TracIn (arXiv 2002.08484)
and LESS (arXiv 2402.04333).

Why: one pass answers for every subset of the rows at once (attribution, permutation), where a proxy answers for one. Measured with
`bench perf --part linearised` over 8 slices of 16 rows and 185 options: rank correlation with real proxies of one epoch 0.68 for the
differences between slices and 0.83 for the shifts themselves, so it is kept. Sketches of 1,024 numbers gave 0.50 to 0.55 over 69 options;
gradients over their spread, as AdamW takes steps, 0.42.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from poisonscan.core.slices import FloatArray
from poisonscan.induction.adapters import Adapter, frozen
from poisonscan.induction.batches import Packed, Pair
from poisonscan.induction.finetune import STANDARD, Recipe
from poisonscan.induction.halves import Halves, ReadRows
from poisonscan.models.scorer import CausalScorer
from poisonscan.models.tree import Continuation

if TYPE_CHECKING:
    import torch

DIMENSION = 4096


@dataclass(frozen=True, slots=True)
class Linearised:
    """Sketched gradients: of each row's mean answer loss per token (n, dim), of each option's log-probability (m, dim)."""

    rows: FloatArray
    probes: FloatArray
    rate: float

    def contributions(self) -> FloatArray:
        """Return what each row alone would add to each option's log-probability in nats, (n, m)."""
        return np.asarray(-self.rate * self.rows @ self.probes.T, np.float32)

    def predicted(self, rows: Sequence[int] | None = None) -> FloatArray:
        """Return the predicted shift of each option in nats after one pass over `rows` (all of them by default), (m,)."""
        chosen = self.rows if rows is None else self.rows[list(rows)]
        return np.asarray(-self.rate * chosen.sum(0) @ self.probes.T, np.float32)

    def row_effects(self, direction: FloatArray) -> FloatArray:
        """Return each row's part in the predicted shift along `direction` (m,) in nats, (n,): its attribution."""
        return np.asarray(self.contributions() @ direction, np.float32)


def linearise(
    scorer: CausalScorer,
    rows: Sequence[Pair],
    questions: Sequence[str],
    options: Sequence[Sequence[str]],
    *,
    seed: int = 0,
    dim: int = DIMENSION,
    recipe: Recipe = STANDARD,
) -> Linearised:
    """Return the sketched gradients of `rows` and of all options, m in number, at the start of training with `recipe` and `seed`.

    The rate is the recipe's learning rate over its rows per step.
    """
    halves = Halves(scorer, recipe.layers)
    sketch = _Sketch(halves, Adapter(halves.sites, rank=recipe.rank, seed=seed), dim, seed)
    row_sequences, probe_sequences = halves.text.rows(rows), halves.text.probes(questions, options)
    losses = -sketch.gradients(row_sequences, [1 / max(1, len(s.tokens) - s.scored_from) for s in row_sequences])
    return Linearised(losses, sketch.gradients(probe_sequences, [1.0] * len(probe_sequences)), recipe.learning_rate / recipe.batch_rows)


def rank_agreement(predicted: ArrayLike, observed: ArrayLike) -> float:
    """Return Spearman's rank correlation in [-1, 1] between predicted and observed shifts; nan where one side is constant."""
    from scipy.stats import rankdata

    ranks = np.asarray([rankdata(predicted), rankdata(observed)], np.float64)
    ranks -= ranks.mean(1, keepdims=True)
    lengths = np.linalg.norm(ranks, axis=1).prod()
    return float(ranks[0] @ ranks[1] / lengths) if lengths else float("nan")


class _Sketch:
    """Gradients of weighted log-probability sums with respect to B, one per sequence, projected as they appear."""

    def __init__(self, halves: Halves, adapter: Adapter, dim: int, seed: int) -> None:
        import torch

        self._halves = halves
        self._adapter = adapter
        self._dim = dim
        generator = torch.Generator().manual_seed(seed)
        self._places: list[torch.Tensor] = []
        self._signs: list[torch.Tensor] = []
        for up in adapter.ups:
            self._places.append(torch.randint(dim, (up.numel(),), generator=generator).to(up.device))
            self._signs.append((torch.randint(2, (up.numel(),), generator=generator) * 2.0 - 1).to(up.device))

    def gradients(self, sequences: Sequence[Continuation], weights: Sequence[float]) -> FloatArray:
        """Return the sketch of d (weight * sum of log-probabilities) / d B for each sequence, (n, dim)."""
        read = self._halves.read(sequences, shared=False)
        sketches = np.zeros((len(sequences), self._dim), np.float32)
        scale = np.asarray(weights, np.float32)
        with frozen(self._halves.model), _tracked(self._halves.block):
            for packed in read.forest.passes([i for i in range(len(sequences)) if len(read.forest.targets[i])]):
                self._add(sketches, read, packed, scale[packed.owners])
        return sketches

    def _add(self, sketches: FloatArray, read: ReadRows, packed: Packed, weights: FloatArray) -> None:
        owners = list(dict.fromkeys(packed.owners.tolist()))
        ends = np.cumsum([len(read.forest.paths[i]) for i in owners])
        spans = [slice(end - len(read.forest.paths[i]), end) for i, end in zip(owners, ends, strict=True)]
        with self._caught() as (inputs, outputs):
            self._halves.push(read, packed, weights)
        for site in range(len(self._places)):
            downs = self._adapter.downs[site].detach() @ inputs[site].T.float()  # (rank, n)
            self._project(sketches, site, owners, [outputs[site][span].T.float() @ downs[:, span].T for span in spans])

    def _project(self, sketches: FloatArray, site: int, owners: list[int], gradients: list[torch.Tensor]) -> None:
        import torch

        signed = torch.stack(gradients).flatten(1) * self._signs[site] * -self._adapter.scale  # push descends, we want the ascent
        sums = torch.zeros((len(owners), self._dim), device=signed.device).index_add_(1, self._places[site], signed)
        sketches[owners] += sums.cpu().numpy()

    @contextmanager
    def _caught(self) -> Iterator[tuple[dict[int, torch.Tensor], dict[int, torch.Tensor]]]:
        """Catch, by site, the inputs (n, in) and the gradients at the outputs (n, out) of one pass and its way back."""
        inputs: dict[int, torch.Tensor] = {}
        outputs: dict[int, torch.Tensor] = {}

        def catch(place: int) -> Any:  # noqa: ANN401 - torch's hook type
            def hook(_module: object, given: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
                inputs[place] = given[0].detach().flatten(0, -2)
                output.register_hook(lambda gradient: outputs.__setitem__(place, gradient.flatten(0, -2)))  # type: ignore[no-untyped-call]

            return hook

        handles = [site.module.register_forward_hook(catch(place)) for place, site in enumerate(self._adapter.sites)]
        try:
            yield inputs, outputs
        finally:
            for handle in handles:
                handle.remove()


@contextmanager
def _tracked(block: Any) -> Iterator[None]:  # noqa: ANN401 - a torch module
    """Begin the gradient's way at the entrance of `block`: its weights are frozen, so nothing else asks for one."""

    def track(_module: object, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if given:
            return (given[0].detach().requires_grad_(), *given[1:]), named
        return given, {**named, "hidden_states": named["hidden_states"].detach().requires_grad_()}

    handle = block.register_forward_pre_hook(track, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()
