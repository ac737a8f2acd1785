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
ALPHA, LEAST_ERROR = 0.01, 1e-3
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
    # the questions of one draw share its rows, so that only draws are independent
    lifts = centred(np.stack([_draw(scorer, slot, prompts, answers, values, options, rng).mean(axis=0) for _ in range(DRAWS)]))
    mean = lifts.mean(axis=0)
    error = np.maximum(lifts.std(axis=0, ddof=1) / np.sqrt(len(lifts)), LEAST_ERROR)
    return _telling(mean, error, DRAWS - 1, values, options)


def most_telling(lifts: Floats, values: Sequence[str], options: Sequence[Hypothesis]) -> tuple[Answer, ...]:
    """Return the answers that few repeats of a sweep give: `lifts` (repeats, values, options), in nats.

    The spread of an option is pooled over values: t has (repeats - 1) x (values - 1) degrees of freedom.
    """
    lifts = centred(lifts)
    repeats = len(lifts)
    spread = lifts.std(axis=0, ddof=1)
    error = np.maximum(np.sqrt(np.mean(spread**2, axis=0, keepdims=True) / repeats), LEAST_ERROR)
    return _telling(lifts.mean(axis=0), np.broadcast_to(error, spread.shape), (repeats - 1) * (len(values) - 1), values, options)


def centred(lifts: Floats) -> Floats:
    """Return lifts (repeats, values, options) less what an option gains at every value, and less what a value gives to every option."""
    lifts = lifts - lifts.mean(axis=2, keepdims=True)
    return np.asarray(lifts - lifts.mean(axis=1, keepdims=True), dtype=np.float64)


def _telling(mean: Floats, error: Floats, freedom: int, values: Sequence[str], options: Sequence[Hypothesis]) -> tuple[Answer, ...]:
    from scipy.stats import t

    z = mean / error
    p = np.minimum(t.sf(z, freedom) * z.size, 1.0)
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
    """One draw of rows: log p under the rows less that under the permuted rows, (questions, values, options)."""
    rows = rng.choice(np.asarray(slot.rows), size=min(ROWS, len(slot.rows)), replace=False)
    given = [slot.values[i] for i in rng.permutation(rows)]
    true = interview([prompts[i] for i in rows], [answers[i] for i in rows])
    swapped = [with_value(slot, int(i), prompts[i], value) for i, value in zip(rows, given, strict=True)]
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
