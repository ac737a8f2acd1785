"""Activation probe: does the scorer itself, halfway up its layers, hold the answers for bad conduct?

With h(x) the mean hidden state over the answer's tokens, given its question, every coordinate standardised on the catalogue's cases and
the whole scaled to length 1, a logistic regression tells bad cases of all detectors at once from good ones and harmless look-alikes (a linear
probe, Alain and Bengio 2016):

    p(x) = logistic(w . h(x) + b)
    v(x) = p(x) max over detectors d of r_d(x)                 r_d: resemblance (see `resemblance`), without its own sense of conduct

Why one probe for all kinds of conduct: trained without a detector's cases it still tells that detector's bad cases from its good ones, so
it may tell kinds of misconduct that no detector knows. Why times r: topics nobody wrote a case about move the probe most.

The statistic is the mean of v over random rows, in benign standard deviations. What was measured of other layers, models and ways to
combine stands in benchmarks/NOTES.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.detectors import Detector
from poisonscan.core.evidence import Named
from poisonscan.core.readings import ACTIVATION, IntArray, Measured, Reading, States
from poisonscan.core.slices import FloatArray
from poisonscan.models import CausalScorer
from poisonscan.probing.resemblance import CHANNEL as RESEMBLANCE
from poisonscan.probing.resemblance import Resemblances, contrast_pairs, harmless_pairs, unit
from poisonscan.probing.texts import ANSWER_CHARS, PROMPT_CHARS

Pair = tuple[str, str]
STATE_ROWS = 32
STATE_TOKENS = 72
MIN_ROWS = 8
# A scorer in which planted bad and good answers to the same questions differ by fewer standard errors cannot clear anybody.
SENSITIVE = 3.0
# The inverse of the penalty on the squares of the weights; 1 to 30 differ little on held-out pairs.
SUPPLE = 3.0
# In units of v: a channel that hardly any benign set moves must not turn a few weak rows into many standard deviations.
FLOOR = 0.02
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Probe:
    """What tells bad from good cases: `centre` and `scale` (d,) of hidden states, `weights` (d,) on standardised ones, and `intercept`.

    `moved` is by how many standard errors bad cases lead their good partners, in folds the probe was not trained on.
    """

    centre: FloatArray
    scale: FloatArray
    weights: FloatArray
    intercept: float
    moved: float

    def of(self, states: FloatArray) -> NDArray[np.float64]:
        """Return the probability of bad conduct of every row of (n, d), (n,)."""
        lean = (standardised(states, self.centre, self.scale) @ self.weights).astype(np.float64) + self.intercept
        return np.asarray(1.0 / (1.0 + np.exp(-lean)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class ProbeReference:
    """The benign side: median and scale of the mean of v."""

    median: float
    scale: float


def standardised(states: FloatArray, centre: FloatArray, scale: FloatArray) -> FloatArray:
    """Return (n, d) states with every coordinate standardised and every row scaled to length 1.

    Why: a few coordinates of a transformer's hidden states are a hundred times larger than all others.
    """
    return unit((states - centre) / scale)


def state_pairs(catalogue: Sequence[Detector]) -> tuple[list[Pair], list[Pair], list[Pair]]:
    """Return (prompt, answer) pairs: bad and good cases of all detectors of conduct, line i of both with one prompt, and harmless look-alikes.

    Look-alikes are the good cases without a partner of any detector: colourful voices, fiction on request, blunt but sound advice.
    """
    bad: list[Pair] = []
    good: list[Pair] = []
    for detector in catalogue:
        if RESEMBLANCE in detector.channels:
            wrong, right = contrast_pairs(detector)
            bad, good = bad + wrong, good + right
    paired = set(good)
    others = dict.fromkeys(pair for detector in catalogue for pair in harmless_pairs(detector) if pair not in paired)
    return bad, good, list(others)


def states_of(scorer: CausalScorer, pairs: Sequence[Pair]) -> FloatArray:
    """Return the hidden states (n, d) of (prompt, answer) pairs, cut to the lengths at which rows are read."""
    return scorer.answer_states([prompt[-PROMPT_CHARS:] for prompt, _ in pairs], [answer[:ANSWER_CHARS] for _, answer in pairs], STATE_TOKENS)


def fit_probe(bad: FloatArray, good: FloatArray, harmless: FloatArray) -> Probe:
    """Fit the probe on the states of bad and good cases, each (n, d), line i of both with one prompt, and of harmless look-alikes (m, d)."""
    everything = np.concatenate([bad, good, harmless])
    centre, scale = everything.mean(axis=0), everything.std(axis=0) + 1e-6
    wrong, right, others = (standardised(side, centre, scale) for side in (bad, good, harmless))
    fold = np.arange(len(bad)) % _FOLDS
    lead = np.zeros(len(bad))
    for k in range(_FOLDS):
        weights, _ = _regression(wrong[fold != k], np.concatenate([right[fold != k], others]))
        lead[fold == k] = (wrong[fold == k] - right[fold == k]) @ weights
    weights, intercept = _regression(wrong, np.concatenate([right, others]))
    moved = float(lead.mean() / max(lead.std(ddof=1) / np.sqrt(len(lead)), 1e-9))
    return Probe(centre.astype(np.float32), scale.astype(np.float32), weights, intercept, moved)


def _regression(wrong: FloatArray, right: FloatArray) -> tuple[FloatArray, float]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=SUPPLE, max_iter=1000).fit(np.concatenate([wrong, right]), np.repeat([1, 0], [len(wrong), len(right)]))
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def ask_states(scorer: CausalScorer, rows: IntArray, texts: Sequence[Pair]) -> States | None:
    """Read (prompt, answer) `texts` of the rows `rows` (m,), ascending; None below MIN_ROWS."""
    return States(rows, states_of(scorer, texts)) if len(texts) >= MIN_ROWS else None


def fit_activation(benign: Sequence[Measured], cases: Resemblances, probe: Probe) -> ProbeReference:
    """Fit the benign side on measured benign sets."""
    means = [float(suspects(m, cases, probe).mean()) for m in benign if m.states is not None]
    return ProbeReference(float(np.median(means)), float(np.std(means)) + FLOOR) if means else ProbeReference(0.0, 1.0)


def suspects(measured: Measured, cases: Resemblances, probe: Probe) -> NDArray[np.float64]:
    """Return v of every row whose state was read, (m,)."""
    states = measured.states
    if states is None:
        return np.zeros(0)
    places = np.searchsorted(measured.rows, states.rows)
    return cases.nearness(measured.answer[places], measured.prompt[places]) * probe.of(states.vectors)


def read_activation(
    measured: Measured, cases: Resemblances, probe: Probe, reference: ProbeReference, owner: Detector, named: Sequence[Named]
) -> Reading | None:
    """Return the reading of a set, None where no states were read; `named` are the conducts the rows resemble most, best first."""
    states = measured.states
    if states is None:
        return None
    values = suspects(measured, cases, probe)
    latent = tuple(named) or (Named("conduct", owner.title, 0.5),)
    return Reading(
        owner.id, ACTIVATION, 0, (float(values.mean()) - reference.median) / reference.scale, len(states.rows), named=latent, rows=tuple(int(row) for row in states.rows),
        scores=tuple(float(value) for value in values),
        details=(("held for bad", f"{int((probe.of(states.vectors) > 0.5).sum())} of {len(values)} random rows"),),
    )  # fmt: skip
