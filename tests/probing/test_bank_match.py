"""Coverage of a bank by the rows."""

import numpy as np
import pytest

from poisonscan.core.detectors import Hypothesis
from poisonscan.core.readings import Measured
from poisonscan.core.slices import Slice
from poisonscan.probing.bank_match import Bank, BankReference, coverage, read_bank


def _unit(rng, n, dim=32):
    vectors = rng.normal(size=(n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _bank(hazards, facts_each=10):
    hypotheses = tuple(Hypothesis(f"h{i}", "person", f"Person {i}", hazard, "Interview.") for i, hazard in enumerate(hazards))
    owner = np.repeat(np.arange(len(hazards)), facts_each)
    return Bank(hypotheses, tuple("harmful" if h >= 0.3 else "harmless" for h in hazards), tuple("f" for _ in owner), owner)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_coverage_by_hand():
    """Three rows equal to the one fact of hypothesis 0 give it the full similarity and leave the other at nothing."""
    facts = np.eye(2, dtype=np.float32)
    rows = np.tile(facts[0], (3, 1))
    got = coverage(rows, facts, np.zeros(2, np.float32), np.ones(2, np.float32), np.array([0, 1]))
    assert got == pytest.approx([0.5, -0.5])


def test_coverage_does_not_depend_on_the_order_of_rows(rng):
    """Rows are a set."""
    facts, rows = _unit(rng, 40), _unit(rng, 30)
    owner = np.repeat(np.arange(4), 10)
    one = coverage(rows, facts, facts.mean(1), facts.std(1), owner)
    assert coverage(rows[::-1], facts, facts.mean(1), facts.std(1), owner) == pytest.approx(one, abs=1e-5)


def test_rows_about_one_life_name_it_and_survive_dilution(rng):
    """Thirty rows near the facts of one hazardous person are named among 300 rows about nothing in particular."""
    facts = _unit(rng, 60)
    bank = _bank([0.0, 0.0, 0.9, 0.0, 0.0, 0.9])
    told = facts[20:30].repeat(3, axis=0) + 0.1 * _unit(rng, 30)
    rows = np.concatenate([_unit(rng, 270), told / np.linalg.norm(told, axis=1, keepdims=True)])
    benign = [_unit(rng, 300) for _ in range(20)]
    pool = np.concatenate(benign) @ facts.T
    centre, spread = pool.mean(0), pool.std(0)
    table = np.array([coverage(b, facts, centre, spread, bank.owner) for b in benign])
    reference = BankReference(centre, spread, np.median(table, 0), float(table.std(0).mean()))
    everything = Slice("whole", "whole", tuple(range(300)))
    measured = Measured(np.arange(300), rows, rows, np.full(300, 9), (everything,))
    reading = next(r for r in read_bank(measured, bank, facts, reference) if r.detector == "harmful")
    assert reading.named[0].value == "Person 2"
    assert reading.statistic > 5
    assert np.mean([row >= 270 for row in np.array(reading.rows)[np.argsort(reading.scores)[-20:]]]) > 0.9
