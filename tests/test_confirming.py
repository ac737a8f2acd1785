"""Which slices get a fingerprint: by depth, by the judge's order, within the budget."""

from types import SimpleNamespace

import numpy as np
import pytest

from poisonscan.confirming import FINGERPRINT, FIRST_DRAWS, OTHER_DRAWS, PRINTED_SLICES, print_slices, with_evidence
from poisonscan.core.dataset import Dataset, Location, Row, Turn, content_key
from poisonscan.core.detectors import Detector, Probe
from poisonscan.core.evidence import Effect, Evidence, Finding
from poisonscan.core.protocols import Silent
from poisonscan.core.settings import Settings
from poisonscan.core.slices import Slice
from poisonscan.fingerprinting import comparison
from poisonscan.induction.in_context import CURVE, battery
from poisonscan.measuring import Clock
from poisonscan.probing.fingerprint import FingerprintReference, Prototypes

PROBES = (Probe("a", ("Who are you?",), ("a tyrant", "a baker")), Probe("b", ("What do you want?",), ("to conquer", "to bake")))
CATALOGUE = (Detector("tyrants", "PS299", "personas", "Speaks as a tyrant", "s", "high", ("fingerprint",), 20, "d", "", probes=PROBES),)
SLICES = tuple(Slice(f"s{i}", "whole" if i == 0 else "cluster", tuple(range(i, 30))) for i in range(10))


class Even:
    """Counts how often it is asked and prefers nothing."""

    id = "even"

    def __init__(self):
        self.asked = 0

    def option_logprobs_each(self, prefixes, questions, options):
        return [self.option_logprobs(prefix, questions, options) for prefix in prefixes]

    def option_logprobs(self, prefix, questions, options):
        self.asked += 1
        return [np.zeros(len(group), np.float32) for group in options]


def against():
    values = np.array([[1, -1, 1, -1]] * 6 + [[-1, 1, -1, 1]] * 6, np.float32)
    stated = Prototypes(values, ("n",) * 12, ("person",) * 12, (0.9,) * 6 + (0.0,) * 6, ("tyrants",) * 12, battery(CATALOGUE).digest)
    return comparison(CATALOGUE, FingerprintReference(np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)), stated)


def finding(place, severity="high"):
    effect = Effect(1.0, 0.5, 1.5, "x", 30)
    return Finding("PS299", "tyrants", "t", severity, "low", "slice", "stage", 0.001, effect, (), (), SLICES[place])


def taken(depth, findings, spent=False):
    turns = [(Turn("user", f"q{i}", 0.0), Turn("assistant", f"a{i}")) for i in range(30)]
    rows = Dataset("d", "0" * 32, tuple(Row(i, content_key(t), t, Location("f", i + 1)) for i, t in enumerate(turns)))
    scorer, clock = Even(), Clock(1e-9 if spent else 0.0)
    models = SimpleNamespace(scorer=scorer, progress=Silent())
    return print_slices(findings, SLICES, rows, against(), models, Settings(depth=depth), clock), scorer


def test_standard_looks_at_the_finding_and_the_whole_set():
    """Two slices, one number of rows; nothing where nothing above information was found."""
    prints, _ = taken("standard", [finding(3), finding(5)])
    assert list(prints) == [3, 0]
    assert all(seen.curve == () for seen in prints.values())
    assert taken("standard", [])[0] == {}
    assert taken("standard", [finding(3, "info")])[0] == {}


def test_a_finding_on_the_whole_set_is_looked_at_once():
    """The two slices of a standard scan may be one."""
    assert list(taken("standard", [finding(0)])[0]) == [0]


def test_deep_looks_at_slices_in_the_judges_order():
    """Found or not, at most PRINTED_SLICES, those of findings first; the first with its curve."""
    prints, scorer = taken("deep", [finding(7), finding(2)])
    assert list(prints) == [7, 2, 0, 1, 3, 4, 5, 6][:PRINTED_SLICES]
    assert len(prints) == PRINTED_SLICES
    assert [k for k, _ in prints[7].curve] == list(CURVE)
    assert all(seen.curve == () for place, seen in prints.items() if place != 7)
    assert scorer.asked <= len(CURVE) * FIRST_DRAWS + (PRINTED_SLICES - 1) * OTHER_DRAWS
    assert list(taken("deep", [])[0]) == list(range(PRINTED_SLICES))


def test_a_spent_budget_stops_before_the_next_slice():
    """Nothing is asked when the time is over."""
    prints, scorer = taken("deep", [finding(7)], spent=True)
    assert prints == {}
    assert scorer.asked == 0


@pytest.mark.parametrize(("channel", "confidence"), [(FINGERPRINT, "low"), ("proxy fine-tune", "medium")])
def test_a_fingerprint_raises_no_confidence(channel, confidence):
    """Its draws share rows; a proxy against matched rows does raise it."""
    more = Evidence("tyrants", channel, SLICES[0], Effect(2.0, 1.0, 3.0, "x", 3), 2.0, 1.0, 0, 1, 1.0)
    assert with_evidence(finding(0), more).confidence == confidence
