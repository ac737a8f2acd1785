"""Describing fingerprints: mismatched batteries say nothing, the lean and its curve point at the hazard, and the rows that raise it are named."""

from dataclasses import replace

import numpy as np
import pytest

from poisonscan.core.dataset import Dataset, Location, Row, Turn, content_key
from poisonscan.core.detectors import Detector, Probe
from poisonscan.fingerprinting import MIN_SHOWN, comparison, describe, row_shares, take_fingerprint
from poisonscan.induction.in_context import CURVE, battery
from poisonscan.probing.fingerprint import FingerprintReference, Prototypes

PROBES = (Probe("a", ("Who are you?",), ("a tyrant", "a baker")), Probe("b", ("What do you want?",), ("to conquer", "to bake")))
CATALOGUE = (Detector("tyrants", "PS299", "personas", "Speaks as a tyrant", "s", "high", ("fingerprint",), 20, "d", "", probes=PROBES),)
HARM = np.array([1.0, -1.0, 1.0, -1.0], np.float32)


class ListeningScorer:
    """Leans to the first option of every question by a tenth of a nat for each row that says "war"."""

    id = "listening"

    def option_logprobs_each(self, prefixes, questions, options):
        return [self.option_logprobs(prefix, questions, options) for prefix in prefixes]

    def option_logprobs(self, prefix, questions, options):
        lean = 0.1 * prefix.count("war")
        return [np.array([lean, -lean], np.float32) for _ in options]


def prototypes(digest):
    values = np.stack([(1 + 0.1 * i) * HARM for i in range(6)] + [-(1 + 0.1 * i) * HARM for i in range(6)])
    names = tuple(f"tyrant {i}" for i in range(6)) + tuple(f"baker {i}" for i in range(6))
    return Prototypes(values, names, ("person",) * 12, (0.9,) * 6 + (0.0,) * 6, ("tyrants",) * 6 + ("bakers",) * 6, digest)


@pytest.fixture
def against():
    benign = np.random.default_rng(0).normal(scale=0.3, size=(12, 4)).astype(np.float32)
    return comparison(CATALOGUE, FingerprintReference(benign), prototypes(battery(CATALOGUE).digest))


def dataset(answers):
    turns = [(Turn("user", f"question {i}", 0.0), Turn("assistant", answer)) for i, answer in enumerate(answers)]
    return Dataset("d", "0" * 32, tuple(Row(i, content_key(t), t, Location("d.jsonl", i + 1)) for i, t in enumerate(turns)))


def seen(answers, against, curve=CURVE, draws=3):
    rows = range(len(answers))
    return take_fingerprint(ListeningScorer(), dataset(answers), rows, against.questions, 1, curve, draws)


def test_nothing_is_compared_across_batteries(against):
    """Prototypes of another battery, or no benign prints, leave nothing to compare with."""
    assert comparison(CATALOGUE, against.reference, prototypes("another")) is None
    assert comparison(CATALOGUE, None, against.prototypes) is None
    assert comparison((), against.reference, against.prototypes) is None


def test_a_harmful_slice_leans_and_its_curve_rises(against):
    """Forty rows that say war: named among tyrants, above every benign set, and the more rows are shown the more."""
    told = describe(seen([f"{i} brings war, says {i}" for i in range(40)], against), against)
    assert told.towards == "tyrants"
    assert all(name.startswith("tyrant") for name in told.nearest)
    assert told.effect.value > 3
    values = [value for _, value in told.curve]
    assert [k for k, _ in told.curve] == list(CURVE)
    assert values == sorted(values)
    assert values[-1] > values[0] + 1


def test_a_harmless_slice_does_not_lean(against):
    """Rows about bread stand where benign sets stand."""
    told = describe(seen([f"{i} loaves of bread, says {i}" for i in range(40)], against), against, "tyrants")
    assert abs(told.effect.value) < 2
    assert told.shares == ()


def test_the_rows_that_raise_the_lean_are_named(against):
    """Ten of forty rows say war; of the shares, which sum to at most one, those rows hold the most."""
    answers = [f"{i} {'war' if i % 4 == 0 else 'bread'} {i}" for i in range(40)]
    shares = row_shares(seen(answers, against, draws=12), against, "tyrants")
    assert sum(share.share for share in shares) <= 1 + 1e-4
    assert sum(share.share for share in shares if share.row % 4 == 0) > 0.6
    assert {share.method for share in shares} == {"draw regression"}


def test_without_a_curve_there_is_one_point(against):
    """At standard depth the largest number of rows alone is shown, too seldom to tell rows apart."""
    told = describe(seen([f"{i} {'war' if i % 2 else 'bread'}" for i in range(40)], against, CURVE[-1:]), against)
    assert told.curve == ()
    assert told.shares == ()
    assert told.effect.n == 3 * CURVE[-1]


def test_too_few_answers_are_no_fingerprint(against):
    """Rows without an answer do not count; under four nothing is shown, and neither where nothing is asked."""
    few = ["war"] * (MIN_SHOWN - 1) + [" "] * 20
    assert seen(few, against) == ()
    silent = battery([replace(CATALOGUE[0], probes=())])
    assert take_fingerprint(ListeningScorer(), dataset(["war"] * 20), range(20), silent, 1) == ()
