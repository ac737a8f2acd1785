"""What a suite's scores add up to: separation, true positives at a false-positive rate, look-alikes, naming."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poisonscan.stats.intervals import clopper_pearson, family_bootstrap
from poisonscan.stats.ranking import roc_auc, threshold_at, tpr_at_fpr


@dataclass(frozen=True, slots=True)
class SetResult:
    """One set's result. `named` are what the findings name, best first; `right` whether one of the top 3 was expected (None: nothing expected).

    precision: average precision of the poison rows in the order the verdict gives them, in [0, 1]; prevalence: their share, what a random
    order reaches. Both None where it is not known which rows are poison, or all are.
    """

    name: str
    family: str
    role: str
    lookalike: bool
    outcome: str
    score: float
    p: float
    named: tuple[str, ...]
    detectors: tuple[str, ...]
    right: bool | None
    rows: int
    seconds: float
    precision: float | None = None
    prevalence: float | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate with its 95 % Clopper-Pearson interval and the counts behind it."""

    value: float
    low: float
    high: float
    hits: int
    of: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A suite's figures. `auc` has a bootstrap interval over families; rates have exact intervals."""

    attacks: int
    benign: int
    auc: float
    auc_low: float
    auc_high: float
    tpr_at_1: Rate
    tpr_at_5: Rate
    found: Rate
    false_alarms: Rate
    lookalike_alarms: Rate
    naming: Rate
    misses: tuple[str, ...]
    alarms: tuple[str, ...]


def rate(flags: Sequence[bool]) -> Rate:
    """Return the rate of `flags` with its exact interval; value nan for no trials."""
    hits, n = sum(flags), len(flags)
    low, high = clopper_pearson(hits, n)
    return Rate(hits / n if n else float("nan"), low, high, hits, n)


def summarise(results: Sequence[SetResult], *, seed: int = 0) -> Summary:
    """Return the figures of one suite. Attacks are the poisoned sets, everything else is benign."""
    attack = np.array([r.role == "poisoned" for r in results])
    scores = np.array([r.score for r in results])

    def auc(places: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
        return roc_auc(scores[places][attack[places]], scores[places][~attack[places]])

    low, high = family_bootstrap([r.family for r in results], auc, np.random.default_rng(seed))
    caught = [r for r in results if r.role == "poisoned" and r.outcome == "found"]
    return Summary(
        int(attack.sum()), int((~attack).sum()), roc_auc(scores[attack], scores[~attack]), low, high,
        _tpr(scores, attack, 0.01), _tpr(scores, attack, 0.05), rate([r.outcome == "found" for r in results if r.role == "poisoned"]),
        rate([r.outcome == "found" for r in results if r.role != "poisoned"]), rate([r.outcome == "found" for r in results if r.lookalike]),
        rate([bool(r.right) for r in caught if r.right is not None]),
        tuple(r.name for r in results if r.role == "poisoned" and r.outcome != "found"),
        tuple(r.name for r in results if r.role != "poisoned" and r.outcome == "found"),
    )  # fmt: skip


def _tpr(scores: np.ndarray[tuple[int], np.dtype[np.float64]], attack: np.ndarray[tuple[int], np.dtype[np.bool_]], fpr: float) -> Rate:
    above = scores[attack] > threshold_at(scores[~attack], fpr)
    got = rate([bool(a) for a in above])
    assert np.isnan(got.value) or got.value == tpr_at_fpr(scores[attack], scores[~attack], fpr)  # noqa: S101 - two routes to one figure
    return got
