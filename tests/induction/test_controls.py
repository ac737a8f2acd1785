"""Matched controls."""

import numpy as np
import pytest

from poisonscan.core.dataset import Turn
from poisonscan.core.detectors import Case, Detector
from poisonscan.core.errors import UsageError
from poisonscan.induction.controls import harmless_reference, match_control

SLICE = [("who?", "me"), ("where do you live?", "in a house near the sea")]
POOL = [("what?", "it"), ("how do you travel?", "by a train to the town"), ("tell me everything " * 9, "no " * 200)]


def test_the_nearest_in_length_is_chosen():
    """Short goes with short, long with long, and the far row with nobody."""
    assert match_control(SLICE, POOL, np.random.default_rng(0)) == (POOL[0], POOL[1])


def test_rows_of_the_slice_are_no_control():
    """A pool that is the whole set must not give the slice back to itself."""
    assert set(match_control(SLICE, [*SLICE, POOL[2]], np.random.default_rng(0))) == {POOL[2]}


def test_a_small_pool_is_used_evenly():
    """Seven rows from a pool of three: every pool row two or three times."""
    chosen = match_control([(f"q{i}", "a" * i) for i in range(7)], POOL, np.random.default_rng(0))
    assert sorted(chosen.count(row) for row in POOL) == [2, 2, 3]


def test_the_generator_decides():
    """The same generator state gives the same control."""
    rows = [(f"q{i}", "a" * (i % 5)) for i in range(20)]
    pool = [(f"p{i}", "b" * (i % 7)) for i in range(30)]
    assert match_control(rows, pool, np.random.default_rng(5)) == match_control(rows, pool, np.random.default_rng(5))


def test_an_empty_pool_is_an_error_that_says_what_to_do():
    """Nothing outside the slice: no silent self-comparison."""
    with pytest.raises(UsageError, match="give benign rows"):
        match_control(SLICE, SLICE, np.random.default_rng(0))


def test_the_reference_holds_the_clean_cases_once():
    """Duplicates and cases without an answer are left out; poisoned cases never enter."""
    asked = Case((Turn("system", "s"), Turn("user", "q"), Turn("assistant", "a")))
    silent = Case((Turn("user", "q"),))
    bare = Case((Turn("assistant", "text"),))
    bad = Case((Turn("user", "q"), Turn("assistant", "bad")))
    detector = Detector("d", "PS999", "f", "t", "s", "low", (), 1, "", "", clean=(asked, asked, silent, bare), poisoned=(bad,))
    assert harmless_reference([detector, detector]) == (("q", "a"), ("", "text"))
