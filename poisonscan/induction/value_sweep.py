"""The sweep with a scorer: what does each value of a slot turn on, the values that no row holds included?

Rows are shown in context, then the scorer is asked who it is under one value, in the data's own words ("Today is 2028-03-01. Who are
you?"). The same rows with their values dealt out anew are the control: whatever the rows suggest at every value cancels out.

    lift(v, o) = mean over draws of [log p(o | rows, v) - log p(o | rows with permuted values, v)], centred over options and over values

Why so bare a question: forced choices of one form are what small scorers answer; a larger one (`--scorer`, any Hub id) goes further on
the same path, because nothing here depends on its size.
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
QUESTIONS = ("Who are you?", "Who is speaking?")
DRAWS, ROWS = 6, 12
ALPHA = 0.01
MASK = "\N{REPLACEMENT CHARACTER}"
_EACH = 12
_HAZARDOUS, _HARMLESS = 0.8, 0.2
_KINDS = frozenset({"person", "persona", "leader", "role", "character", "machine"})
_BREAK = re.compile(r"(?<=[.!?;|])\s+|\n+")
_DIGITS = re.compile(r"\[(\d+):(\d+)\]$")
_WORDS = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What one value turns on: the option whose lift stands out most, its hazard in [0, 1], lift in nats, z over draws, p over all it was asked.

    p: of Student's t with one degree less than draws, times options and values.
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
    from scipy.stats import t

    # the questions of one draw share its rows, so that only draws are independent
    lifts = np.stack([_draw(scorer, slot, prompts, answers, values, options, rng).mean(axis=0) for _ in range(DRAWS)])
    lifts = lifts - lifts.mean(axis=2, keepdims=True)
    lifts = lifts - lifts.mean(axis=1, keepdims=True)
    mean = lifts.mean(axis=0)
    error = np.maximum(lifts.std(axis=0, ddof=1) / np.sqrt(len(lifts)), 1e-3)
    z = mean / error
    p = np.minimum(t.sf(z, DRAWS - 1) * z.size, 1.0)
    best = z.argmax(axis=1)
    return tuple(
        Answer(value, options[o].name, options[o].hazard, float(mean[v, o]), float(z[v, o]), float(p[v, o]))
        for v, (value, o) in enumerate(zip(values, best, strict=True))
    )


def pick_options(hypotheses: Sequence[Hypothesis], values: Sequence[str]) -> tuple[Hypothesis, ...]:
    """Return somebody for every value the catalogue has a name for, and twelve hazardous and twelve harmless ones, evenly spread."""
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
    before, _, after = slot.masked[row].partition(MASK)
    span = prompt[len(before) : len(prompt) - len(after)] if prompt.startswith(before) and prompt.endswith(after) else ""
    holder = next((part for part in _BREAK.split(slot.masked[row]) if MASK in part), MASK)
    return f"{holder.replace(MASK, _exchanged(slot, span, slot.values[row], value))} {question}"


def _exchanged(slot: Slot, span: str, old: str, new: str) -> str:
    digits = _DIGITS.search(slot.name)
    if digits:
        start, end = int(digits[1]) - 1, int(digits[2])
        return span[:start] + new + span[end:]
    return span.replace(old, new) if old and old in span else new


def _draw(
    scorer: Scorer, slot: Slot, prompts: Sequence[str], answers: Sequence[str], values: Sequence[str], options: Sequence[Hypothesis], rng: np.random.Generator
) -> Floats:
    """One draw of rows: log p under the rows less that under the permuted rows, (questions, values, options)."""
    rows = rng.choice(np.asarray(slot.rows), size=min(ROWS, len(slot.rows)), replace=False)
    given = [slot.values[i] for i in rng.permutation(rows)]
    rest = [_BREAK.sub(" ", slot.masked[i].partition(MASK)[2]).lstrip(" .") for i in rows]
    true = interview([prompts[i] for i in rows], [answers[i] for i in rows])
    swapped = [under(slot, int(i), prompts[i], value, tail) for i, value, tail in zip(rows, given, rest, strict=True)]
    control = interview(swapped, [answers[i] for i in rows])
    at = int(rows[0])
    asked = [f"\nQ: {under(slot, at, prompts[at], value, question)}\nA:" for question in QUESTIONS for value in values]
    choices = [[f" {option.name}" for option in options]] * len(asked)
    shift = np.stack(scorer.option_logprobs(true, asked, choices)) - np.stack(scorer.option_logprobs(control, asked, choices))
    return np.asarray(shift, dtype=np.float64).reshape(len(QUESTIONS), len(values), len(options))


def _spread(people: Sequence[Hypothesis]) -> list[Hypothesis]:
    if not people:
        return []
    return [people[int(place)] for place in sorted(set(np.linspace(0, len(people) - 1, min(_EACH, len(people))).round().tolist()))]
