"""Low-rank adapters that can be hung on a frozen model and taken off again without touching it.

    output = W x + (alpha / rank) B A x        A (rank, in) random, B (out, rank) zero at the start (Hu et al. 2021, arXiv 2106.09685)

Why not peft's own modules: a scan trains many adapters on one scorer that other stages go on using, so nothing may be replaced inside
it; hooks leave the model as it was even when training fails. All parameters lie in one flat vector: the optimiser makes one update
instead of 140, and a checkpoint is one copy. A test holds the loss trajectory equal to peft's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from poisonscan.core.errors import UsageError
from poisonscan.core.slices import FloatArray

if TYPE_CHECKING:
    import torch
    from torch import nn

Layers = Literal["upper", "all"] | int
UPPER_SHARE = 3  # "upper" is the top third of the layers


def adapted_layers(layers: Layers, depth: int) -> int:
    """Return how many layers, counted from the top, get adapters."""
    count = depth if layers == "all" else math.ceil(depth / UPPER_SHARE) if layers == "upper" else int(layers)
    if not 1 <= count <= depth:
        raise UsageError(f"adapters on {count} layers were asked for, but the scorer has {depth}; choose 1 to {depth}")
    return count


@dataclass(frozen=True, slots=True)
class Site:
    """A linear module an adapter hangs on, and its widths."""

    name: str
    module: nn.Module
    inputs: int
    outputs: int


def linear_sites(blocks: Sequence[nn.Module]) -> tuple[Site, ...]:
    """Return every linear module inside `blocks` in the order of the model."""
    from torch import nn

    return tuple(
        Site(f"{number}.{name}", module, module.in_features, module.out_features)
        for number, block in enumerate(blocks)
        for name, module in block.named_modules()
        if isinstance(module, nn.Linear)
    )


class Adapter:
    """The parameters of one adapter over `sites`, float32, in one flat vector.

    `downs[i]` (rank, in) and `ups[i]` (out, rank) are views of `flat` that collect their gradients in `gradient`.
    """

    def __init__(self, sites: Sequence[Site], *, rank: int, seed: int, alpha: float | None = None) -> None:
        import torch

        self.sites = tuple(sites)
        self.rank = rank
        self.scale = (2 * rank if alpha is None else alpha) / rank
        device = next(self.sites[0].module.parameters()).device
        self.flat = torch.zeros(sum(rank * (site.inputs + site.outputs) for site in self.sites), device=device)
        self.gradient = torch.zeros_like(self.flat)
        self.flat.grad = self.gradient
        self.downs: list[torch.Tensor] = []
        self.ups: list[torch.Tensor] = []
        self._carve()
        self._start(seed)

    def state(self) -> FloatArray:
        """Return a copy of all parameters, float32 (n,)."""
        copy: FloatArray = self.flat.detach().cpu().numpy().copy()
        return copy

    def load(self, state: FloatArray) -> None:
        """Set all parameters from what `state` returned."""
        import torch

        self.flat.copy_(torch.from_numpy(state))

    def delta(self, place: int, inputs: torch.Tensor) -> torch.Tensor:
        """Return what site `place` adds to the output for `inputs` (..., in), in the dtype of the inputs."""
        from torch.nn import functional

        down = functional.linear(inputs.to(self.flat.dtype), self.downs[place])
        return functional.linear(down, self.ups[place] * self.scale).to(inputs.dtype)

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Let the model speak with this adapter inside the block."""
        handles = [site.module.register_forward_hook(self._hook(place)) for place, site in enumerate(self.sites)]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _hook(self, place: int) -> Any:  # noqa: ANN401 - torch's hook type
        def add(_module: object, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
            return output + self.delta(place, inputs[0])

        return add

    def _carve(self) -> None:
        start = 0
        for site in self.sites:
            for views, shape in ((self.downs, (self.rank, site.inputs)), (self.ups, (site.outputs, self.rank))):
                stop = start + shape[0] * shape[1]
                views.append(self._view(start, stop, shape))
                start = stop

    def _view(self, start: int, stop: int, shape: tuple[int, int]) -> torch.Tensor:
        view = self.flat[start:stop].view(shape).detach().requires_grad_()
        view.grad = self.gradient[start:stop].view(shape)
        return view

    def _start(self, seed: int) -> None:
        """Draw every A from U(-1/sqrt(in), 1/sqrt(in)), peft's choice; drawn on the CPU so that all devices agree."""
        import torch

        generator = torch.Generator().manual_seed(seed)
        for site, down in zip(self.sites, self.downs, strict=True):
            drawn = torch.rand(down.shape, generator=generator).mul_(2).sub_(1).mul_(1 / math.sqrt(site.inputs))
            down.data.copy_(drawn)


@contextmanager
def frozen(model: Any) -> Iterator[None]:  # noqa: ANN401 - transformers is untyped
    """Keep gradients off the model's own weights and dropout off inside the block; put both back after it."""
    training, flags = model.training, [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    model.eval()
    for parameter, _ in flags:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter, flag in flags:
            parameter.requires_grad_(flag)
        model.train(training)
