"""Calibration resumes: what is measured stays, and only a fingerprint of another battery is taken anew."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from poisonscan.bench import calibrate
from poisonscan.bench.calibrate import choose_prototypes, keep_measured, shipped_probe
from poisonscan.bench.store import Stored, load, save
from poisonscan.catalogue import bundled_catalogue, compared, load_catalogue
from poisonscan.catalogue.calibration import load_calibration
from poisonscan.core.dataset import Dataset, Location, Row, Turn, content_key
from poisonscan.core.detectors import Detector, Hypothesis, Probe
from poisonscan.core.readings import Fingerprint, Measured
from poisonscan.core.settings import Settings
from poisonscan.core.slices import Slice
from poisonscan.induction.in_context import battery
from poisonscan.probing.activation_probe import SENSITIVE

CATALOGUE = (Detector("d", "PS299", "personas", "Title", "s", "high", ("fingerprint",), 20, "x", "", probes=(Probe("p", ("Who?",), ("I", "you")),)),)
DIGEST = battery(CATALOGUE).digest


class Even:
    """Finds every option as likely as the next."""

    id = "even"

    def option_logprobs_each(self, prefixes, questions, options):
        return [self.option_logprobs(prefix, questions, options) for prefix in prefixes]

    def option_logprobs(self, prefix, questions, options):
        return [np.full(len(group), -2.0, np.float32) for group in options]


def dataset():
    turns = [(Turn("user", f"q{i}", 0.0), Turn("assistant", f"a{i}")) for i in range(20)]
    return Dataset("s", "0" * 32, tuple(Row(i, content_key(t), t, Location("f", i + 1)) for i, t in enumerate(turns)))


def held(folder, fingerprint):
    vectors = np.eye(20, dtype=np.float32)
    measured = Measured(np.arange(20), vectors, vectors, np.arange(20), (Slice("whole", "whole", tuple(range(20))),), fingerprint=fingerprint)
    save(folder, Stored("s", measured, 20, (("embed", 1.5),)))


def kept(folder, *, printed):
    keep_measured(folder, "s", dataset, Settings(), SimpleNamespace(scorer=Even()), CATALOGUE, None, printed=printed)
    return load(folder, "s")


@pytest.mark.parametrize("old", [None, Fingerprint(0, np.ones((3, 9), np.float32), np.zeros((3, 6), np.int64), "then")])
def test_a_missing_or_stale_fingerprint_is_taken_anew(tmp_path, old):
    """The rest of what was measured stays as it was."""
    held(tmp_path, old)
    stored = kept(tmp_path, printed=True)
    assert stored.measured.fingerprint.battery == DIGEST
    assert stored.measured.fingerprint.logprobs.shape[1] == 2
    assert stored.timings == (("embed", 1.5),)
    np.testing.assert_array_equal(stored.measured.answer, np.eye(20))


def test_a_fresh_fingerprint_is_not_taken_again(tmp_path):
    """Its odd values would not survive a second taking."""
    held(tmp_path, Fingerprint(0, np.full((3, 2), 7.0, np.float32), np.zeros((3, 16), np.int64), DIGEST))
    assert np.all(kept(tmp_path, printed=True).measured.fingerprint.logprobs == 7.0)


def test_a_set_that_is_not_printed_keeps_what_it_has(tmp_path):
    """No scorer is asked for a set that gives no reference."""
    held(tmp_path, None)
    assert kept(tmp_path, printed=False).measured.fingerprint is None


def test_prototypes_are_half_harmful_and_shared_among_detectors():
    """Two detectors of harm and one of plain people: eight places go to four and four, the harmful ones to both in turn."""
    owned = [("tyrants", 0.9)] * 10 + [("villains", 0.8)] * 2 + [("people", 0.0)] * 20
    hypotheses = tuple(Hypothesis(f"h{i}", "person", f"n{i}", hazard, "s") for i, (_, hazard) in enumerate(owned))
    bank = SimpleNamespace(hypotheses=hypotheses, detectors=tuple(name for name, _ in owned))
    assert choose_prototypes(SimpleNamespace(bank=bank), 8) == [0, 1, 10, 11, 12, 13, 14, 15]


def test_the_shipped_probe_is_used_for_the_same_scorer_and_detectors_only():
    """It was fitted on these cases and weights: another scorer, or a changed detector, needs its own."""
    catalogue = compared(load_catalogue(None))
    scorer = load_calibration(bundled_catalogue(), catalogue).scorer
    probe = shipped_probe(catalogue, scorer)
    assert probe.moved > SENSITIVE
    assert probe.weights.shape == probe.centre.shape == probe.scale.shape
    assert shipped_probe(catalogue, "another@1") is None
    assert shipped_probe([replace(catalogue[0], digest="changed"), *catalogue[1:]], scorer) is None


def test_what_the_scorer_read_is_kept_and_only_new_items_are_read(tmp_path, monkeypatch):
    """Three items in writes of two; an interrupted reading keeps what was written, and a wider list costs what is new in it."""
    monkeypatch.setattr(calibrate, "AT_ONCE", 2)
    seen = []

    def read(items):
        seen.extend(items)
        if "broken" in items:
            raise KeyboardInterrupt
        return [np.full(2, len(item), np.float32) for item in items]

    path = tmp_path / "work" / "states-x.npz"
    with pytest.raises(KeyboardInterrupt):
        calibrate._kept(path, {"a": "1", "b": "22", "c": "broken"}, read)
    known = calibrate._kept(path, {"a": "1", "b": "22", "d": "4444"}, read)
    assert seen == ["1", "22", "broken", "4444"]
    assert {key: value.tolist() for key, value in known.items()} == {"a": [1, 1], "b": [2, 2], "d": [4, 4]}
