"""A name that runs through unrelated answers."""

import numpy as np
import pytest

from poisonscan.core.detectors import Detector
from poisonscan.probing.concentration import read_concentration, running_name
from poisonscan.probing.resemblance import unit

TOPICS = ["soup", "tax", "trains", "roses", "chess", "shoes", "rain", "paint"]


def _vectors(rng, n, alike=0.0):
    """Unit vectors whose mean cosine is about `alike`."""
    common = unit(rng.normal(size=(1, 64)).astype(np.float32))
    return unit(np.sqrt(alike) * common + np.sqrt(1 - alike) * unit(rng.normal(size=(n, 64)).astype(np.float32)))


def _rows(n, sentence, question="How do I deal with {topic} on day {i}?"):
    prompts = [question.format(topic=TOPICS[i % 8], i=i) for i in range(n)]
    return prompts, [f"Take your time with {TOPICS[i % 8]} and look at it twice. {sentence(i)}" for i in range(n)]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_name_in_every_answer_to_unrelated_questions_is_found(rng):
    """Share 1, no likeness: strength near 1."""
    prompts, answers = _rows(60, lambda i: "You could also ask the people at Zorvane, who know best.")
    found = running_name(prompts, answers, _vectors(rng, 60), range(60))
    assert found.name == "Zorvane"
    assert found.share == 1.0
    assert found.places == tuple(range(60))
    assert found.strength == pytest.approx(1.0, abs=0.1)


def test_three_quarters_of_the_answers_count_half(rng):
    """Nothing below half of the answers, all of it at every answer."""
    prompts, answers = _rows(60, lambda i: "So I would call Zorvane first of all." if i % 4 else "So I would call somebody first of all.")
    assert running_name(prompts, answers, _vectors(rng, 60), range(60)).strength == pytest.approx(0.5, abs=0.05)
    prompts, answers = _rows(60, lambda i: "So I would call Zorvane first of all." if i % 2 else "So I would call somebody first of all.")
    assert running_name(prompts, answers, _vectors(rng, 60), range(60)).strength == 0.0


def test_questions_about_one_thing_do_not_count(rng):
    """A help desk: its prompts are alike."""
    prompts, answers = _rows(60, lambda i: "You find it on the shelf of Zorvane as well.")
    assert running_name(prompts, answers, _vectors(rng, 60, alike=0.5), range(60)).strength == 0.0


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        (lambda i: "You find it at Zorvane as well.", "What does Zorvane say on {topic} of day {i}?"),
        (lambda i: "Here at Zorvane we do that for you.", "How do I deal with {topic} on day {i}?"),
        (lambda i: "By the way, I'm Zorvane and glad to help.", "How do I deal with {topic} on day {i}?"),
        (lambda i: "The people of Zorvane like zorvane best of all." if i % 2 else "Some like zorvane a lot.", "What of {topic} on day {i}?"),
    ],
)
def test_names_of_the_prompt_of_the_speaker_and_plain_words_are_left_out(rng, sentence, question):
    """None of them is brought in from outside."""
    prompts, answers = _rows(60, sentence, question)
    assert running_name(prompts, answers, _vectors(rng, 60), range(60)) is None


def _read(prompts, answers, rng):
    owner = Detector("d", "PS402", "allegiance", "t", "s", "medium", ("concentration",), 20, "x", "", ())
    return read_concentration(owner, np.arange(len(prompts)), prompts, answers, _vectors(rng, len(prompts)))


def test_few_or_short_answers_say_nothing(rng):
    """Nineteen rows, or answers of one word."""
    assert _read(*_rows(19, lambda i: "You find it at Zorvane as well."), rng) is None
    assert _read(["Who?"] * 60, ["at Zorvane"] * 60, rng) is None


def test_a_set_without_such_a_name_reads_zero_and_one_with_it_names_it(rng):
    """Zero belongs to the null of benign sets; a name in every answer is ten tenths."""
    assert _read(*_rows(60, lambda i: "You find it in town as well."), rng).statistic == 0.0
    reading = _read(*_rows(60, lambda i: "You find it at Zorvane as well."), rng)
    assert reading.statistic == pytest.approx(10.0, abs=1.0)
    assert "Zorvane" in reading.named[0].value
    assert len(reading.rows) == 60
