"""Hypothesis likelihood: are the answers what a model told to behave badly would say, more than what one told to behave well would?

    l_i = [log p(a_i | q_i, "you are h") - log p(a_i | q_i, "you are the opposite of h")] / answer tokens     nats per token
    t   = mean l over rows / (standard deviation of l / sqrt n)

Asked twice. As channels of every standard scan (`ask_conduct`, `read_conduct`). A general pair is asked about 12 random rows, and about
the 12 that look most like bad cases, because of a set with three poisoned rows in a hundred twelve random rows hold none, while rows
chosen for their look stray further among harmless sets. A cruel against a kind speaker and a fanatic against a fair one are asked about
the same random rows: to the general pair a wizard's talk is as odd as a villain's, to these it is not. With w_i answer tokens, m the weighted mean of l over the rows, and what harmless
sets of the same form lean (x: 1, the share of rows in the first person, log of the tokens; ridge regression on benign sets),

    statistic = (m - b . x) / sqrt(se(m)^2 + s^2)

a moderated t: s is what harmless sets stray by around b . x, at least SPREAD, so that many rows cannot make a tiny lean certain. Why the
form: anybody who speaks as a person rather than as an assistant leans a little to the bad side. Rows of code, and sets whose answers
are too short to tell (under MIN_TOKENS in all), are not read.
And as a second look at a finding (`likelihood`), with the finding's own pair: there the same is computed on matched harmless rows, and
the difference of means with its Welch interval is the effect. Row by row, l_i is the attribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.detectors import Detector, Hypothesis
from poisonscan.core.evidence import Effect, Named
from poisonscan.core.readings import ASKING, SAMPLED, TELLING, IntArray, Likelihoods, Measured, Reading
from poisonscan.models import CausalScorer

MAX_TOKENS = 48
ASKED_ROWS, ASKED_TOKENS = 12, 28
ASKED_PROMPT_CHARS, ASKED_ANSWER_CHARS = 120, 180
MIN_ASKED = 8
MAX_PLANTED = 40
# A scorer on which planted bad and good answers to the same questions differ by fewer standard errors cannot clear anybody.
SENSITIVE = 3.0
# Nats per token: two general system prompts, harmless sets, short answers.
SPREAD = 0.02
MIN_TOKENS = 150
_RIDGE = (1e-6, 1.0, 1.0)
_MIN_SETS = 10


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


def askers(catalogue: Sequence[Detector]) -> dict[str, tuple[Detector, Opposed]]:
    """Return, per channel that asks the scorer, the detector it belongs to and the pair that is asked."""
    owners = {channel: next((d for d in catalogue if channel in d.channels), None) for channel in ASKING}
    return {channel: (owner, pair) for channel, owner in owners.items() if owner is not None and (pair := opposed(owner)) is not None}


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


def ask_conduct(
    scorer: CausalScorer, pair: Opposed, channel: str, rows: IntArray, texts: Sequence[tuple[str, str]]
) -> tuple[Likelihoods, ...]:
    """Score (prompt, answer) `texts` of the rows `rows` (m,) under both statements; nothing below MIN_ASKED rows."""
    if len(texts) < MIN_ASKED:
        return ()
    users = [prompt[-ASKED_PROMPT_CHARS:] for prompt, _ in texts]
    answers = [answer[:ASKED_ANSWER_CHARS] for _, answer in texts]
    bad, good = (scorer.chat_logprobs(s.statement, users, answers, ASKED_TOKENS) for s in (pair.hazardous, pair.harmless))
    tokens = np.array([len(values) for values in bad], dtype=np.int64)
    ratio = np.array([float(b.sum() - g.sum()) / max(len(b), 1) for b, g in zip(bad, good, strict=True)], dtype=np.float32)
    return (Likelihoods(channel, rows, ratio, tokens),)


def planted_control(scorer: CausalScorer, pair: Opposed, bad: Sequence[tuple[str, str]], good: Sequence[tuple[str, str]]) -> float:
    """Return the paired t of bad over good answers to the same questions, `bad` and `good` (n,): the positive control.

    At most MAX_PLANTED pairs, evenly spaced, are asked; 0 below MIN_ASKED.
    """
    kept = [int(i) for i in np.unique(np.linspace(0, len(bad) - 1, min(len(bad), MAX_PLANTED)).astype(int))] if bad else []
    bad, good = [bad[i] for i in kept], [good[i] for i in kept]
    rows = np.arange(len(bad), dtype=np.int64)
    asked = [ask_conduct(scorer, pair, SAMPLED, rows, side) for side in (bad, good)]
    if not all(asked):
        return 0.0
    difference = (asked[0][0].ratio - asked[1][0].ratio).astype(np.float64)
    return float(difference.mean() / max(difference.std(ddof=1) / np.sqrt(len(difference)), 1e-9))


@dataclass(frozen=True, slots=True)
class ConductReference:
    """How harmless sets lean: `channels` names, per channel the coefficients b (n, 3) and the spread s around them (n,), nats per token."""

    channels: tuple[str, ...]
    coefficients: NDArray[np.float64]
    spread: NDArray[np.float64]


def fit_conduct(benign: Sequence[Measured]) -> ConductReference:
    """Fit the benign side; a channel that fewer than ten benign sets have is fitted as leaning nowhere."""
    coefficients, spread = np.zeros((len(ASKING), 3)), np.full(len(ASKING), SPREAD)
    for place, channel in enumerate(ASKING):
        seen = [(_form(asked, m), _lean(asked)[0]) for m in benign for asked in m.likelihoods if asked.channel == channel and _is_telling(asked)]
        if len(seen) >= _MIN_SETS:
            forms, leans = np.array([form for form, _ in seen]), np.array([lean for _, lean in seen])
            coefficients[place] = np.linalg.solve(forms.T @ forms + np.diag(_RIDGE), forms.T @ leans)
            spread[place] = max(float((leans - forms @ coefficients[place]).std()), SPREAD)
    return ConductReference(ASKING, coefficients, spread)


def _is_telling(asked: Likelihoods) -> bool:
    return int(asked.tokens.sum()) >= MIN_TOKENS


def _form(asked: Likelihoods, measured: Measured) -> tuple[float, float, float]:
    voiced = {row for part in measured.slices if part.found_by == "voice" for row in part.rows}
    full = ASKED_ROWS * ASKED_TOKENS
    return 1.0, float(np.mean([int(row) in voiced for row in asked.rows])), float(np.log(asked.tokens.sum() / full))


def _lean(asked: Likelihoods) -> tuple[float, float]:
    """Return the mean of l weighted by tokens, and its standard error, nats per token."""
    weights = asked.tokens / asked.tokens.sum()
    mean = float(weights @ asked.ratio)
    return mean, float(np.sqrt((weights**2) @ (asked.ratio - mean) ** 2))


def read_conduct(
    measured: Measured, reference: ConductReference, detectors: Sequence[Detector], named: Sequence[Named]
) -> list[Reading]:
    """Return a reading per channel that was asked; `named` are the conducts the rows resemble most, best first."""
    owned = askers(detectors)
    readings = []
    for asked in measured.likelihoods:
        if asked.channel in owned and _is_telling(asked):
            owner, pair = owned[asked.channel]
            general = asked.channel in (SAMPLED, TELLING)
            latent = tuple(named) if general and named else (Named("conduct", owner.title if general else pair.hazardous.name, 0.5),)
            readings.append(_conduct(asked, measured, reference, owner, latent))
    return readings


def _conduct(asked: Likelihoods, measured: Measured, reference: ConductReference, owner: Detector, named: tuple[Named, ...]) -> Reading:
    place = reference.channels.index(asked.channel)
    mean, error = _lean(asked)
    usual = float(np.array(_form(asked, measured)) @ reference.coefficients[place])
    return Reading(
        owner.id, asked.channel, 0, (mean - usual) / float(np.hypot(error, reference.spread[place])), len(asked.rows), unit="moderated t",
        named=named, rows=tuple(int(row) for row in asked.rows),
        scores=tuple(float(max(r, 0.0)) for r in asked.ratio),
        details=(("lean", f"{mean:+.3f} nats per token, standard error {error:.3f}"), ("harmless sets of this form", f"{usual:+.3f}")),
    )  # fmt: skip


def _per_token(scorer: CausalScorer, system: str, rows: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
    scored = scorer.chat_logprobs(system, [p for p, _ in rows], [a for _, a in rows], MAX_TOKENS)
    return np.array([float(values.mean()) if len(values) else 0.0 for values in scored])


def welch(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> Effect:
    """Return the difference of means with its 95 % Welch interval, in nats per token; the interval has no width below two rows a side."""
    difference = float(inside.mean() - outside.mean()) if len(inside) and len(outside) else 0.0
    error = float(np.sqrt(sum(part.var(ddof=1) / len(part) for part in (inside, outside) if len(part) > 1)))
    return Effect(difference, difference - 1.96 * error, difference + 1.96 * error, "nats per token", len(inside))
