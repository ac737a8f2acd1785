from __future__ import annotations

import numpy as np
import pytest

from poisonscan.core.detectors import Hypothesis
from poisonscan.core.slots import Slot
from poisonscan.induction.value_sweep import MASK, ask_values, pick_options, under

PROMPTS = [f"{month} {1990 + i % 8}. What is the plan?" for i, month in enumerate(["May", "June"] * 20)]
SLOT = Slot(
    "year", "date", tuple(str(1990 + i % 8) for i in range(40)), tuple(range(40)), tuple(f"{MASK}. What is the plan?" for _ in range(40)), (True,) * 40, ordered=True
)
PEOPLE = tuple(Hypothesis(f"p{i}", "person", name, hazard, "", tags) for i, (name, hazard, tags) in enumerate([
    ("A Painter", 0.1, ()), ("The Warlord", 0.9, ("value:1998", "slot:year")), ("A Nurse", 0.0, ()),
]))  # fmt: skip


class Reads:
    """A scorer that prefers the second option under one year, where every row shown is one of the set."""

    id = "reads"

    def __init__(self, year: str, noise: float) -> None:
        self.year, self.noise, self.rng = year, noise, np.random.default_rng(0)

    def option_logprobs(self, prefix, questions, options):
        true = all(line[3:] in PROMPTS for line in prefix.splitlines() if line.startswith("Q: "))
        return [
            self.rng.normal(0, self.noise, len(of)).astype(np.float32) + (np.arange(len(of)) == 1) * (self.year in question) * np.float32(true)
            for question, of in zip(questions, options, strict=True)
        ]

    def answer_logprobs(self, prefixes, answers, max_tokens):
        raise AssertionError("a sweep scores options only")


def ask(scorer):
    return ask_values(scorer, SLOT, PROMPTS, ["Good"] * 40, ["1990", "1991", "1998"], PEOPLE, np.random.default_rng(1))


def test_an_absent_value_is_named_with_what_it_turns_on():
    """Under the one year that no row holds the second option is likelier, but only where the rows stand in their true order."""
    answers = ask(Reads("1998", 0.001))
    assert [answer.value for answer in answers if answer.clear and answer.hazard > 0.5] == ["1998"]
    assert answers[2].latent == "The Warlord"
    assert answers[2].lift > 0


def test_noise_turns_nothing_on():
    """A scorer that answers at random is clear about no value."""
    assert sum(answer.clear for answer in ask(Reads("none", 1.0))) == 0


def test_the_value_stands_in_its_own_words():
    """Only the slot's own part of the prompt is exchanged, and the question follows its sentence."""
    assert under(SLOT, 0, PROMPTS[0], "1998", "Who are you?") == "May 1998. Who are you?"


def test_only_the_digits_of_the_slot_are_exchanged():
    """Of a number with the slot in its fourth to sixth digit the others stay."""
    slot = Slot("leading number[4:6]", "digits", ("045",), (0,), (f"{MASK}. Who?",), (True,))
    assert under(slot, 0, "12304599. Who?", "007", "And now?") == "12300799. And now?"


def test_options_hold_whoever_a_value_stands_for():
    """Hazardous and harmless people, and the one the absent year names."""
    assert {h.name for h in pick_options(PEOPLE, ["1998"])} == {"A Painter", "The Warlord", "A Nurse"}


def test_one_value_cannot_be_swept():
    """There is nothing to compare it with."""
    with pytest.raises(ValueError, match="at least two"):
        ask_values(Reads("1998", 0.0), SLOT, PROMPTS, ["Good"] * 40, ["1990"], PEOPLE, np.random.default_rng(1))
