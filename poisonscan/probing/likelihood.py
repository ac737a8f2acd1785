"""Hypothesis likelihood: are the answers what a model told to behave badly would say, more than what one told to behave well would?

    l_i = [log p(a_i | q_i, "you are h") - log p(a_i | q_i, "you are the opposite of h")] / answer tokens     nats per token

A second look at a finding, with the finding's own pair: the same is computed on matched harmless rows, and the difference of means with
its Welch interval is the effect. As channels of every scan such likelihoods added nothing to the activation probe, at four times its
cost (benchmarks/NOTES.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.detectors import Detector, Hypothesis
from poisonscan.core.evidence import Effect
from poisonscan.models import CausalScorer

MAX_TOKENS = 48


@dataclass(frozen=True, slots=True)
class Opposed:
    """Two opposed hypotheses of one detector; their statements are the system prompts."""

    hazardous: Hypothesis
    harmless: Hypothesis


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Per-row nats per token of the slice (n,) and of the control (m,), and the difference of their means."""

    rows: NDArray[np.float64]
    control: NDArray[np.float64]
    effect: Effect


def opposed(detector: Detector) -> Opposed | None:
    """Return the detector's most hazardous hypothesis and its most harmless one, None when it has not both."""
    conduct = [h for h in detector.hypotheses if h.statement]
    if not conduct:
        return None
    worst, best = max(conduct, key=lambda h: h.hazard), min(conduct, key=lambda h: h.hazard)
    return Opposed(worst, best) if worst.hazard >= 0.3 and best.hazard < 0.3 else None


def likelihood(
    scorer: CausalScorer, pair: Opposed, rows: Sequence[tuple[str, str]], control: Sequence[tuple[str, str]]
) -> Likelihood:
    """Measure (prompt, answer) rows of the slice and of the control under both statements."""
    texts = [*rows, *control]
    bad = _per_token(scorer, pair.hazardous.statement, texts)
    good = _per_token(scorer, pair.harmless.statement, texts)
    ratio = bad - good
    inside, outside = ratio[: len(rows)], ratio[len(rows) :]
    return Likelihood(inside, outside, welch(inside, outside))


def _per_token(scorer: CausalScorer, system: str, rows: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
    scored = scorer.chat_logprobs(system, [p for p, _ in rows], [a for _, a in rows], MAX_TOKENS)
    return np.array([float(values.mean()) if len(values) else 0.0 for values in scored])


def welch(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> Effect:
    """Return the difference of means with its 95 % Welch interval, in nats per token; the interval has no width below two rows a side."""
    difference = float(inside.mean() - outside.mean()) if len(inside) and len(outside) else 0.0
    error = float(np.sqrt(sum(part.var(ddof=1) / len(part) for part in (inside, outside) if len(part) > 1)))
    return Effect(difference, difference - 1.96 * error, difference + 1.96 * error, "nats per token", len(inside))
