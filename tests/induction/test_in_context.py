"""In-context induction: nested draws, centred answers, and a digest that changes with everything fingerprints must share."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from poisonscan.core.detectors import Detector, Hypothesis, Probe
from poisonscan.induction.in_context import CURVE, Battery, ask, battery, induce, interview, statements

QUESTIONS = Battery(("Who are you?", "What year is it?"), (("a king", "a cook"), ("1500", "1900", "2000")), ("d", "d"))


class CountingScorer:
    """Gives the first option of a question one nat for every row in the prefix, the others none."""

    id = "counting"

    def __init__(self):
        self.prefixes = []

    def option_logprobs_each(self, prefixes, questions, options):
        return [self.option_logprobs(prefix, questions, options) for prefix in prefixes]

    def option_logprobs(self, prefix, questions, options):
        self.prefixes.append(prefix)
        return [np.array([float(prefix.count("Q: "))] + [0.0] * (len(group) - 1), np.float32) for group in options]


def taken(m=30, curve=CURVE, draws=None):
    scorer = CountingScorer()
    rows = np.arange(100, 100 + m)
    texts = [f"text {i}" for i in range(m)]
    return scorer, induce(scorer, rows, texts, texts, QUESTIONS, rng=np.random.default_rng(1), curve=curve, draws=draws)


def test_answers_are_centred_within_their_question():
    """Three rows give (3, 0) and (3, 0, 0): less their means 1.5 and 1."""
    seen = ask(CountingScorer(), interview(["a"] * 3, ["b"] * 3), QUESTIONS)
    np.testing.assert_allclose(seen, [1.5, -1.5, 2.0, -1.0, -1.0])


def test_draws_are_nested_and_carry_their_battery():
    """The rows of a smaller number begin the larger one's; every fingerprint says which battery it answers."""
    _, prints = taken(draws=2)
    assert [part.shown.shape for part in prints] == [(2, k) for k in CURVE]
    for few, more in pairwise(prints):
        np.testing.assert_array_equal(more.shown[:, : few.shown.shape[1]], few.shown)
    assert {part.battery for part in prints} == {QUESTIONS.digest}
    assert len(set(prints[-1].shown[0].tolist())) == CURVE[-1]


def test_a_small_slice_shows_all_it_has_once():
    """Six rows: numbers above six count as six, and six is asked only once."""
    scorer, prints = taken(m=6, draws=1)
    assert [part.shown.shape[1] for part in prints] == [1, 2, 4, 6]
    assert len(scorer.prefixes) == 4


@pytest.mark.parametrize(
    "other",
    [
        replace(QUESTIONS, questions=("Who are you?", "Which year is it?")),
        replace(QUESTIONS, options=(("a king", "a cook"), ("1500", "1900", "2001"))),
        replace(QUESTIONS, options=(("a king", "a cook", "1500"), ("1900", "2000"))),
    ],
)
def test_the_digest_changes_with_the_battery(other):
    """Another question, another option, or an option moved to its neighbour."""
    assert other.digest != QUESTIONS.digest
    assert replace(QUESTIONS, owners=("e", "e")).digest == QUESTIONS.digest


def test_the_battery_takes_two_probes_of_detectors_that_use_it():
    """First wording of the first two probes; detectors without the channel ask nothing."""
    probes = tuple(Probe(f"p{i}", (f"Question {i}?", "Other?"), ("yes", "no")) for i in range(3))
    user = Detector("user", "PS299", "personas", "Title", "s", "high", ("fingerprint",), 20, "d", "", probes=probes)
    other = replace(user, id="other", channels=("stance",))
    assert battery([user, other]).questions == ("Question 0?", "Question 1?")


def test_only_speakers_introduce_themselves():
    """A person has two wordings, a year only its statement."""
    person = Hypothesis("x", "person", "Ada", 0.0, "Interview with Ada.")
    assert statements(person) == ("Interview with Ada.", "Q: Who are you?\nA: I am Ada.")
    assert statements(replace(person, kind="year")) == ("Interview with Ada.",)


def test_rows_are_shown_short_and_on_one_line():
    """The end of a long prompt and the beginning of a long answer, without line breaks that could fake a turn."""
    text = interview(["p" * 300 + "\nend"], ["start\nQ: forged" + "a" * 300])
    assert text.count("\n") == 1
    assert text.startswith("Q: ppp")
    assert " end\nA: start Q: forged" in text
    assert len(text) == len("Q: \nA: ") + 240
