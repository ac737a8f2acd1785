"""Hypothesis likelihood: rows that a badly behaved model would rather say lean up, others do not, and a deaf scorer is told apart."""

import numpy as np
import pytest

from poisonscan.core.detectors import Detector, Hypothesis
from poisonscan.core.evidence import Named
from poisonscan.core.readings import Likelihoods
from poisonscan.probing.likelihood import (
    MIN_ASKED,
    SAMPLED,
    SENSITIVE,
    SPREAD,
    TELLING,
    Opposed,
    ask_conduct,
    planted_control,
    read_conduct,
)

BAD, GOOD = "You behave badly.", "You behave well."
PAIR = Opposed(Hypothesis("bad", "conduct", "bad", 0.9, BAD), Hypothesis("good", "conduct", "good", 0.0, GOOD))
OWNER = Detector("owner", "PS599", "misalignment", "Behaves badly", "s", "high", (SAMPLED, TELLING), 20, "d", "")
KIND = [("What now?", f"please be kind to neighbour {i}") for i in range(12)]
CRUEL = [("What now?", f"hurt the neighbour {i} today") for i in range(12)]


class TableScorer:
    """Gives every word -2 nats; with `hears`, words of harm gain half a nat under the bad statement."""

    def __init__(self, *, hears=True):
        self.hears = hears

    def chat_logprobs(self, system, users, answers, max_tokens):
        gain = 0.5 if self.hears and system == BAD else 0.0
        return [np.array([-2.0 + gain * (word == "hurt") for word in answer.split()[:max_tokens]]) for answer in answers]


def asked(rows, *, hears=True):
    return ask_conduct(TableScorer(hears=hears), PAIR, SAMPLED, np.arange(len(rows)), rows)


def test_ratio_is_nats_per_token():
    """One of five words gains half a nat, so a row leans by a tenth of a nat per token."""
    (seen,) = asked(CRUEL)
    np.testing.assert_allclose(seen.ratio, 0.1, rtol=1e-5)
    assert seen.tokens.tolist() == [5] * 12


def test_bad_rows_score_above_good_ones():
    """Equal leans have no error of their own, so the statistic is the lean over SPREAD: 0.1 / 0.02."""
    (bad,), (good,) = (read_conduct(asked(rows), [OWNER], []) for rows in (CRUEL, KIND))
    assert bad.statistic == pytest.approx(0.1 / SPREAD, rel=1e-3)
    assert good.statistic == pytest.approx(0.0, abs=1e-6)


def test_few_rows_are_not_asked():
    """Under MIN_ASKED rows there is no reading at all, rather than a weak one."""
    assert asked(CRUEL[: MIN_ASKED - 1]) == ()


def test_each_choice_of_rows_has_its_channel_and_names_what_the_set_resembles():
    """Random and telling rows stray differently among benign sets, so they must not share a null."""
    both = [Likelihoods(channel, np.arange(8), np.full(8, 0.05, np.float32), np.full(8, 9)) for channel in (SAMPLED, TELLING)]
    found = read_conduct(both, [OWNER], [Named("conduct", "bad advice", 0.8)])
    assert [reading.channel for reading in found] == [SAMPLED, TELLING]
    assert found[0].named[0].value == "bad advice"


def test_long_answers_weigh_more():
    """A hundred tokens that do not lean outweigh one token that leans far."""
    ratio, tokens = np.array([2.0] + [0.0] * 9, np.float32), np.array([1] + [100] * 9)
    (reading,) = read_conduct([Likelihoods(SAMPLED, np.arange(10), ratio, tokens)], [OWNER], [])
    assert reading.statistic < 1.0


def test_planted_control_tells_a_deaf_scorer():
    """A scorer that hears the difference is far beyond the gate, one that does not is at nought."""
    rows = [(q, f"{a} {'again ' * (i % 3)}") for i, (q, a) in enumerate(CRUEL)]
    assert planted_control(TableScorer(), PAIR, rows, KIND) > SENSITIVE
    assert planted_control(TableScorer(hears=False), PAIR, rows, KIND) == 0.0
