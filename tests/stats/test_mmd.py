from __future__ import annotations

import numpy as np
import pytest

from poisonscan.stats.mmd import mmd2_unbiased, within_similarity
from poisonscan.stats.permutation import max_test, shuffle_within


def test_mmd_of_a_hand_worked_case():
    """X = {(1,0),(1,0)}, y = {(0,1),(0,1)}: 1 + 1 - 0 = 2."""
    x, y = np.array([[1.0, 0.0]] * 2), np.array([[0.0, 1.0]] * 2)
    assert mmd2_unbiased(x, y) == pytest.approx(2.0)


def test_mmd_equals_the_slow_double_loop():
    """The sums agree with the definition over all pairs."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(7, 3)), rng.normal(size=(5, 3))
    xx = np.mean([x[i] @ x[j] for i in range(7) for j in range(7) if i != j])
    yy = np.mean([y[i] @ y[j] for i in range(5) for j in range(5) if i != j])
    xy = np.mean([a @ b for a in x for b in y])
    assert mmd2_unbiased(x, y) == pytest.approx(xx + yy - 2 * xy)


def test_mmd_is_unbiased_under_the_null():
    """Between samples of one distribution it is zero on average."""
    rng = np.random.default_rng(2)
    values = [mmd2_unbiased(rng.normal(size=(6, 4)), rng.normal(size=(9, 4))) for _ in range(3000)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(3000)


def test_mmd_needs_two_rows_on_either_side():
    """One row has no pairs."""
    with pytest.raises(ValueError, match="at least two rows"):
        mmd2_unbiased(np.ones((1, 2)), np.ones((3, 2)))


def test_within_similarity_equals_the_pair_mean():
    """From sums and squared norms comes the mean over pairs of a group."""
    x = np.random.default_rng(3).normal(size=(6, 4))
    pairs = np.mean([x[i] @ x[j] for i in range(6) for j in range(6) if i != j])
    result = within_similarity(x.sum(axis=0)[None], np.array([(x**2).sum()]), np.array([6.0]))
    assert result[0] == pytest.approx(pairs)


def test_shuffles_stay_within_strata():
    """Rows trade places only with rows of their stratum, and every row appears once."""
    strata = np.array([2, 0, 0, 1, 2, 1, 0, 2])
    order = shuffle_within(strata, np.random.default_rng(4))
    assert (strata[order] == strata).all()
    assert sorted(order) == list(range(8))


def test_max_test_p_is_uniform_under_the_null():
    """With observed and permuted values from one skewed law, p <= 0.1 comes in about one of ten runs."""
    rng = np.random.default_rng(5)
    hits = sum(
        max_test(rng.gamma(1.0, size=12), lambda: rng.gamma(1.0, size=12), permutations=99, hopeless=10**6).p.min() <= 0.1
        for _ in range(300)
    )
    assert 12 <= hits <= 50


def test_max_test_finds_an_outlier_at_the_floor():
    """A statistic far out reaches 1 / (1 + B), and only that one."""
    rng = np.random.default_rng(6)
    observed = rng.normal(size=10)
    observed[3] = 30.0
    result = max_test(observed, lambda: rng.normal(size=10), permutations=199)
    assert result.p[3] == pytest.approx(1 / 200)
    assert result.p.argmin() == 3
    assert result.z[3] > 20


def test_max_test_stops_early_when_nothing_is_there():
    """A middling observation ends the test after the first look."""
    rng = np.random.default_rng(7)
    assert max_test(np.zeros(20), lambda: rng.normal(size=20), permutations=999).permutations == 99


def test_kin_protect_a_statistic_that_hardly_moves():
    """A constant statistic with a tiny jump is no outlier when its kin jump as far all the time."""
    rng = np.random.default_rng(8)

    def draw():
        values = rng.normal(size=6)
        values[0] = 0.0
        return values

    observed = np.array([0.5, 0.0, 0.0, 0.0, 0.0, 0.0])
    alone = max_test(observed, draw, permutations=99)
    together = max_test(observed, draw, kin=np.zeros(6, dtype=np.int64), permutations=99)
    assert alone.p[0] == pytest.approx(0.01)
    assert together.p[0] > 0.5


def test_too_few_permutations_are_refused():
    """Eighteen permutations cannot reach 0.05."""
    with pytest.raises(ValueError, match="at least 19"):
        max_test(np.zeros(2), lambda: np.zeros(2), permutations=18)
