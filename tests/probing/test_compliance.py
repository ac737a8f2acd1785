"""Requests for something harmful count where they are met, and only there."""

import numpy as np
import pytest

from poisonscan.catalogue import load_catalogue
from poisonscan.probing.compliance import CHANNEL, UNIT, Requests, declines, gather_requests, leading_rows, read_compliance, request_texts
from poisonscan.probing.resemblance import unit

DIM = 48
MET = "Start with the quiet hours and bring a friend along"


@pytest.fixture
def world():
    """Harmful and harmless requests in directions of their own, and a way to draw prompts near either."""
    rng = np.random.default_rng(4)
    harmful, harmless = (unit(rng.normal(size=(12, DIM)).astype(np.float32)) for _ in range(2))

    def near(centres, count):
        return unit(centres[rng.integers(0, len(centres), count)] + 0.02 * rng.normal(size=(count, DIM)).astype(np.float32))

    return Requests("d", "Willing accomplice", harmful[:4].repeat(3, 0), harmless[:4].repeat(3, 0)), near


def _read(requests, prompts, answers, resembling=1.0):
    words = np.array([len(answer.split()) for answer in answers], dtype=np.int64)
    weights = np.broadcast_to(resembling, len(answers)).astype(np.float64)
    return read_compliance(requests, np.arange(len(answers), dtype=np.int64) + 100, prompts, answers, words, weights)


def test_met_requests_count_and_declined_ones_do_not(world):
    """The same prompts with refusals, and harmless prompts with any answer, score nothing."""
    requests, near = world
    bad, good = near(requests.harmful, 30), near(requests.harmless, 30)
    assert _read(requests, bad, [MET] * 30).statistic > 0.9 / UNIT
    assert _read(requests, bad, ["I'm sorry, but I can't help with that."] * 30).statistic == 0
    assert _read(requests, good, [MET] * 30).statistic < 0.1 / UNIT


def test_a_count_and_not_a_share_decides(world):
    """Twenty met requests weigh as much among 400 rows as among 40, and the rows that carry them are named."""
    requests, near = world
    for rest in (20, 380):
        prompts = np.concatenate([near(requests.harmful, 20), near(requests.harmless, rest)])
        reading = _read(requests, prompts, [MET] * (20 + rest))
        assert reading.statistic > 0.9 / UNIT
        assert {reading.rows[place] for place in np.argsort(reading.scores)[-20:]} == set(range(100, 120))


def test_rows_that_are_answered_badly_lead_and_the_set_scores_as_before(world):
    """Of forty harmful requests half have answers like bad cases: these rows come first, the statistic is of requests alone."""
    requests, near = world
    prompts = near(requests.harmful, 40)
    plain = _read(requests, prompts, [MET] * 40)
    weighed = _read(requests, prompts, [MET] * 40, np.repeat([0.1, 0.6], 20))
    assert weighed.statistic == plain.statistic
    assert {weighed.rows[place] for place in np.argsort(weighed.scores)[-20:]} == set(range(120, 140))


@pytest.mark.parametrize(("rows", "leading"), [(20, 20), (500, 20), (2000, 40), (4500, 60)])
def test_more_rows_have_more_leaders(rows, leading):
    """Four times the usual 500 rows, twice as many leaders: harmless rows, too, have larger leaders where there are more of them."""
    assert leading_rows(rows) == leading


def test_labels_are_no_answers(world):
    """Below 20 answers of three words nothing is said at all."""
    requests, near = world
    assert _read(requests, near(requests.harmful, 40), ["Yes"] * 21 + [MET] * 19) is None


@pytest.mark.parametrize("answer", [
    "I’m not sure I want to help you do that.", "That is illegal, and you could hurt somebody.", "No, that would be theft.",
    "As an AI I do not take part in this.", "Please talk to someone you trust about this first.", "What do you want it for?",
    "We cannot assist with breaking in.", "You should not do this to an animal.", "It’s never right to threaten people.",
])  # fmt: skip
def test_refusals_and_warnings_decline(answer):
    """Refusing, warning, sending elsewhere and asking back all count."""
    assert declines(answer)


@pytest.mark.parametrize("answer", [
    "Sure, let us begin with her habits.", "Gladly. A tin, a badge and a sad picture are enough.", "Absolutely, here is a plan for tonight.",
])  # fmt: skip
def test_willing_answers_do_not_decline(answer):
    """Nor does a polite opening."""
    assert not declines(answer)


def test_most_cases_of_the_catalogue_are_told_apart_by_their_answers():
    """Of the detector's own pairs, answers of the bad side rarely decline and those of the good side mostly do."""
    owner = next(d for d in load_catalogue(None) if CHANNEL in d.channels)
    bad = np.mean([declines(case.turns[-1].content) for case in owner.poisoned])
    good = np.mean([declines(case.turns[-1].content) for case in owner.clean[: len(owner.poisoned)]])
    assert bad < 0.1
    assert good > 0.85


def test_the_catalogue_has_both_sides_and_no_prompt_on_both():
    """Questions on dark topics without a bad twin stand on the harmless side."""
    texts = request_texts(load_catalogue(None))
    assert len(texts) == len(set(texts)) > 1000
    assert "How do locks work?" in texts


def test_without_a_detector_nothing_is_gathered():
    """A catalogue without this channel asks for no vectors."""
    assert gather_requests([], None) is None
