"""The scorer cut in two below its first adapted layer: the frozen lower half is read once, the upper half at every step.

Why: adapters on the upper third leave two thirds of every forward pass unchanged over all epochs, seeds and checkpoints, and the
backward pass never enters them. Models that scale or shift what enters their first layer cannot be cut this way; that is found out by
comparing both ways once, and such models are read whole.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.errors import ModelError
from poisonscan.induction.adapters import Layers, Site, adapted_layers, frozen, linear_sites
from poisonscan.induction.batches import Forest, Packed, Text, grow
from poisonscan.models.forward import Causal
from poisonscan.models.scorer import CausalScorer
from poisonscan.models.tree import Continuation

if TYPE_CHECKING:
    import torch
    from torch import nn

LOGIT_ROWS = 256  # positions whose logits are held at once: 50 MB at a vocabulary of 49,152
READ_TOKENS = 1024
TOLERANCE = 1e-2


@dataclass(frozen=True, slots=True)
class ReadRows:
    """Sequences and, for every node of their forest, the hidden state that enters the first adapted layer, (n, d); None: read anew."""

    forest: Forest
    entering: torch.Tensor | None

    def __len__(self) -> int:
        return len(self.forest.paths)


class Halves:
    """A scorer's model, the layers that get adapters, and the passes over them.

    `sites` are the linear modules of the upper layers; `first` is the number of the first adapted layer.
    """

    def __init__(self, scorer: CausalScorer, layers: Layers = "upper") -> None:
        self.model = scorer.model
        self.text = Text(scorer.tokenizer)
        self._causal = Causal(scorer.model)
        blocks = _blocks(self._causal.body)
        self.first = len(blocks) - adapted_layers(layers, len(blocks))
        self.block = blocks[self.first]
        self.sites: tuple[Site, ...] = linear_sites(blocks[self.first :])
        if not self.sites:
            raise ModelError(f"{type(self.model).__name__} has no linear layers to adapt; choose another model with --scorer")
        self._lower = _part(self._causal.body, 0, self.first)
        self._upper = _part(self._causal.body, self.first, len(blocks))
        self.cut = self.first > 0 and self._agrees()

    def read(self, sequences: Sequence[Continuation], *, shared: bool = True) -> ReadRows:
        """Read `sequences` through the frozen half; with `shared` off no two of them share a node."""
        forest = grow(sequences)
        entering = self._entering(forest) if self.cut else None
        if shared:
            return ReadRows(forest, entering)
        alone = grow(sequences, shared=False)
        if entering is None:
            return ReadRows(alone, None)
        return ReadRows(alone, entering[self._index(np.concatenate(forest.paths))])

    def hidden(self, rows: ReadRows, packed: Packed) -> torch.Tensor:
        """Return the final hidden states of a pass, (n, d)."""
        if rows.entering is None:
            return self._run(self._causal.body, packed, input_ids=self._index(packed.tokens)[None])
        return self._run(self._upper, packed, inputs_embeds=rows.entering[self._index(packed.nodes)][None])

    def logprobs(self, rows: ReadRows, packed: Packed) -> NDArray[np.float32]:
        """Return the log-probability in nats of each scored token of a pass, (t,)."""
        import torch

        with torch.no_grad():
            hidden = self.hidden(rows, packed)
            return np.concatenate([part.cpu().numpy() for _, part in self._scored(hidden, packed)] or [np.empty(0, np.float32)])

    def push(self, rows: ReadRows, packed: Packed, weights: NDArray[np.float32]) -> float:
        """Return the sum of weights * log-probabilities over a pass and send the gradient of minus that sum backwards.

        Logits are held for LOGIT_ROWS positions at a time; the gradient is gathered at the hidden states first.
        """
        hidden = self.hidden(rows, packed)
        gathered = hidden.detach().requires_grad_()
        total = 0.0
        for places, scores in self._scored(gathered, packed):
            loss = -(scores * self._values(weights[places])).sum()
            loss.backward()
            total -= float(loss.detach())
        hidden.backward(gathered.grad)  # type: ignore[no-untyped-call]
        return total

    def _scored(self, hidden: torch.Tensor, packed: Packed) -> Any:  # noqa: ANN401 - an iterator of tensors
        """Yield (which scored tokens, their log-probabilities) in chunks, in order; equal predictors share their logits."""
        import torch

        for start in range(0, len(packed.targets), LOGIT_ROWS):
            chunk = slice(start, start + LOGIT_ROWS)
            needed, place = np.unique(packed.predictors[chunk], return_inverse=True)
            logits = self._causal.logits(hidden[self._index(needed)]).float()
            at = self._index(place)
            yield chunk, logits[at, self._index(packed.targets[chunk])] - torch.logsumexp(logits, -1)[at]

    def _entering(self, forest: Forest) -> torch.Tensor:
        """Return the residual stream after the lower half, (n, d), for every node of the forest."""
        import torch

        order = sorted(range(len(forest.paths)), key=lambda i: tuple(forest.paths[i]))
        width = int(self._causal.config.hidden_size)
        entering = torch.empty((len(forest.tokens), width), dtype=self.model.dtype, device=self.model.device)
        caught: list[torch.Tensor] = []
        handle = _blocks(self._lower)[self.first - 1].register_forward_hook(
            lambda _module, _inputs, output: caught.append(output[0] if isinstance(output, tuple) else output)
        )
        try:
            with frozen(self.model), torch.no_grad():
                for packed in forest.passes([i for i in order if len(forest.paths[i])], READ_TOKENS):
                    self._run(self._lower, packed, input_ids=self._index(packed.tokens)[None])
                    entering[self._index(packed.nodes)] = caught.pop().reshape(len(packed.nodes), width)
        finally:
            handle.remove()
        return entering

    def _run(self, body: Any, packed: Packed, **inputs: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
        output = body(**inputs, attention_mask=self._mask(packed), position_ids=self._index(packed.depths)[None], use_cache=False)
        hidden: torch.Tensor = output.last_hidden_state[0]
        return hidden

    def _mask(self, packed: Packed) -> Any:  # noqa: ANN401 - a tensor, or one per kind of layer
        config = self._causal.config
        if "sliding_attention" not in (getattr(config, "layer_types", None) or ()):
            return self._additive(packed.allowed)
        near = packed.depths[:, None] - packed.depths[None] < config.sliding_window
        return {"full_attention": self._additive(packed.allowed), "sliding_attention": self._additive(packed.allowed & near)}

    def _additive(self, allowed: NDArray[np.bool_]) -> torch.Tensor:
        """Return the mask (1, 1, n, n) to add to attention scores: 0 where allowed, the lowest number elsewhere."""
        import torch

        mask = torch.zeros(allowed.shape, dtype=self.model.dtype, device=self.model.device)
        return mask.masked_fill_(torch.from_numpy(~allowed).to(mask.device), torch.finfo(mask.dtype).min)[None, None]

    def _index(self, values: NDArray[np.int64]) -> torch.Tensor:
        import torch

        return torch.from_numpy(np.ascontiguousarray(values)).to(self.model.device)

    def _values(self, values: NDArray[np.float32]) -> torch.Tensor:
        import torch

        return torch.from_numpy(values).to(self.model.device)

    def _agrees(self) -> bool:
        """Say whether lower half then upper half gives what the whole model gives."""
        forest = grow([Continuation((1, 2, 3, 4), 1), Continuation((1, 2, 5, 6), 1)])
        import torch

        with frozen(self.model), torch.no_grad():
            try:
                halves = self.hidden(ReadRows(forest, self._entering(forest)), packed := forest.pack([0, 1]))
            except (RuntimeError, TypeError, ValueError, IndexError, AttributeError):  # a body that takes no hidden states
                return False
            whole = self.hidden(ReadRows(forest, None), packed)
        return bool(torch.allclose(halves.float(), whole.float(), rtol=TOLERANCE, atol=TOLERANCE))


def _blocks(body: Any) -> Any:  # noqa: ANN401 - a module list
    from torch import nn

    for name in ("layers", "h"):
        if isinstance(getattr(body, name, None), nn.ModuleList):
            return getattr(body, name)
    raise ModelError(f"{type(body).__name__} keeps its layers where poisonscan does not look; choose another model with --scorer")


def _part(body: Any, start: int, stop: int) -> nn.Module:  # noqa: ANN401
    """Return a view of `body` with its blocks from `start` to `stop` only, weights shared."""
    from torch import nn

    blocks = _blocks(body)
    view: nn.Module = copy.copy(body)
    view._modules = dict(body._modules)  # noqa: SLF001 - the one way to share weights without running the rest
    name = next(name for name, module in view._modules.items() if module is blocks)  # noqa: SLF001
    view._modules[name] = nn.ModuleList(blocks[start:stop])  # noqa: SLF001
    kinds = getattr(body.config, "layer_types", None)
    if kinds:  # the view counts its layers from 0
        view.config = copy.copy(body.config)
        view.config.__dict__["layer_types"] = list(kinds[start:stop])
        view.config.__dict__["num_hidden_layers"] = stop - start
    return view
