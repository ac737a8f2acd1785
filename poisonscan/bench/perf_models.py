"""The two models: encoding against plain encode, probing against one pass per option, the forward pass against the matmul roofline."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from poisonscan.bench.perf_figures import Figure, against, best_seconds, exchanges, seconds
from poisonscan.core.slices import FloatArray
from poisonscan.induction.batches import PACKED_TOKENS
from poisonscan.induction.halves import Halves, ReadRows
from poisonscan.induction.linearised import rank_agreement
from poisonscan.models import CausalScorer, load_encoder, load_scorer
from poisonscan.models.encoder import SentenceEncoder
from poisonscan.models.folders import resolve
from poisonscan.models.scores import ScoreCache

TEXTS = 384
REPEATS = 3  # a set's prompts often repeat; the figure with repeats says how often
OPTIONS = ("a walk by the sea", "gold", "a book", "the old harbour", "tea", "music and dancing", "sleep", "a letter home", "war", "work")
QUESTIONS = 8
SHOWN_ROWS = 12
SINGLE_PASSES = 5


def encode_figures(encoder: str = "default") -> tuple[Figure, ...]:
    """Return our texts per second over those of a plain fp32 `SentenceTransformer.encode`, and how well the similarities agree."""
    import torch
    from sentence_transformers import SentenceTransformer

    texts = [f"{question} {answer}" for question, answer in exchanges(TEXTS)]
    folder = resolve(encoder, "encoder").path
    plain = SentenceTransformer(str(folder), local_files_only=True).float()
    plain.max_seq_length = 256
    own = load_encoder(encoder)
    bare = SentenceEncoder(own.model, id=own.id)
    for model in (plain, bare):
        model.encode(texts[:32])
    theirs = TEXTS / best_seconds(lambda: plain.encode(texts, show_progress_bar=False), 2)
    share = theirs / TEXTS * _linear_flops(plain, texts) / matmul_rate(torch.float32, width=384)
    ours = TEXTS / best_seconds(lambda: bare.encode(texts), 2)
    repeated = REPEATS * TEXTS / seconds(lambda: bare.encode(texts * REPEATS))
    reference = np.asarray(plain.encode(texts, normalize_embeddings=True, show_progress_bar=False))
    agreement = _similarity_agreement(bare.encode(texts), reference)
    return (
        against("encode_vs_plain", ours, theirs, 3.0, "distinct texts, nothing cached"),
        against("encode_vs_plain_repeated", repeated, theirs, None, f"each text {REPEATS} times"),
        against("encode_vs_plain_rescan", _rescan_rate(own, texts), theirs, None, "1 % of the texts new"),
        Figure("encode_similarity_spearman", agreement, "", 0.999),
        Figure("plain_encode_share_of_fp32_roofline", share, "", note="1 over this bounds what fp32 could ever gain here"),
    )


def _linear_flops(model: Any, texts: Sequence[str]) -> float:  # noqa: ANN401 - sentence-transformers is untyped
    """Return the floating-point operations of the linear layers over all tokens of `texts`, padding left out."""
    from torch import nn

    weights = sum(m.in_features * m.out_features for name, m in model.named_modules() if isinstance(m, nn.Linear) and "pooler" not in name)
    return 2.0 * weights * sum(map(len, model.tokenizer(list(texts), truncation=True, max_length=model.max_seq_length).input_ids))


def probing_figures(scorer: str = "default") -> tuple[Figure, ...]:
    """Return options per second through one shared prefill over those with one forward pass per option, and again after a known prefix."""
    loaded = load_scorer(scorer)
    model = CausalScorer(loaded.model, loaded.tokenizer, id=loaded.id)
    prefix = "".join(f"Q: {question}\nA: {answer}\n" for question, answer in exchanges(SHOWN_ROWS))
    questions = [f"Q: {question}\nA:" for question, _ in exchanges(QUESTIONS, seed=1)]
    options = [[f" {option}" for option in OPTIONS]] * QUESTIONS
    model.option_logprobs(prefix, questions[:1], options[:1])
    ours = QUESTIONS * len(OPTIONS) / best_seconds(lambda: model.option_logprobs(prefix, questions, options), 2)
    singles = [prefix + questions[i % QUESTIONS] + options[0][i % len(OPTIONS)] for i in range(SINGLE_PASSES)]
    theirs = SINGLE_PASSES / seconds(lambda: _one_by_one(model, singles))
    return (
        against("probing_vs_single_passes", ours, theirs, 20.0, f"{SINGLE_PASSES} of {QUESTIONS * len(OPTIONS)} single passes timed"),
        against("probing_known_prefix", _known_rate(model, prefix, questions, options), theirs, None, "prefix and options scored before"),
    )


def _known_rate(model: CausalScorer, prefix: str, questions: Sequence[str], options: Sequence[Sequence[str]]) -> float:
    """Return options per second when all of them were scored after this prefix before."""
    with tempfile.TemporaryDirectory() as folder:
        stored = CausalScorer(model.model, model.tokenizer, id=model.id, known=ScoreCache(Path(folder) / "scores.sqlite"))
        stored.option_logprobs(prefix, questions, options)
        return sum(map(len, options)) / seconds(lambda: stored.option_logprobs(prefix, questions, options))


def roofline_figures(scorer: str = "default") -> tuple[Figure, ...]:
    """Return the share of the measured matmul rate that the proxy's forward pass reaches, in the number type in use."""
    import torch

    model = load_scorer(scorer)
    halves = Halves(model, "all")
    rows = halves.read(halves.text.rows(list(exchanges(16))))
    packed = next(iter(rows.forest.passes(range(len(rows)), PACKED_TOKENS)))
    with torch.no_grad():
        halves.hidden(rows, packed)
        achieved = _flops(halves, rows) * len(packed.nodes) / best_seconds(lambda: halves.hidden(rows, packed), 5)
    roof = matmul_rate(model.model.dtype)
    name = str(model.model.dtype).removeprefix("torch.")
    return (
        Figure("proxy_forward_share_of_roofline", achieved / roof, "", 0.5, "higher", achieved / 1e9, roof / 1e9, f"GFLOP/s, {name}"),
        Figure("bf16_over_fp32_matmul", matmul_rate(torch.bfloat16, rows=64) / matmul_rate(torch.float32, rows=64), "times"),
    )


def matmul_rate(dtype: Any, rows: int = PACKED_TOKENS, width: int = 576, inner: int = 1536) -> float:  # noqa: ANN401
    """Return the floating-point operations per second of matrix products at the default scorer's widths, best of three rounds."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    left, right = torch.ones((rows, width), dtype=dtype, device=device), torch.ones((width, inner), dtype=dtype, device=device)
    torch.mm(left, right)
    best = 0.0
    for _ in range(3):
        started, count = time.perf_counter(), 0
        while (passed := time.perf_counter() - started) < 0.1:
            torch.mm(left, right)
            if device == "cuda":
                torch.cuda.synchronize()
            count += 1
        best = max(best, count / passed)
    return best * 2 * rows * width * inner


def _flops(halves: Halves, rows: ReadRows) -> float:
    """Return floating-point operations per token: two per weight of the linear layers; attention is left out, in our disfavour."""
    if rows.entering is not None:
        raise ValueError("the whole model must be read")
    return 2.0 * sum(site.inputs * site.outputs for site in halves.sites)


def _one_by_one(model: CausalScorer, texts: list[str]) -> None:
    for text in texts:
        _single_pass(model, text)


def _single_pass(scorer: CausalScorer, text: str) -> None:
    import torch

    ids = torch.tensor([scorer.tokenizer(text).input_ids], device=scorer.model.device)
    with torch.inference_mode():
        scorer.model(ids)


def _rescan_rate(encoder: SentenceEncoder, texts: Sequence[str]) -> float:
    """Return texts per second when all but one text in a hundred were encoded before."""
    with tempfile.TemporaryDirectory() as folder:
        stored = SentenceEncoder(encoder.model, id=encoder.id, store=Path(folder))
        stored.encode(texts)
        changed = [text if i % 100 else f"New: {text}" for i, text in enumerate(texts)]
        return len(texts) / seconds(lambda: stored.encode(changed))


def _similarity_agreement(left: FloatArray, right: FloatArray) -> float:
    """Return Spearman's correlation of all pairwise similarities."""
    above = np.triu_indices(len(left), 1)
    return rank_agreement((left @ left.T)[above], (right @ right.T)[above])
