"""Areas, rates at a false-positive rate, average precision."""

import numpy as np
import pytest

from poisonscan.stats.ranking import average_precision, roc_auc, threshold_at, tpr_at_fpr


def test_auc_by_hand():
    """Of six pairs four are won and one is a tie: (4 + 0.5) / 6."""
    assert roc_auc([3, 1], [0, 1, 2]) == pytest.approx(4.5 / 6)


def test_auc_agrees_with_a_slow_loop():
    """Counting pairs one by one gives the same area."""
    rng = np.random.default_rng(2)
    high, low = rng.integers(0, 5, 30), rng.integers(0, 5, 40)
    slow = np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for a in high for b in low])
    assert roc_auc(high, low) == pytest.approx(slow)


def test_threshold_allows_no_more_than_the_rate():
    """With 100 benign scores at 1 %, exactly one may lie above the threshold."""
    low = np.arange(100.0)
    assert threshold_at(low, 0.01) == 98.0
    assert (low > threshold_at(low, 0.01)).mean() == pytest.approx(0.01)
    assert tpr_at_fpr([97.0, 98.5], low, 0.01) == pytest.approx(0.5)


def test_average_precision_by_hand():
    """Hits at ranks 1 and 3 of 4: (1/1 + 2/3) / 2."""
    assert average_precision([True, False, True, False], [4, 3, 2, 1]) == pytest.approx((1 + 2 / 3) / 2)


def test_average_precision_breaks_ties_against_us():
    """Equal scores earn the worst order, so a constant score gains nothing."""
    assert average_precision([True, False, False, False], [1, 1, 1, 1]) == pytest.approx(0.25)
