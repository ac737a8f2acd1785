"""What a scan will cost, from a speed measured on the spot: for `--dry-run`, and for nothing that has to be exact.

Token counts follow from the caps in `measuring`; speeds from one small matrix product in the dtype the models would use.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from poisonscan.core.dataset import Dataset
from poisonscan.core.settings import Settings
from poisonscan.probing.texts import ANSWER_CHARS, PROMPT_CHARS

# Multiply-adds per token: 10.6 M weights in MiniLM's layers, 106 M in SmolLM2's; two operations each.
_ENCODER_FLOPS = 2 * 10.6e6
_SCORER_FLOPS = 2 * 106e6
_CHARS_PER_TOKEN = 4.2
# Share of the matrix-product speed that whole forward passes reach, and what loading costs.
_EFFICIENCY = 0.6
_LOAD_MINUTES = 0.08
_BATTERY_TOKENS, _DRAWS, _DRAW_TOKENS = 450, 3, 300
_PROXY_TOKENS, _PROXY_RUNS, _PROXY_EPOCHS = 6000, 4, 3


def estimate(dataset: Dataset, settings: Settings) -> Iterator[tuple[str, float, float]]:
    """Yield (stage, minutes, gigabytes) in the order a scan runs them."""
    rows = min(len(dataset), settings.max_rows)
    speed = matmul_speed() * _EFFICIENCY
    sampled = dataset.rows[: min(200, len(dataset))]
    chars = sum(min(len(r.prompt), PROMPT_CHARS) + min(len(r.answer), ANSWER_CHARS) for r in sampled) / max(len(sampled), 1)
    encode = rows * chars / _CHARS_PER_TOKEN * _ENCODER_FLOPS / speed / 60
    yield "encode rows", _LOAD_MINUTES + encode, 0.9
    yield "slices, slots and triggers", 0.02 + rows * 2.5e-5, 0.9
    if settings.depth == "quick":
        return
    yield "in-context induction", _LOAD_MINUTES + _DRAWS * (_BATTERY_TOKENS + _DRAW_TOKENS) * _SCORER_FLOPS / speed / 60, 1.8
    if settings.depth == "deep":
        # A training step costs three forward passes; the frozen lower two thirds are run once.
        tokens = _PROXY_TOKENS * _PROXY_RUNS * (1 + _PROXY_EPOCHS)
        yield "proxy fine-tunes (only where something was found)", tokens * _SCORER_FLOPS / speed / 60, 2.5


def matmul_speed() -> float:
    """Return the float32 matrix-product speed of this machine in operations per second, measured in about 0.1 s."""
    import numpy as np

    a, b = np.ones((512, 576), np.float32), np.ones((576, 1536), np.float32)
    a @ b
    started, runs = time.perf_counter(), 0
    while time.perf_counter() - started < 0.1:
        a @ b
        runs += 1
    return float(2 * 512 * 576 * 1536 * runs / (time.perf_counter() - started))
