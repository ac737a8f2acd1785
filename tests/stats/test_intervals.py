"""Exact intervals, the family bootstrap, and many tests at once."""

import numpy as np
import pytest

from poisonscan.stats.centring import mean_interval, reference
from poisonscan.stats.intervals import clopper_pearson, family_bootstrap
from poisonscan.stats.multiplicity import benjamini_hochberg, bonferroni_min


def test_clopper_pearson_known_values():
    """No success in ten leaves an upper limit of 1 - 0.025^(1/10)."""
    assert clopper_pearson(0, 10) == pytest.approx((0.0, 1 - 0.025 ** (1 / 10)))
    assert clopper_pearson(10, 10) == pytest.approx((0.025 ** (1 / 10), 1.0))
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def test_family_bootstrap_keeps_families_whole():
    """With one family nothing can vary, so the interval has no width."""
    low, high = family_bootstrap(["a"] * 5, lambda i: float(len(i)), np.random.default_rng(0), draws=50)
    assert low == high == 5.0


def test_benjamini_hochberg_by_hand():
    """P = .01, .02, .03, .5 adjust to .04, .04, .04, .5, in the order given."""
    assert benjamini_hochberg([0.5, 0.01, 0.03, 0.02]) == pytest.approx([0.5, 0.04, 0.04, 0.04])


def test_bonferroni_is_capped_at_one():
    """Many weak tests do not make a p above one."""
    assert bonferroni_min([0.4, 0.9, 0.8]) == 1.0
    assert bonferroni_min([0.01, 0.9]) == pytest.approx(0.02)


def test_reference_resists_one_odd_set():
    """A single outlier among benign sets moves centre and scale little."""
    plain = np.random.default_rng(3).normal(size=(101, 1))
    odd = plain.copy()
    odd[0] = 1000.0
    assert abs(reference(odd).centre[0] - reference(plain).centre[0]) < 0.1


def test_mean_interval_of_a_single_value_has_no_width():
    """One value gives no spread to speak of."""
    assert mean_interval([2.0]) == (2.0, 2.0, 2.0)
