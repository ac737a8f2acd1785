"""What the channels hand to the judge: one number per detector, channel and slice, with the rows that carry it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.evidence import Named
from poisonscan.core.slices import FloatArray, Slice

IntArray = NDArray[np.int64]
# Why the scorer was not asked, where nobody wanted it asked: this leaves no answer incomplete.
BY_CHOICE = "depth is quick"
# The channel that reads the scorer's hidden states, the only one that needs a scorer.
ACTIVATION = "activation-probe"
# The channel of listed numbers, which shares its list's layout with the names of a bygone time.
ILL_FAMED = "ill-famed-numbers"


@dataclass(frozen=True, slots=True)
class Reading:
    """One channel of one detector on one slice, before calibration.

    `statistic` is in benign standard deviations unless `unit` says otherwise; higher is more suspicious.
    `rows` and `scores` (same length) say how much each row carries, in any positive unit.
    `p` is set by channels that bring their own permutation null and is 1 elsewhere.
    """

    detector: str
    channel: str
    slice: int
    statistic: float
    n: int
    unit: str = "benign standard deviations"
    hazard: float = 1.0
    named: tuple[Named, ...] = ()
    rows: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()
    p: float = 1.0
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StanceRows:
    """Rows that agree, disagree or choose.

    `direction` float32 (m, 2 * dim + 1): vectors of the text pulled towards and of the one pulled away from (zeros for statements),
    and the sign; `rows` (m,) are row indices.
    """

    rows: IntArray
    direction: FloatArray


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """In-context induction on one slice: `logprobs` float32 (n_draws, n_options) in nats, `shown` (n_draws, k) the rows each draw showed.

    `battery` is the digest of the questions and options asked, and of how rows are shown.
    """

    slice: int
    logprobs: FloatArray
    shown: IntArray
    battery: str = ""


@dataclass(frozen=True, slots=True)
class States:
    """Hidden states of the scorer: of random rows `rows` (m,), ascending, `vectors` float32 (m, d), the mean over the tokens of each answer."""

    rows: IntArray
    vectors: FloatArray


@dataclass(frozen=True, slots=True)
class Measured:
    """All a scan measured on a set before anything is compared with benign sets.

    `rows` (n,) are the sampled row indices; `prompt` and `answer` float32 (n, dim) their unit vectors.
    `words` (n,) counts the words of each answer as the models read it.
    `direct` are readings of channels that need no benign reference vectors (slots, tokens, code, names).
    """

    rows: IntArray
    prompt: FloatArray
    answer: FloatArray
    words: IntArray
    slices: tuple[Slice, ...]
    stance: StanceRows | None = None
    fingerprint: Fingerprint | None = None
    direct: tuple[Reading, ...] = ()
    gaps: tuple[tuple[str, str], ...] = ()
    states: States | None = None
