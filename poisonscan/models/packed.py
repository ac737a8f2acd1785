"""BERT sentence encoders read by ourselves: texts packed end to end without padding, and no model library to import.

Why: importing sentence-transformers takes longer than encoding five hundred rows, and the forward pass of this one architecture is a page.
All tokens of a pass go through each linear layer in one product, whatever text they belong to; texts of equal length attend
together, so nothing is padded and nothing masked. `load_packed` takes a folder only where every setting in it is one of those written here; any
other encoder is left to sentence-transformers. Vectors equal that library's to rounding (1e-6).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from poisonscan.core.slices import FloatArray

if TYPE_CHECKING:
    import torch

PASS_TOKENS = 2048  # per pass: the matrix products are at full speed, the widened layer is some 12 MB
WIDENED_TOKENS = 512  # held in the widened layer at once, so that it stays in the processor's cache
POOLING = {"pooling_mode_mean_tokens"}
MODULES = ["Transformer", "Pooling", "Normalize"]
BERT = {"model_type": "bert", "hidden_act": "gelu", "is_decoder": False, "add_cross_attention": False, "position_embedding_type": "absolute"}


@dataclass(frozen=True, slots=True)
class Dense:
    """A linear layer: weight (in, out), bias (out,)."""

    weight: torch.Tensor
    bias: torch.Tensor

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return (n, out) for `inputs` (n, in)."""
        import torch

        return torch.addmm(self.bias, inputs, self.weight)


@dataclass(frozen=True, slots=True)
class Norm:
    """A layer normalisation: scale and shift (d,)."""

    scale: torch.Tensor
    shift: torch.Tensor
    epsilon: float

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return `inputs` (n, d) normalised."""
        from torch.nn import functional

        return functional.layer_norm(inputs, self.scale.shape, self.scale, self.shift, self.epsilon)


@dataclass(frozen=True, slots=True)
class Layer:
    """One BERT layer; queries, keys and values are one product."""

    attended: Dense
    mixed: Dense
    mixed_norm: Norm
    widened: Dense
    narrowed: Dense
    narrowed_norm: Norm


@dataclass(frozen=True, slots=True)
class Span:
    """Texts of one length within a pass: they fill the tokens from `start` to `stop` and stand at `texts`."""

    start: int
    stop: int
    texts: tuple[int, ...]


class PackedBert:
    """A BERT encoder with mean pooling; `max_seq_length` is how many tokens of a text it reads."""

    def __init__(self, weights: Mapping[str, torch.Tensor], tokenizer: Any, *, heads: int, epsilon: float, max_seq_length: int) -> None:  # noqa: ANN401
        self.max_seq_length = max_seq_length
        self._tokenizer = tokenizer
        self._heads = heads
        table = _Table(weights, epsilon)
        self._words = weights["embeddings.word_embeddings.weight"]
        self._places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        self._entry = table.norm("embeddings.LayerNorm")
        self._layers = [table.layer(number) for number in range(table.depth)]

    def get_embedding_dimension(self) -> int:
        """Return the length of a vector, under the name sentence-transformers gives it."""
        return int(self._words.shape[1])

    def vectors(self, texts: Sequence[str]) -> FloatArray:
        """Return the unit vector of each text, float32 (len(texts), d)."""
        import torch

        self._tokenizer.enable_truncation(self.max_seq_length)
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        found = np.empty((len(ids), self.get_embedding_dimension()), np.float32)
        with torch.inference_mode():
            for wanted in _passes(list(map(len, ids))):
                self._read([ids[i] for i in wanted], wanted, found)
        return found

    def _read(self, rows: Sequence[Sequence[int]], wanted: Sequence[int], found: FloatArray) -> None:
        """Put the vectors of one pass, rows of ascending length, into their places `wanted` of `found`."""
        from torch.nn import functional

        spans = list(_spans(list(map(len, rows)), wanted))
        state = self._enter(np.concatenate([np.asarray(row) for row in rows]), np.concatenate([np.arange(len(row)) for row in rows]))
        for layer in self._layers:
            state = self._through(layer, state, spans)
        for span in spans:
            means = state[span.start : span.stop].view(len(span.texts), -1, state.shape[1]).float().mean(1)
            found[list(span.texts)] = functional.normalize(means, dim=-1).cpu().numpy()

    def _enter(self, tokens: Any, places: Any) -> torch.Tensor:  # noqa: ANN401 - integer arrays (n,)
        import torch

        at = (torch.from_numpy(indices.astype(np.int64)).to(self._words.device) for indices in (tokens, places))
        return self._entry(self._words[next(at)] + self._places[next(at)])

    def _through(self, layer: Layer, state: torch.Tensor, spans: Sequence[Span]) -> torch.Tensor:
        """Return the states (n, d) after one layer."""
        import torch
        from torch.nn import functional

        mixed = layer.mixed_norm(layer.mixed(self._attend(layer.attended(state), spans)) + state)
        narrowed = torch.empty_like(mixed)
        for start in range(0, len(mixed), WIDENED_TOKENS):
            part = slice(start, start + WIDENED_TOKENS)
            narrowed[part] = layer.narrowed(functional.gelu(layer.widened(mixed[part])))
        return layer.narrowed_norm(narrowed.add_(mixed))

    def _attend(self, projected: torch.Tensor, spans: Sequence[Span]) -> torch.Tensor:
        """Return what each token gathers from its own text, (n, d); `projected` (n, 3 d) holds queries, keys and values."""
        from torch.nn import functional

        width = projected.shape[1] // 3
        gathered = projected.new_empty((len(projected), width))
        for span in spans:
            parts = projected[span.start : span.stop].view(len(span.texts), -1, 3, self._heads, width // self._heads)
            queries, keys, values = parts.permute(2, 0, 3, 1, 4)  # each (texts, heads, length, d / heads)
            seen = functional.scaled_dot_product_attention(queries, keys, values)
            gathered[span.start : span.stop] = seen.transpose(1, 2).reshape(-1, width)
        return gathered


class _Table:
    """The weights by name, as layers."""

    def __init__(self, weights: Mapping[str, torch.Tensor], epsilon: float) -> None:
        self._weights = weights
        self._epsilon = epsilon
        self.depth = len({name.split(".")[2] for name in weights if name.startswith("encoder.layer.")})

    def layer(self, number: int) -> Layer:
        at = f"encoder.layer.{number}"
        return Layer(
            attended=self.dense(*(f"{at}.attention.self.{name}" for name in ("query", "key", "value"))),
            mixed=self.dense(f"{at}.attention.output.dense"),
            mixed_norm=self.norm(f"{at}.attention.output.LayerNorm"),
            widened=self.dense(f"{at}.intermediate.dense"),
            narrowed=self.dense(f"{at}.output.dense"),
            narrowed_norm=self.norm(f"{at}.output.LayerNorm"),
        )

    def dense(self, *names: str) -> Dense:
        import torch

        weight = torch.cat([self._weights[f"{name}.weight"] for name in names])
        return Dense(weight.t().contiguous(), torch.cat([self._weights[f"{name}.bias"] for name in names]))

    def norm(self, name: str) -> Norm:
        return Norm(self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], self._epsilon)


def load_packed(folder: Path, *, device: str, dtype: torch.dtype) -> PackedBert | None:
    """Return the encoder in `folder`, or None where it is not a BERT with mean pooling of exactly the kind written here."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from tokenizers import Tokenizer

    try:
        config, longest = _settings(folder)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        weights = {name: tensor.to(device, dtype) for name, tensor in load_file(folder / "model.safetensors").items()}
        epsilon = float(config.get("layer_norm_eps", 1e-12))
        return PackedBert(weights, tokenizer, heads=int(config["num_attention_heads"]), epsilon=epsilon, max_seq_length=longest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError):
        return None


def _settings(folder: Path) -> tuple[dict[str, Any], int]:
    """Return the model's settings and the most tokens read; ValueError where one of them is unknown here."""
    config = _object(folder / "config.json")
    modules = json.loads((folder / "modules.json").read_bytes())
    pooling = _object(folder / str(modules[1]["path"]) / "config.json")
    sentences = _object(folder / "sentence_bert_config.json")
    tokenizer, named = _object(folder / "tokenizer.json"), _object(folder / "tokenizer_config.json")
    told = _object(folder / "config_sentence_transformers.json")
    lower = tokenizer["normalizer"]["lowercase"]
    known = (
        [str(module["type"]).rsplit(".", 1)[-1] for module in modules] == MODULES
        and not modules[0]["path"]
        and all(config.get(name, value) == value for name, value in BERT.items())
        and {name for name, chosen in pooling.items() if name.startswith("pooling_mode_") and chosen} == POOLING
        and not sentences.get("do_lower_case")
        and not told.get("default_prompt_name")
        and tokenizer["normalizer"]["type"] == "BertNormalizer"
        and named.get("do_lower_case", lower) == lower
        and named.get("tokenizer_class") in {"BertTokenizer", "BertTokenizerFast"}
    )
    if not known:
        raise ValueError(f"{folder} is another kind of encoder")
    return config, min(int(sentences["max_seq_length"]), int(config["max_position_embeddings"]))


def _object(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_bytes())
    if not isinstance(found, dict):
        raise TypeError(f"{path} does not hold an object")
    return found


def _passes(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the indices in order of length, at most PASS_TOKENS tokens together (a longer text alone)."""
    group: list[int] = []
    held = 0
    for index in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if group and held + lengths[index] > PASS_TOKENS:
            yield group
            group, held = [], 0
        group.append(index)
        held += lengths[index]
    if group:
        yield group


def _spans(lengths: Sequence[int], wanted: Sequence[int]) -> Iterator[Span]:
    """Yield one span per length; `lengths` ascend."""
    start = 0
    for length, texts in groupby(zip(lengths, wanted, strict=True), key=lambda pair: pair[0]):
        places = tuple(place for _, place in texts)
        yield Span(start, start + length * len(places), places)
        start += length * len(places)
