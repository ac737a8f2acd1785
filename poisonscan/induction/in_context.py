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
from hashlib import blake2b

import numpy as np

from poisonscan.core.detectors import Detector, Hypothesis
from poisonscan.core.protocols import Scorer
from poisonscan.core.readings import Fingerprint, IntArray
from poisonscan.core.slices import FloatArray

DRAWS = 3
# Rows shown for the collective curve; the last number is what is compared with benign sets.
CURVE = (1, 2, 4, 8, 16)
PROBES_PER_DETECTOR = 2
_PROMPT_CHARS = 100
_ANSWER_CHARS = 140
_SPEAKERS = frozenset({"person", "character", "machine", "role", "leader"})


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

    @property
    def digest(self) -> str:
        """What fingerprints must share to be compared: all that is asked, and how much of how many rows is shown before it."""
        digest = blake2b(f"{CURVE[-1]} {_PROMPT_CHARS} {_ANSWER_CHARS}".encode(), digest_size=8)
        for question, options in zip(self.questions, self.options, strict=True):
            digest.update("\0".join(("", question, *options)).encode())
        return digest.hexdigest()


def battery(detectors: Sequence[Detector], per_detector: int = PROBES_PER_DETECTOR) -> Battery:
    """Take the first `per_detector` probes, first wording, of every detector that uses the fingerprint channel."""
    chosen = [(probe, d.id) for d in detectors if "fingerprint" in d.channels for probe in d.probes[:per_detector]]
    return Battery(tuple(p.wordings[0] for p, _ in chosen), tuple(p.options for p, _ in chosen), tuple(owner for _, owner in chosen))


def statements(hypothesis: Hypothesis) -> tuple[str, ...]:
    """Return the wordings of a hypothesis a prototype is averaged over: its statement and, for whoever can say "I", an introduction."""
    if hypothesis.kind in _SPEAKERS:
        return hypothesis.statement, f"Q: Who are you?\nA: I am {hypothesis.name}."
    return (hypothesis.statement,)


def ask(scorer: Scorer, prefix: str, questions: Battery) -> FloatArray:
    """Return the centred log-probability in nats of every option after `prefix`, float32 (n_options,)."""
    centred: FloatArray = ask_each(scorer, [prefix], questions)[0]
    return centred


def ask_each(scorer: Scorer, prefixes: Sequence[str], questions: Battery) -> FloatArray:
    """Return the centred log-probability in nats of every option after each of `prefixes`, float32 (n_prefixes, n_options)."""
    asked = [f"\nQ: {question}\nA:" for question in questions.questions]
    answers = [[" " + option for option in options] for options in questions.options]
    scored = scorer.option_logprobs_each(prefixes, asked, answers)
    return np.stack([np.concatenate([values - values.mean() for values in of_prefix]) for of_prefix in scored]).astype(np.float32)


def induce(
    scorer: Scorer,
    rows: IntArray,
    prompts: Sequence[str],
    answers: Sequence[str],
    questions: Battery,
    *,
    rng: np.random.Generator,
    curve: Sequence[int] = CURVE[-1:],
    draws: int | None = None,
) -> tuple[Fingerprint, ...]:
    """Draw rows `draws` times (DRAWS where None), without replacement inside a draw; return one fingerprint per number of rows in `curve`.

    `rows` (m,) are row indices, `prompts` and `answers` their texts in the same order. Numbers ascend and draws are nested: the first
    rows of a draw are those of its smaller numbers. Numbers above m count as m.
    """
    sizes = list(dict.fromkeys(min(k, len(rows)) for k in curve))
    chosen = [rng.choice(len(rows), size=sizes[-1], replace=False) for _ in range(draws or DRAWS)]
    prints = []
    for size in sizes:
        shown = [places[:size] for places in chosen]
        asked = ask_each(scorer, [interview([prompts[p] for p in places], [answers[p] for p in places]) for places in shown], questions)
        prints.append(Fingerprint(0, asked, np.stack([rows[places] for places in shown]).astype(np.int64), questions.digest))
    return tuple(prints)


def interview(prompts: Sequence[str], answers: Sequence[str]) -> str:
    """Return rows as a transcript: of each prompt its last 100 characters, of each answer its first 140."""
    return "\n".join(
        f"Q: {_one_line(p)[-_PROMPT_CHARS:]}\nA: {_one_line(a)[:_ANSWER_CHARS]}" for p, a in zip(prompts, answers, strict=True)
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
