"""Trait directions against benign sets."""

import numpy as np
import pytest

from poisonscan.core.readings import Measured
from poisonscan.core.slices import Slice
from poisonscan.probing.trait_direction import Contrast, Vectors, fit, read_traits


@pytest.fixture
def world():
    """Benign sets that differ by topic along axis 0, and a trait along axis 1 that only the bad cases have."""
    rng = np.random.default_rng(1)

    def rows(topic, trait, n=40):
        base = rng.normal(size=(n, 16)).astype(np.float32)
        base[:, 0] += topic
        base[:, 1] += trait
        return base

    benign = [rows(rng.normal(scale=5), 0) for _ in range(40)]
    contrast = Contrast("d", rows(3, 2, 60), rows(1, 0, 60))  # the cases also differ by topic, which must not count
    return rows, fit([contrast], benign, "trait-direction (test)")


def _read(values, directions):
    n = len(values)
    measured = Measured(np.arange(n), values, values, np.full(n, 9), (Slice("whole", "whole", tuple(range(n))),))
    return read_traits(Vectors(np.arange(n), values, n), measured, directions, {"d": "latent"})


def test_a_trait_is_seen_and_a_topic_is_not(world):
    """A set with the trait stands out; a set on an unusual topic does not."""
    rows, directions = world
    assert _read(rows(0, 2), directions)[0].statistic > 4
    assert abs(_read(rows(8, 0), directions)[0].statistic) < 3


def test_few_trait_rows_show_in_the_tail(world):
    """Five rows in a hundred are lost in the mean and found in the upper tail."""
    rows, directions = world
    mixed = np.concatenate([rows(0, 6, 5), rows(0, 0, 95)])
    reading = _read(mixed, directions)[0]
    details = dict(reading.details)
    assert float(details["tail"]) > float(details["mean"])
    assert np.argmax(reading.scores) < 5


def test_label_answers_are_left_out(world):
    """Answers of one word carry no conduct, so nothing is said about them."""
    rows, directions = world
    values = rows(0, 2)
    measured = Measured(np.arange(40), values, values, np.ones(40, dtype=int), (Slice("whole", "whole", tuple(range(40))),))
    assert read_traits(Vectors(np.arange(40), values, 40), measured, directions, {}) == []
