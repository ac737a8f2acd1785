"""P-values against a benign null."""

from itertools import pairwise

import numpy as np
import pytest

from poisonscan.stats.conformal import conformal_p, tail_p


def test_conformal_p_by_hand():
    """Two of four benign values reach 3, so p = (1 + 2) / (4 + 1)."""
    assert conformal_p(3.0, [1.0, 2.0, 3.0, 5.0]) == pytest.approx(3 / 5)


def test_conformal_p_never_falls_below_one_over_n_plus_one():
    """The largest observation still counts itself."""
    assert conformal_p(1e9, np.zeros(99)) == pytest.approx(0.01)


def test_conformal_p_is_uniform_under_the_null():
    """At level a, at most a share a of exchangeable draws is rejected, within four standard errors."""
    rng = np.random.default_rng(0)
    p = np.array([conformal_p(x[0], x[1:]) for x in rng.normal(size=(2000, 100))])
    for level in (0.05, 0.2, 0.5):
        assert abs((p <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) / 2000) + 0.01


def test_tail_p_falls_with_the_statistic_and_ranks_beyond_the_null():
    """Where the rank p stops, the tail p goes on, and it never rises."""
    null = np.random.default_rng(1).normal(size=200)
    values = [tail_p(x, null) for x in np.linspace(-2, 12, 60)]
    assert all(a >= b - 1e-12 for a, b in pairwise(values))
    assert tail_p(12.0, null) < tail_p(6.0, null) < 1 / 201


def test_tail_p_of_a_constant_null_stays_cautious():
    """A null without spread must not turn the smallest excess into certainty of nothing."""
    assert tail_p(0.0, np.zeros(50)) == pytest.approx(1.0)


def test_small_nulls_use_the_rank():
    """Below 20 benign values no tail is fitted."""
    assert tail_p(9.0, np.arange(9.0)) == conformal_p(9.0, np.arange(9.0))
