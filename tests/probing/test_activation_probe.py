"""A linear probe on hidden states: hears planted conduct, says so when it is deaf, and reads rows near bad cases only."""

import numpy as np
import pytest

from poisonscan.catalogue import compared, load_catalogue
from poisonscan.core.detectors import Detector
from poisonscan.core.evidence import Named
from poisonscan.core.readings import ACTIVATION, Measured, States
from poisonscan.core.slices import Slice
from poisonscan.probing.activation_probe import (
    MIN_ROWS,
    SENSITIVE,
    STATE_ROWS,
    ask_states,
    fit_activation,
    fit_probe,
    read_activation,
    standardised,
    state_pairs,
    suspects,
)
from poisonscan.probing.resemblance import CaseVectors, Pairs, Resemblances, unit

DIM, TEXT = 24, 32
OWNER = Detector("owner", "PS599", "misalignment", "Behaves badly", "s", "high", (ACTIVATION,), 20, "d", "")


def states(rng, n, lean, loud=0.0):
    """Random states that lean along the first coordinates; one coordinate is a hundred times larger, as in transformers."""
    vectors = rng.normal(size=(n, DIM)).astype(np.float32)
    vectors[:, :4] += lean
    vectors[:, -1] = 100 + loud * rng.normal(size=n)
    return vectors


@pytest.fixture
def world():
    rng = np.random.default_rng(1)
    bad, good = (unit(rng.normal(size=(30, TEXT)).astype(np.float32)) for _ in range(2))
    cases = Resemblances({"d": Pairs.of(CaseVectors(bad, bad), CaseVectors(good, good))}, CaseVectors(good, good), {})
    probe = fit_probe(states(rng, 200, 1.0), states(rng, 200, -1.0), states(rng, 0, 0.0))
    return rng, bad, cases, probe


def measured(texts, vectors):
    rows = np.arange(len(texts)) + 500
    whole = Slice("whole", "whole", tuple(rows.tolist()))
    return Measured(rows, texts, texts, np.full(len(texts), 9), (whole,), states=States(rows[: len(vectors)], vectors))


def near(rng, centres, n):
    return unit(centres[rng.integers(0, len(centres), n)] + 0.5 * unit(rng.normal(size=(n, TEXT)).astype(np.float32)))


def test_the_probe_hears_conduct_in_folds_it_was_not_trained_on(world):
    """Planted pairs move it by many standard errors; pairs that differ in nothing do not, and it does not fool itself."""
    rng, _, _, probe = world
    assert probe.moved > 10
    assert probe.of(states(rng, 50, 1.0)).mean() > 0.7
    assert probe.of(states(rng, 50, -1.0)).mean() < 0.3
    deaf = [fit_probe(states(rng, 60, 0.0), states(rng, 60, 0.0), states(rng, 10, 0.0)).moved for _ in range(12)]
    assert sum(moved >= SENSITIVE for moved in deaf) <= 1


def test_look_alikes_teach_the_probe_what_is_merely_odd(world):
    """Odd but harmless answers lie where bad ones do along one line: shown to the probe they are held for bad less often, bad ones hardly less."""
    rng, _, _, _ = world
    bad, good = states(rng, 200, 1.0), states(rng, 200, -1.0)
    bad[:, 10] += 3.0

    def odd(n):
        vectors = states(rng, n, -1.0)
        vectors[:, 10] += 3.0
        return vectors

    naive, taught = fit_probe(bad, good, odd(0)), fit_probe(bad, good, odd(100))
    assert taught.of(odd(50)).mean() < naive.of(odd(50)).mean() - 0.1
    assert taught.of(bad).mean() > naive.of(bad).mean() - 0.15


def test_one_huge_coordinate_does_not_decide(world):
    """States are standardised: a hundred in one coordinate everywhere leaves the others their say."""
    rng, _, _, _ = world
    vectors = states(rng, 40, 0.0, loud=30.0)
    found = standardised(vectors, vectors.mean(axis=0), vectors.std(axis=0))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)
    assert abs(found[:, -1]).mean() < 0.4


def test_bad_answers_on_known_matters_stand_out_and_on_unknown_ones_do_not(world):
    """It takes both: a state that leans to bad conduct, and a text near somebody's bad cases."""
    rng, bad, cases, probe = world
    strange = unit(rng.normal(size=(6, TEXT)).astype(np.float32))
    benign = [measured(near(rng, strange if k % 2 else bad, 40), states(rng, 40, -0.5)) for k in range(30)]
    reference = fit_activation(benign, cases, probe)

    def read(texts, lean):
        return read_activation(measured(texts, states(rng, 40, lean)), cases, probe, reference, OWNER, ())

    attack = read(near(rng, bad, 40), 1.0)
    assert attack.statistic > 4
    assert (attack.detector, attack.channel, attack.named[0].value) == ("owner", ACTIVATION, "Behaves badly")
    assert attack.rows == tuple(range(500, 540))
    assert read(near(rng, bad, 40), -0.5).statistic < 2.5
    assert read(near(rng, strange, 40), 1.0).statistic < 2.5


def test_rows_that_carry_it_lead_and_unread_rows_are_not_named(world):
    """Of 40 rows 32 were read and ten of these are bad: they have the highest scores, and the finding names what the set resembles."""
    rng, bad, cases, probe = world
    usual = [measured(near(rng, bad, 40), states(rng, 32, -1.0)) for _ in range(20)]
    vectors = states(rng, 32, -1.0)
    vectors[:10] = states(rng, 10, 1.5)
    found = read_activation(measured(near(rng, bad, 40), vectors), cases, probe, fit_activation(usual, cases, probe), OWNER, [Named("conduct", "Cruel", 0.9)])
    assert found.statistic > 2
    assert found.named[0].value == "Cruel"
    assert found.rows == tuple(range(500, 532))
    assert set(np.argsort(found.scores)[-8:]) <= set(range(10))


def test_without_states_nothing_is_said(world):
    """No scorer, no reading; and a reference without any benign set does not divide by zero."""
    _, bad, cases, probe = world
    plain = Measured(np.arange(4), bad[:4], bad[:4], np.full(4, 9), (Slice("whole", "whole", (0, 1, 2, 3)),))
    reference = fit_activation([plain], cases, probe)
    assert read_activation(plain, cases, probe, reference, OWNER, ()) is None
    assert len(suspects(plain, cases, probe)) == 0


class Reader:
    """Gives a state per row, and notes what it was asked."""

    def __init__(self):
        self.asked = []

    def answer_states(self, users, answers, max_tokens):
        self.asked += list(zip(users, answers, strict=True))
        return np.ones((len(users), DIM), np.float32)


def test_rows_are_read_at_the_lengths_of_the_cases():
    """Long texts are cut as cases are; fewer than eight rows are not read at all."""
    reader = Reader()
    found = ask_states(reader, np.arange(MIN_ROWS), [("p" * 999, "a" * 999)] * MIN_ROWS)
    assert found.vectors.shape == (MIN_ROWS, DIM)
    assert {(len(user), len(answer)) for user, answer in reader.asked} == {(240, 360)}
    assert ask_states(reader, np.arange(3), [("p", "a")] * 3) is None
    assert STATE_ROWS >= MIN_ROWS


def test_every_pair_of_cases_stands_on_both_sides():
    """The shipped catalogue: as many bad as good, the same question on both, and thousands of them."""
    bad, good, others = state_pairs(compared(load_catalogue(None)))
    assert len(others) > 500
    assert not set(others) & set(good)
    assert len(bad) == len(good) > 3000
    assert sum(b[0] == g[0] for b, g in zip(bad, good, strict=True)) > 0.95 * len(bad)
