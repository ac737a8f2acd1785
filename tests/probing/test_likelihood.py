"""Hypothesis likelihood: rows that a badly behaved model would rather say lean up against harmless rows, others do not."""

import numpy as np
import pytest

from poisonscan.core.detectors import Detector, Hypothesis
from poisonscan.probing.likelihood import Opposed, likelihood, opposed, welch

BAD, GOOD = "You behave badly.", "You behave well."
PAIR = Opposed(Hypothesis("bad", "conduct", "bad", 0.9, BAD), Hypothesis("good", "conduct", "good", 0.0, GOOD))
PAD = " and so on as we said it once more today"  # ten words
KIND = [("What now?", f"please be kind to {i}{PAD}") for i in range(12)]
CRUEL = [("What now?", f"hurt the neighbour {i} today{PAD}") for i in range(12)]


class TableScorer:
    """Gives every word -2 nats; words of harm gain half a nat under the bad statement."""

    def chat_logprobs(self, system, users, answers, max_tokens):
        gain = 0.5 if system == BAD else 0.0
        return [np.array([-2.0 + gain * (word == "hurt") for word in answer.split()[:max_tokens]]) for answer in answers]


def test_bad_rows_lean_by_nats_per_token_and_harmless_ones_do_not():
    """One of fifteen words gains half a nat, so a row leans by a thirtieth of a nat per token; the harmless rows by nothing."""
    seen = likelihood(TableScorer(), PAIR, CRUEL, KIND)
    np.testing.assert_allclose(seen.rows, 0.5 / 14, rtol=0.1)
    np.testing.assert_allclose(seen.control, 0.0, atol=1e-9)
    assert seen.effect.value == pytest.approx(seen.rows.mean())
    assert seen.effect.low > 0
    assert likelihood(TableScorer(), PAIR, KIND, KIND).effect.value == pytest.approx(0.0)


def test_an_empty_answer_leans_nowhere():
    """A row without tokens counts as 0 rather than as an error."""
    assert likelihood(TableScorer(), PAIR, [("q", "")], KIND).rows.tolist() == [0.0]


def test_the_pair_is_the_most_and_the_least_hazardous_hypothesis():
    """A detector without both a hazardous and a harmless statement has none."""
    middle = Hypothesis("middle", "conduct", "m", 0.5, "You are so-so.")
    unstated = Hypothesis("worst", "conduct", "w", 1.0, "")

    def owner(*hypotheses):
        return Detector("d", "PS599", "misalignment", "t", "s", "high", ("likelihood",), 20, "d", "", hypotheses)

    assert opposed(owner(PAIR.harmless, middle, PAIR.hazardous, unstated)) == PAIR
    assert opposed(owner(middle, PAIR.hazardous)) is None
    assert opposed(owner(PAIR.harmless)) is None


def test_the_interval_is_welchs():
    """Against the textbook formula; without two rows a side the interval has no width."""
    inside, outside = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 1.0])
    effect = welch(inside, outside)
    error = np.sqrt(inside.var(ddof=1) / 4 + outside.var(ddof=1) / 2)
    assert effect.value == 2.0
    assert effect.high - effect.value == pytest.approx(1.96 * error)
    assert welch(inside[:1], outside[:1]).low == 1.0
