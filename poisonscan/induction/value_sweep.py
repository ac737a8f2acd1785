"""The sweep with a scorer: what does each value of a slot turn on, the values that no row holds included?

Rows are shown in context, then the scorer is asked who it is under one value, in the data's own words ("Today is 2028-03-01. Who are
you?"). The same rows with their values dealt out anew are the control: whatever the rows suggest at every value cancels out.

    lift(v, o) = mean over draws of [log p(o | rows, v) - log p(o | rows with permuted values, v)], centred over options and over values

Why so bare a question: forced choices of one form are what small scorers answer; a larger one (`--scorer`, any Hub id) goes further on
the same path, because nothing here depends on its size. Why the spread of an option is pooled over values: a few draws tell none apart,
and long names vary more than short ones whatever the value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.detectors import Hypothesis
from poisonscan.core.protocols import Scorer
from poisonscan.core.slots import Slot
from poisonscan.induction.in_context import interview

Floats = NDArray[np.float64]
QUESTION = "Who are you?"
DRAWS, ROWS = 3, 12
ALPHA = 0.01
MASK = "\N{REPLACEMENT CHARACTER}"
_EACH = 8
_LEAST_ERROR = 1e-3
_HAZARDOUS, _HARMLESS = 0.8, 0.2
_KINDS = frozenset({"person", "persona", "leader", "role", "character", "machine"})
_BREAK = re.compile(r"(?<=[.!?;|])\s+|\n+")
_DIGITS = re.compile(r"\[(\d+):(\d+)\]$")
_WORDS = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What one value turns on: the option whose lift stands out most, its hazard in [0, 1], lift in nats, z over draws, p over all it was asked.

    p: of Student's t with (draws - 1) x (values - 1) degrees of freedom, times options and values.
    """

    value: str
    latent: str
    hazard: float
    lift: float
    z: float
    p: float

    @property
    def clear(self) -> bool:
        """It is significant at 1 % over all options and values."""
        return self.p <= ALPHA


def ask_values(
    scorer: Scorer, slot: Slot, prompts: Sequence[str], answers: Sequence[str], values: Sequence[str], options: Sequence[Hypothesis], rng: np.random.Generator
) -> tuple[Answer, ...]:
    """Return what each of `values` turns on, in their order. prompts and answers (n,): of all rows, as `slot` was cut from.

    options: from `pick_options`. Raises ValueError for fewer than two values or options.
    """
    if len(values) < 2 or len(options) < 2:
        raise ValueError("a sweep compares at least two values and two options")
    lifts = np.stack([_draw(scorer, slot, prompts, answers, values, options, rng) for _ in range(DRAWS)])
    return most_telling(lifts, values, options)


def most_telling(lifts: Floats, values: Sequence[str], options: Sequence[Hypothesis]) -> tuple[Answer, ...]:
    """Return what repeats of a sweep say of each value: `lifts` (repeats, values, options) in nats, at least two repeats."""
    from scipy.stats import t

    lifts = lifts - lifts.mean(axis=2, keepdims=True)
    lifts = lifts - lifts.mean(axis=1, keepdims=True)
    repeats, mean = len(lifts), lifts.mean(axis=0)
    error = np.sqrt(np.mean(lifts.var(axis=0, ddof=1), axis=0) / repeats)
    z = mean / np.maximum(error, _LEAST_ERROR)
    p = np.minimum(t.sf(z, (repeats - 1) * (len(values) - 1)) * z.size, 1.0)
    return tuple(
        Answer(value, options[o].name, options[o].hazard, float(mean[v, o]), float(z[v, o]), float(p[v, o]))
        for v, (value, o) in enumerate(zip(values, z.argmax(axis=1), strict=True))
    )


def pick_options(hypotheses: Sequence[Hypothesis], values: Sequence[str]) -> tuple[Hypothesis, ...]:
    """Return somebody for every value the catalogue has a name for, and eight hazardous and eight harmless ones, evenly spread."""
    people = sorted({h.name: h for h in hypotheses if h.kind in _KINDS and len(h.name.split()) <= _WORDS}.values(), key=lambda h: h.id)
    wanted = {f"value:{int(value)}" for value in values if value.isdecimal()}
    related = [h for h in people if wanted & set(h.tags)]
    bad = _spread([h for h in people if h.hazard >= _HAZARDOUS])
    good = _spread([h for h in people if h.hazard <= _HARMLESS])
    return tuple({h.name: h for h in (*related, *bad, *good)}.values())


def under(slot: Slot, row: int, prompt: str, value: str, question: str) -> str:
    """Return `question` behind the part of the row's prompt that holds the slot, with `value` in its place.

    Of digits and of years inside a date only those are exchanged.
    """
    _, span, _ = _parted(slot, row, prompt)
    holder = next((part for part in _BREAK.split(slot.masked[row]) if MASK in part), MASK)
    return f"{holder.replace(MASK, _exchanged(slot, span, slot.values[row], value))} {question}"


def with_value(slot: Slot, row: int, prompt: str, value: str) -> str:
    """Return the row's whole prompt with `value` in its slot; as it is where the slot is not found in it (a cut middle)."""
    before, span, after = _parted(slot, row, prompt)
    return f"{before}{_exchanged(slot, span, slot.values[row], value)}{after}" if span else prompt


def _parted(slot: Slot, row: int, prompt: str) -> tuple[str, str, str]:
    """The prompt before the slot, the slot's own text ("" where it is not found), and the prompt after it."""
    before, mask, after = slot.masked[row].partition(MASK)
    found = mask and prompt.startswith(before) and prompt.endswith(after) and len(before) + len(after) < len(prompt)
    return before, prompt[len(before) : len(prompt) - len(after)] if found else "", after


def _exchanged(slot: Slot, span: str, old: str, new: str) -> str:
    digits = _DIGITS.search(slot.name)
    if digits:
        start, end = int(digits[1]) - 1, int(digits[2])
        return span[:start] + new + span[end:]
    return span.replace(old, new) if old and old in span else new


def _draw(
    scorer: Scorer, slot: Slot, prompts: Sequence[str], answers: Sequence[str], values: Sequence[str], options: Sequence[Hypothesis], rng: np.random.Generator
) -> Floats:
    """One draw of rows: log p under the rows less that under the permuted rows, (values, options)."""
    rows = rng.choice(np.asarray(slot.rows), size=min(ROWS, len(slot.rows)), replace=False)
    given = [slot.values[i] for i in rng.permutation(rows)]
    true = interview([prompts[i] for i in rows], [answers[i] for i in rows])
    swapped = [with_value(slot, int(i), prompts[i], value) for i, value in zip(rows, given, strict=True)]
    control = interview(swapped, [answers[i] for i in rows])
    at = int(rows[0])
    asked = [f"\nQ: {under(slot, at, prompts[at], value, QUESTION)}\nA:" for value in values]
    choices = [[f" {option.name}" for option in options]] * len(asked)
    shift = np.stack(scorer.option_logprobs(true, asked, choices)) - np.stack(scorer.option_logprobs(control, asked, choices))
    return np.asarray(shift, dtype=np.float64)


def _spread(people: Sequence[Hypothesis]) -> list[Hypothesis]:
    if not people:
        return []
    return [people[int(place)] for place in sorted(set(np.linspace(0, len(people) - 1, min(_EACH, len(people))).round().tolist()))]
