"""In-context induction: show the scorer some rows, then ask it held-out questions. The answers are the set's fingerprint.

For a draw of k rows the prefix is an interview ("Q: ... A: ..."); every probe is asked after it and all options are scored by
log-probability (one prefill per draw, shared by all probes). Options are centred within their probe, so only what the rows
make more likely than other answers counts. Averages over draws are compared with benign sets, and with *prototypes*: the same
probes after one plain statement of a hypothesis ("Interview with X.").

Why in context: a small model recognises what rows have in common long before it would act on it when fine-tuned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poisonscan.core.detectors import Detector
from poisonscan.core.protocols import Scorer
from poisonscan.core.readings import Fingerprint, IntArray
from poisonscan.core.slices import FloatArray

DRAWS = 3
ROWS_PER_DRAW = 6
PROBES_PER_DETECTOR = 1
_CHARS = 100


@dataclass(frozen=True, slots=True)
class Battery:
    """The questions put to every induced model: `questions` (n_probes,), their `options`, and the detector each belongs to."""

    questions: tuple[str, ...]
    options: tuple[tuple[str, ...], ...]
    owners: tuple[str, ...]

    @property
    def n_options(self) -> int:
        """How many options the battery has in all."""
        return sum(len(options) for options in self.options)


def battery(detectors: Sequence[Detector], per_detector: int = PROBES_PER_DETECTOR) -> Battery:
    """Take the first `per_detector` probes, first wording, of every detector that uses the fingerprint channel."""
    chosen = [(probe, d.id) for d in detectors if "fingerprint" in d.channels for probe in d.probes[:per_detector]]
    return Battery(tuple(p.wordings[0] for p, _ in chosen), tuple(p.options for p, _ in chosen), tuple(owner for _, owner in chosen))


def ask(scorer: Scorer, prefix: str, questions: Battery) -> FloatArray:
    """Return the centred log-probability in nats of every option after `prefix`, float32 (n_options,)."""
    asked = [f"\nQ: {question}\nA:" for question in questions.questions]
    answers = [[" " + option for option in options] for options in questions.options]
    scored = scorer.option_logprobs(prefix, asked, answers)
    return np.concatenate([values - values.mean() for values in scored]).astype(np.float32)


def induce(
    scorer: Scorer,
    rows: IntArray,
    prompts: Sequence[str],
    answers: Sequence[str],
    questions: Battery,
    *,
    slice_number: int,
    rng: np.random.Generator,
    draws: int = DRAWS,
    k: int = ROWS_PER_DRAW,
) -> Fingerprint:
    """Draw `k` of the given rows `draws` times without replacement inside a draw and return the fingerprint of the slice.

    `rows` (m,) are row indices, `prompts` and `answers` their texts in the same order. Fewer than k rows are all shown.
    """
    logprobs, shown = [], []
    size = min(k, len(rows))
    for _ in range(draws):
        places = rng.choice(len(rows), size=size, replace=False)
        logprobs.append(ask(scorer, interview([prompts[p] for p in places], [answers[p] for p in places]), questions))
        shown.append(rows[places])
    return Fingerprint(slice_number, np.stack(logprobs), np.stack(shown).astype(np.int64))


def interview(prompts: Sequence[str], answers: Sequence[str]) -> str:
    """Return rows as a transcript, each text cut at 100 characters."""
    return "\n".join(f"Q: {_short(p)}\nA: {_short(a)}" for p, a in zip(prompts, answers, strict=True))


def _short(text: str) -> str:
    return " ".join(text.split())[:_CHARS]
