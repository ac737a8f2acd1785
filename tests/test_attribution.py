"""Rows are ranked by their own scores and by those of the rows around them."""

import numpy as np

from poisonscan.attribution import NEIGHBOURS, attributed, neighbours, spread, suspicion
from poisonscan.core.evidence import Effect, Finding
from poisonscan.core.readings import Measured, Reading
from poisonscan.core.slices import Slice
from poisonscan.judge import Verdict, Weighed
from poisonscan.probing.resemblance import unit
from poisonscan.stats.ranking import average_precision

WHOLE = Slice("whole", "whole", tuple(range(300)))


def scattered(poison=60, n=300, dim=64):
    """Sixty rows around one point, the others anywhere."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(n, dim)).astype(np.float32)
    vectors[:poison] = 2.0 + 0.7 * vectors[:poison]
    return unit(vectors)


def measured(rows, vectors=None):
    vectors = scattered(n=len(rows)) if vectors is None else vectors
    return Measured(np.asarray(rows), vectors, vectors, np.full(len(rows), 9), (WHOLE,))


def near(vectors):
    return neighbours(measured(np.arange(len(vectors)), vectors))


def test_rows_that_came_with_the_suspects_follow_them():
    """Half of the poison is on a list and one harmless row with it: the other half comes before everything harmless."""
    vectors = scattered()
    scores = np.zeros(300)
    scores[:30] = 1.0
    scores[200] = 1.0
    found = spread(scores, near(vectors))
    assert average_precision([i < 60 for i in range(300)], found) > 0.9
    assert average_precision([i < 60 for i in range(300)], scores) < 0.7
    assert found.max() == 1.0


def test_scores_without_neighbours_stay():
    """One row, and rows that nothing points to, keep what they have."""
    np.testing.assert_array_equal(spread(np.ones(1), near(np.ones((1, 4), np.float32))), [1.0])
    np.testing.assert_array_equal(spread(np.zeros(NEIGHBOURS), near(scattered(0, NEIGHBOURS))), np.zeros(NEIGHBOURS))


def test_small_sets_have_few_neighbours():
    """Of forty rows two are neighbours: one suspect does not make half of the set suspicious."""
    scores = np.zeros(40)
    scores[0] = 1.0
    found = spread(scores, near(scattered(0, 40)))
    assert found[0] == 1.0
    assert np.count_nonzero(found) < 20


def test_blocks_of_rows_change_nothing(monkeypatch):
    """Large sets are read in blocks."""
    vectors, scores = scattered(), np.arange(300) / 300
    whole = spread(scores, near(vectors))
    monkeypatch.setattr("poisonscan.attribution._CHUNK", 7)
    np.testing.assert_allclose(spread(scores, near(vectors)), whole, atol=1e-6)


def test_every_reading_counts_alike_and_unread_rows_keep_their_score():
    """A reading in large units does not drown another; row 900 was never embedded."""
    readings = [Reading("a", "x", 0, 3.0, 2, rows=(290, 900), scores=(500.0, 500.0)), Reading("b", "y", 0, 3.0, 1, rows=(295,), scores=(0.1,))]
    whole = measured(np.arange(300))
    found = suspicion(readings, whole, neighbours(whole), 901)
    assert found[900] == 1.0
    assert found[295] > 0.4
    assert found[290] > 0.4
    assert np.all(found[300:900] == 0)
    assert not suspicion([Reading("a", "x", 0, 1.0, 1, rows=(3,), scores=(-1.0,))], whole, neighbours(whole), 300).any()


def test_findings_get_their_rows_in_that_order():
    """The rows of a finding: those read first, then their neighbours; shares sum to at most 1, and a finding of counted text is left alone."""
    reading = Reading("a", "x", 0, 3.0, 30, rows=tuple(range(30)), scores=(1.0,) * 30)

    def finding(detector, stage):
        return Finding("PS1", detector, "t", "high", "low", "set", stage, 0.01, Effect(3, 2, 4, "u", 30), (), (), WHOLE)

    verdict = Verdict(2.0, 0.01, (finding("a", "x"), finding("text", "text hygiene")), (), (), (Weighed(reading, 0.01, 0.001, 99),))
    first, second = attributed(verdict, measured(np.arange(300))).findings
    rows = [share.row for share in first.rows]
    assert set(rows[:30]) == set(range(30))
    assert len(rows) == 50
    assert sum(row < 60 for row in rows) >= 42
    assert 0 < sum(share.share for share in first.rows) <= 1
    assert second.rows == ()
