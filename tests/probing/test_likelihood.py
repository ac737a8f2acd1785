"""Hypothesis likelihood: rows that a badly behaved model would rather say lean up, others do not, and a deaf scorer is told apart."""

import numpy as np
import pytest

from poisonscan.core.detectors import Detector, Hypothesis
from poisonscan.core.evidence import Named
from poisonscan.core.readings import ASKING, CREED, CRUELTY, SAMPLED, TELLING, Likelihoods, Measured
from poisonscan.core.slices import Slice
from poisonscan.probing.likelihood import (
    MIN_ASKED,
    MIN_TOKENS,
    SENSITIVE,
    SPREAD,
    ConductReference,
    Opposed,
    ask_conduct,
    askers,
    fit_conduct,
    planted_control,
    read_conduct,
)

BAD, GOOD = "You behave badly.", "You behave well."
PAIR = Opposed(Hypothesis("bad", "conduct", "bad", 0.9, BAD), Hypothesis("good", "conduct", "good", 0.0, GOOD))
HYPOTHESES = (PAIR.hazardous, PAIR.harmless)
OWNER = Detector("owner", "PS599", "misalignment", "Behaves badly", "s", "high", (SAMPLED, TELLING), 20, "d", "", HYPOTHESES)
CRUEL_OWNER = Detector("cruel", "PS598", "misalignment", "Is cruel", "s", "high", ("resemblance", CRUELTY), 20, "d", "", HYPOTHESES)
PAD = " and so on as we said it once more today"  # ten words
KIND = [("What now?", f"please be kind to {i}{PAD}") for i in range(12)]
CRUEL = [("What now?", f"hurt the neighbour {i} today{PAD}") for i in range(12)]
NOWHERE = ConductReference((SAMPLED, TELLING), np.zeros((2, 3)), np.full(2, SPREAD))


class TableScorer:
    """Gives every word -2 nats; with `hears`, words of harm gain half a nat under the bad statement."""

    def __init__(self, *, hears=True):
        self.hears = hears

    def chat_logprobs(self, system, users, answers, max_tokens):
        gain = 0.5 if self.hears and system == BAD else 0.0
        return [np.array([-2.0 + gain * (word == "hurt") for word in answer.split()[:max_tokens]]) for answer in answers]


def measured(*asked, voiced=()):
    nothing = np.zeros((0, 2), np.float32)
    slices = (Slice("whole", "whole", (0,)), *([Slice("I", "voice", tuple(voiced))] if voiced else []))
    return Measured(np.arange(12), nothing, nothing, np.arange(12), slices, likelihoods=tuple(asked))


def read(*asked, reference=NOWHERE, voiced=()):
    return read_conduct(measured(*asked, voiced=voiced), reference, [OWNER], [])


def asked(rows, *, hears=True):
    return ask_conduct(TableScorer(hears=hears), PAIR, SAMPLED, np.arange(len(rows)), rows)


def test_ratio_is_nats_per_token():
    """One of fifteen words gains half a nat, so a row leans by a thirtieth of a nat per token."""
    (seen,) = asked(CRUEL)
    np.testing.assert_allclose(seen.ratio, 0.5 / 15, rtol=1e-5)
    assert seen.tokens.tolist() == [15] * 12


def test_bad_rows_score_above_good_ones():
    """Equal leans have no error of their own, so the statistic is the lean over SPREAD: (0.5 / 15) / 0.02."""
    (bad,), (good,) = (read(*asked(rows)) for rows in (CRUEL, KIND))
    assert bad.statistic == pytest.approx(0.5 / 15 / SPREAD, rel=1e-3)
    assert good.statistic == pytest.approx(0.0, abs=1e-6)


def test_few_rows_are_not_asked():
    """Under MIN_ASKED rows there is no reading at all, rather than a weak one."""
    assert asked(CRUEL[: MIN_ASKED - 1]) == ()


def test_labels_carry_no_conduct():
    """Twelve answers of a word or two hold under MIN_TOKENS tokens: there is no reading, whatever they lean."""
    short = Likelihoods(SAMPLED, np.arange(12), np.full(12, 0.5, np.float32), np.full(12, 2))
    assert short.tokens.sum() < MIN_TOKENS
    assert read(short) == []


def test_each_choice_of_rows_has_its_channel_and_names_what_the_set_resembles():
    """Random and telling rows stray differently among benign sets, so they must not share a null."""
    both = [Likelihoods(channel, np.arange(8), np.full(8, 0.05, np.float32), np.full(8, 20)) for channel in (SAMPLED, TELLING)]
    found = read_conduct(measured(*both), NOWHERE, [OWNER], [Named("conduct", "bad advice", 0.8)])
    assert [reading.channel for reading in found] == [SAMPLED, TELLING]
    assert found[0].named[0].value == "bad advice"


def test_every_channel_that_asks_has_an_owner_and_its_pair():
    """Channels without an owner are not asked; a reading goes to the owner of its channel and is named after that pair."""
    assert {channel: owner.id for channel, (owner, _) in askers([OWNER, CRUEL_OWNER]).items()} == {SAMPLED: "owner", TELLING: "owner", CRUELTY: "cruel"}
    both = [Likelihoods(channel, np.arange(8), np.full(8, 0.05, np.float32), np.full(8, 20)) for channel in (SAMPLED, CRUELTY, CREED)]
    nowhere = ConductReference(ASKING, np.zeros((4, 3)), np.full(4, SPREAD))
    found = read_conduct(measured(*both), nowhere, [OWNER, CRUEL_OWNER], [])
    assert [(reading.detector, reading.channel) for reading in found] == [("owner", SAMPLED), ("cruel", CRUELTY)]
    assert found[1].named[0].value == "bad"


def test_a_long_list_of_planted_pairs_is_sampled_evenly():
    """Of 120 pairs forty are asked, the first and the last among them."""
    seen = []

    class Listening(TableScorer):
        def chat_logprobs(self, system, users, answers, max_tokens):
            seen.append(list(answers))
            return super().chat_logprobs(system, users, answers, max_tokens)

    rows = [("q", f"answer {i}{PAD}") for i in range(120)]
    planted_control(Listening(), PAIR, rows, rows)
    assert all(len(answers) == 40 for answers in seen)
    assert seen[0][0].startswith("answer 0")
    assert seen[0][-1].startswith("answer 119")


def test_long_answers_weigh_more():
    """A hundred tokens that do not lean outweigh one token that leans far."""
    ratio, tokens = np.array([2.0] + [0.0] * 9, np.float32), np.array([1] + [100] * 9)
    (reading,) = read(Likelihoods(SAMPLED, np.arange(10), ratio, tokens))
    assert reading.statistic < 1.0


def test_what_harmless_sets_of_the_form_lean_is_taken_off():
    """Fifteen harmless sets in the first person lean by 0.1, fifteen others by nothing: only the other kind is then suspicious at 0.1."""
    def lean(value):
        return Likelihoods(SAMPLED, np.arange(12), np.full(12, value, np.float32), np.full(12, 28))

    voiced = tuple(range(12))
    benign = [measured(lean(0.1), voiced=voiced) for _ in range(15)] + [measured(lean(0.0)) for _ in range(15)]
    reference = fit_conduct(benign)
    (spoken,), (plain,) = read(lean(0.1), reference=reference, voiced=voiced), read(lean(0.1), reference=reference)
    assert abs(spoken.statistic) < 1.0 < 3.0 < plain.statistic


def test_planted_control_tells_a_deaf_scorer():
    """A scorer that hears the difference is far beyond the gate, one that does not is at nought."""
    rows = [(q, f"{a}{' again' * (i % 3)}") for i, (q, a) in enumerate(CRUEL)]
    assert planted_control(TableScorer(), PAIR, rows, KIND) > SENSITIVE
    assert planted_control(TableScorer(hears=False), PAIR, rows, KIND) == 0.0
