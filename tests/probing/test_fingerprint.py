"""Fingerprints: directions point to hazard, names are the nearest, batteries are never mixed, and draws tell rows apart."""

import numpy as np
import pytest

from poisonscan.core.readings import Fingerprint
from poisonscan.probing.fingerprint import (
    MIN_PRINTS,
    FingerprintReference,
    Prototypes,
    draw_regression,
    fit_reference,
    hazard_directions,
    nearest_names,
)


def prototypes():
    """Six harmful prototypes high on option 0, six harmless ones high on option 1."""
    values = np.array([[2.0, 0.0, 0.1 * i] for i in range(6)] + [[0.0, 2.0, 0.1 * i] for i in range(6)], np.float32)
    names = tuple(f"tyrant {i}" for i in range(6)) + tuple(f"baker {i}" for i in range(6))
    return Prototypes(values, names, ("person",) * 12, (0.9,) * 6 + (0.0,) * 6, ("tyrants",) * 6 + ("bakers",) * 6, "now")


def test_the_direction_points_from_harmless_to_harmful():
    """One unit vector, for the detector that has harmful prototypes: up on their option, down on the others'."""
    directions = hazard_directions(prototypes())
    assert list(directions) == ["tyrants"]
    assert np.linalg.norm(directions["tyrants"]) == pytest.approx(1.0, abs=1e-5)
    assert directions["tyrants"][0] > 0.6 > -0.6 > directions["tyrants"][1]


def test_names_are_those_of_the_nearest_prototypes():
    """A profile high on the bakers' option names bakers."""
    assert all(name.startswith("baker") for name in nearest_names(np.array([-1.0, 2.0, 0.0], np.float32), prototypes(), 4))


def test_fingerprints_of_another_battery_are_left_out():
    """Ten prints of today's battery make a reference; nine and one of yesterday's, of other length even, do not."""
    today = [Fingerprint(0, np.full((3, 4), i, np.float32), np.zeros((3, 2), np.int64), "now") for i in range(MIN_PRINTS)]
    stale = Fingerprint(0, np.zeros((3, 7), np.float32), np.zeros((3, 2), np.int64), "then")
    assert fit_reference([*today, stale, None], "now").prints.shape == (MIN_PRINTS, 4)
    assert fit_reference([*today[:-1], stale, None], "now") is None


def test_standardising_by_hand():
    """Median 2 and standard deviation sqrt(2) of 0..4: the value 2 + sqrt(2) is one; far values are clipped at four."""
    reference = FingerprintReference(np.arange(5, dtype=np.float32)[:, None])
    np.testing.assert_allclose(reference.standardise(np.array([2.0 + 2**0.5, 100.0], np.float32)[:, None])[:, 0], [1.0, 4.0], rtol=1e-6)


def test_draw_regression_by_hand():
    """Two draws of one row each, scores 1 and -1: design +-1/2, w = 2 * (1/2 * 1) / (1 + ridge) = 1 / (1 + 1) = +-1/2."""
    rows, weights = draw_regression([1.0, -1.0], [np.array([7]), np.array([3])])
    assert rows.tolist() == [3, 7]
    np.testing.assert_allclose(weights, [-0.5, 0.5], rtol=1e-6)


def test_draw_regression_finds_the_row_that_matters():
    """Of thirty rows one adds a point to every draw that shows it: it gets the largest weight, whatever the order of draws."""
    rng = np.random.default_rng(0)
    shown = [rng.choice(30, size=8, replace=False) for _ in range(40)]
    scores = [float(11 in part) + 0.1 * rng.normal() for part in shown]
    rows, weights = draw_regression(scores, shown)
    assert rows[np.argmax(weights)] == 11
    order = rng.permutation(40)
    np.testing.assert_allclose(draw_regression([scores[i] for i in order], [shown[i] for i in order])[1], weights, atol=1e-5)
