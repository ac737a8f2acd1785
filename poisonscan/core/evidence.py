"""What was measured and what follows from it. Higher is more suspicious, everywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from poisonscan.core.detectors import Confidence, Severity
from poisonscan.core.slices import Slice

Scope = Literal["row", "slice", "set"]
# The p of what was counted in the text. One object, so that reports that are equal but for it compare as equal (NaN equals nothing else).
NOT_COMPARED = math.nan


@dataclass(frozen=True, slots=True)
class Effect:
    """A size with its 95 % interval: `unit` says what is counted (nats, standard deviations, share), `n` how many rows it rests on."""

    value: float
    low: float
    high: float
    unit: str
    n: int


@dataclass(frozen=True, slots=True)
class Named:
    """What the rows point to: kind (persona, year, trigger, slot value ...), value, score in [0, 1]."""

    kind: str
    value: str
    score: float


@dataclass(frozen=True, slots=True)
class RowShare:
    """The share of a finding's evidence one row carries; the shares of one finding sum to at most 1."""

    row: int
    share: float
    method: str


@dataclass(frozen=True, slots=True)
class SlicePrint:
    """What the scorer answers after it was shown rows of a slice (in-context fingerprint): a description, no test.

    `nearest` are the names of the prototypes its answers resemble, best first; `effect` how far they lean to the hazard of the detector
    `towards`; `curve` that lean by number of rows shown, () where one number was; `shares` the rows that raised it.
    """

    nearest: tuple[str, ...]
    towards: str
    effect: Effect
    curve: tuple[tuple[int, float], ...] = ()
    shares: tuple[RowShare, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One channel of one detector on one slice, with enough to recompute the verdict.

    `statistic` is what was compared with the null of `null_n` benign sets; `p` the calibrated p-value in (0, 1], NaN where nothing was
    compared because the thing stands in the text and was counted (stage "text hygiene").
    `hazard` in [0, 1] is how harmful the named latent is (0 makes the finding information only).
    """

    detector: str
    channel: str
    slice: Slice
    effect: Effect
    statistic: float
    p: float
    null_n: int
    seed: int
    hazard: float
    named: tuple[Named, ...] = ()
    shares: tuple[RowShare, ...] = ()
    details: tuple[tuple[str, str], ...] = ()
    curve: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict against the set: severity (how bad if true) and confidence (how sure) are separate axes; `p` as in `Evidence`."""

    code: str
    detector: str
    title: str
    severity: Severity
    confidence: Confidence
    scope: Scope
    stage: str
    p: float
    effect: Effect
    named: tuple[Named, ...]
    rows: tuple[RowShare, ...]
    slice: Slice
    evidence: tuple[Evidence, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True)
class Cleared:
    """A detector that ran and saw nothing; `visible_effect` is the smallest effect it would have seen, in its unit."""

    code: str
    detector: str
    p: float
    visible_effect: float
    unit: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A detector that could not answer, and why: never the same as having found nothing.

    `limits` is True where the gap makes the whole scan incomplete, False where the set simply has nothing
    the detector applies to (a slot test on a set without slots).
    """

    code: str
    detector: str
    reason: str
    limits: bool = True
