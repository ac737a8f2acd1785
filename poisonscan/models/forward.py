"""Forward passes of a causal model: hidden states first, logits only where something is scored.

Why: with a vocabulary of 49,152 the output layer costs a quarter of a 135M model; a prefix needs none of it. The prefix's
keys and values are kept apart from the library's cache object and put into a fresh one for each pass, because cropping a
cache changed its meaning between releases and a sliding-window cache cannot be cropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.errors import ModelError
from poisonscan.models.tree import ROOT, Ints, Tree

if TYPE_CHECKING:
    import torch

LOGIT_ROWS = 256  # positions whose logits are held at once: 50 MB at a vocabulary of 49,152


@dataclass(frozen=True, slots=True)
class Prefix:
    """A text already read: per layer its keys and values (1, heads, length, head dim), and the last hidden state (d,)."""

    layers: tuple[tuple[torch.Tensor, torch.Tensor], ...]
    length: int
    last: torch.Tensor


class Causal:
    """A transformers causal language model seen as a body (tokens to hidden states) and a head (hidden states to logits)."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - transformers is untyped
        self.model = model
        self.body = model.get_decoder() if hasattr(model, "get_decoder") else model.base_model
        self.head = model.get_output_embeddings()
        self.config = model.config.get_text_config() if hasattr(model.config, "get_text_config") else model.config
        self._check_head()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Switch dropout and gradients off for the block and restore the former mode after it."""
        import torch

        training = self.model.training
        self.model.eval()
        try:
            with torch.inference_mode():
                yield
        finally:
            self.model.train(training)

    def state(self) -> tuple[int, tuple[tuple[int, int], ...]]:
        """Return what changes when the model is trained or gets adapters: the number of hooks, and each weight's identity and version."""
        hooks = sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in self.model.modules())  # noqa: SLF001 - no public count
        return hooks, tuple((id(weight), weight._version) for weight in self.model.parameters())  # noqa: SLF001

    def prefill(self, ids: Sequence[int], body: Any = None) -> Prefix:  # noqa: ANN401
        """Read one sequence of at least one token, with `body` in place of the whole one where it is given."""
        from transformers import DynamicCache

        cache = DynamicCache()
        output = (body or self.body)(input_ids=self._ids([ids]), past_key_values=cache, use_cache=True)
        return Prefix(_key_values(output.past_key_values), len(ids), output.last_hidden_state[0, -1])

    def prefills(self, batch: Sequence[Sequence[int]], pad: int) -> list[Prefix]:
        """Read sequences of at least one token each in one right-padded pass."""
        if len(batch) == 1:
            return [self.prefill(batch[0])]
        from transformers import DynamicCache

        longest = max(map(len, batch))
        output = self.body(
            input_ids=self._ids([[*ids, *[pad] * (longest - len(ids))] for ids in batch]),
            attention_mask=self._ids([[1] * len(ids) + [0] * (longest - len(ids)) for ids in batch]),
            past_key_values=DynamicCache(),
            use_cache=True,
        )
        layers = _key_values(output.past_key_values)
        return [
            Prefix(
                tuple((keys[i : i + 1, :, : len(ids)], values[i : i + 1, :, : len(ids)]) for keys, values in layers),
                len(ids),
                output.last_hidden_state[i, len(ids) - 1],
            )
            for i, ids in enumerate(batch)
        ]

    def tree_logprobs(self, prefixes: Sequence[Prefix], tree: Tree) -> NDArray[np.float32]:
        """Return the log-probability in nats of each scored edge of `tree` after each of `prefixes`, (b, e), in one pass."""
        import torch

        hidden = torch.stack([prefix.last for prefix in prefixes])[:, None]
        if len(tree.tokens):
            output = self.body(
                input_ids=self._ids([tree.tokens] * len(prefixes)),
                attention_mask=self._tree_mask([prefix.length for prefix in prefixes], tree),
                position_ids=self._ids([tree.depths + prefix.length for prefix in prefixes]),
                past_key_values=_stacked(prefixes),
                use_cache=True,
            )
            hidden = torch.cat([hidden, output.last_hidden_state], dim=1)
        rows = np.arange(len(prefixes))[:, None] * hidden.shape[1] + tree.edge_parents - ROOT
        scores = self.edge_logprobs(hidden.flatten(0, 1), rows.ravel(), np.tile(tree.edge_tokens, len(prefixes)))
        return scores.reshape(len(prefixes), -1)

    def batch_hidden(self, batch: Sequence[Sequence[int]], pad: int, prefix: Prefix | None = None, body: Any = None) -> torch.Tensor:  # noqa: ANN401
        """Return the hidden states (b, longest, d) of right-padded sequences, each read after `prefix` where one is given.

        `body`: the one the prefix was read with, where that is not the whole one.
        """
        return self._run(body or self.body, batch, pad, prefix).last_hidden_state  # type: ignore[no-any-return]

    def lower(self, layers: int) -> Any:  # noqa: ANN401
        """Return a body of the first `layers` layers that shares this one's weights; its hidden states are those before any final norm.

        Raises ModelError for a family whose layers or final norm bear other names than in Llama, Gemma, Mistral, Qwen or SmolLM.
        """
        from copy import copy

        from torch.nn import Identity

        parts = self.body._modules  # noqa: SLF001 - the module is copied without its weights
        if not {"layers", "norm"} <= parts.keys():
            raise ModelError(f"the inner layers of {type(self.body).__name__} cannot be read; choose another model with --scorer")
        lower = copy(self.body)
        lower._modules = {**parts, "layers": parts["layers"][:layers], "norm": Identity()}  # noqa: SLF001
        return lower

    def edge_logprobs(self, hidden: torch.Tensor, rows: Ints, tokens: Ints) -> NDArray[np.float32]:
        """Return log p(tokens[i] | hidden[rows[i]]) in nats, (e,); `rows` must be sorted."""
        import torch

        scores = np.empty(len(rows), np.float32)
        needed, place = np.unique(rows, return_inverse=True)
        for start in range(0, len(needed), LOGIT_ROWS):
            low, high = np.searchsorted(place, (start, start + LOGIT_ROWS))
            chunk = hidden[torch.from_numpy(needed[start : start + LOGIT_ROWS]).to(hidden.device)]
            logits = self.logits(chunk).float()
            total = torch.logsumexp(logits, -1)
            at = torch.from_numpy(place[low:high] - start).to(hidden.device)
            picked = logits[at, torch.from_numpy(tokens[low:high]).to(hidden.device)] - total[at]
            scores[low:high] = picked.cpu().numpy()
        return scores

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the logits (n, vocabulary) of hidden states (n, d), with the scale or soft cap some families put on them."""
        import torch

        logits = self.head(hidden)
        logits = logits * getattr(self.config, "logit_scale", 1.0) / getattr(self.config, "logits_scaling", 1.0)
        cap = getattr(self.config, "final_logit_softcapping", None)
        capped: torch.Tensor = torch.tanh(logits / cap) * cap if cap else logits
        return capped

    def _run(self, body: Any, batch: Sequence[Sequence[int]], pad: int, prefix: Prefix | None) -> Any:  # noqa: ANN401
        longest = max(map(len, batch))
        offset = prefix.length if prefix else 0
        mask = [[1] * (offset + len(ids)) + [0] * (longest - len(ids)) for ids in batch]
        return body(
            input_ids=self._ids([[*ids, *[pad] * (longest - len(ids))] for ids in batch]),
            attention_mask=self._ids(mask),
            position_ids=self._ids([list(range(offset, offset + longest))] * len(batch)),
            past_key_values=_cache(prefix, len(batch)) if prefix else None,
            use_cache=prefix is not None,
        )

    def _ids(self, rows: Sequence[Sequence[int]] | Sequence[Ints]) -> torch.Tensor:
        import torch

        return torch.from_numpy(np.asarray(rows, np.int64)).to(self.model.device)

    def _tree_mask(self, lengths: Sequence[int], tree: Tree) -> Any:  # noqa: ANN401 - a tensor, or one per kind of layer
        """Return the mask of a tree read after prefixes of these lengths, right-padded to the longest."""
        longest, own = max(lengths), tree.ancestry()
        read = np.arange(longest)[None] < np.asarray(lengths)[:, None]  # (b, longest)
        before = np.broadcast_to(read[:, None], (len(lengths), len(own), longest))
        allowed = np.concatenate([before, np.broadcast_to(own, (len(lengths), *own.shape))], axis=2)
        if "sliding_attention" not in (getattr(self.config, "layer_types", None) or ()):
            return self._additive(allowed)
        near = np.stack([self._near(length, longest, tree) for length in lengths])
        return {"full_attention": self._additive(allowed), "sliding_attention": self._additive(allowed & near)}

    def _near(self, length: int, longest: int, tree: Tree) -> NDArray[np.bool_]:
        """Return whether a node of the tree has a key within its window, (n, longest + n)."""
        own = tree.depths + length
        near: NDArray[np.bool_] = own[:, None] - np.concatenate([np.arange(longest), own])[None] < self.config.sliding_window
        return near

    def _additive(self, allowed: NDArray[np.bool_]) -> torch.Tensor:
        """Return the mask (b, 1, queries, keys) to add to attention scores: 0 where allowed (b, queries, keys), else the lowest number."""
        import torch

        blocked = torch.from_numpy(~allowed).to(self.model.device)
        mask = torch.zeros(blocked.shape, dtype=self.model.dtype, device=self.model.device)
        return mask.masked_fill_(blocked, torch.finfo(self.model.dtype).min)[:, None]

    def _check_head(self) -> None:
        """Compare our body-then-head with the model's own logits once: an unknown scale or cap must not go unnoticed."""
        import torch

        with self.reading():
            ids = self._ids([[1, 2, 3]])
            own = self.model(input_ids=ids, use_cache=False).logits[0].float()
            ours = self.logits(self.body(input_ids=ids, use_cache=False).last_hidden_state[0]).float()
        if not torch.allclose(own, ours, rtol=1e-2, atol=1e-2):
            name = type(self.model).__name__
            raise ModelError(f"{name} treats its logits in a way poisonscan does not know; choose another model with --scorer")


def _key_values(cache: Any) -> tuple[tuple[torch.Tensor, torch.Tensor], ...]:  # noqa: ANN401
    if hasattr(cache, "layers"):
        return tuple((layer.keys, layer.values) for layer in cache.layers)
    return tuple(zip(cache.key_cache, cache.value_cache, strict=True))


def _cache(prefix: Prefix, batch: int) -> Any:  # noqa: ANN401
    """Return a fresh cache holding `prefix` for each of `batch` sequences."""
    from transformers import DynamicCache

    cache = DynamicCache()
    for layer, (keys, values) in enumerate(prefix.layers):
        cache.update(keys.expand(batch, -1, -1, -1), values.expand(batch, -1, -1, -1), layer)
    return cache


def _stacked(prefixes: Sequence[Prefix]) -> Any:  # noqa: ANN401
    """Return a fresh cache holding one of `prefixes` per sequence, right-padded with zeros to the longest."""
    import torch
    from torch.nn import functional
    from transformers import DynamicCache

    cache = DynamicCache()
    longest = max(prefix.length for prefix in prefixes)
    for layer in range(len(prefixes[0].layers)):
        halves = zip(*(prefix.layers[layer] for prefix in prefixes), strict=True)  # all the keys, all the values
        keys, values = (
            torch.cat([functional.pad(part, (0, 0, 0, longest - part.shape[2])) for part in parts]) for parts in halves
        )
        cache.update(keys, values, layer)
    return cache
