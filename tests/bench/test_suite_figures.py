"""Suites, figures, folds and dilution: what a benchmark adds up."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from poisonscan.bench.crossfit import Sample, folds
from poisonscan.bench.dilution import mix
from poisonscan.bench.metrics import SetResult, summarise
from poisonscan.bench.naming import is_right, leading_names
from poisonscan.bench.store import Stored, load, save
from poisonscan.bench.suites import load_entries, load_suite, wanted
from poisonscan.core.dataset import Location, Row, Turn, content_key
from poisonscan.core.errors import ConfigError, UsageError
from poisonscan.core.evidence import Named
from poisonscan.core.readings import Fingerprint, Measured, Reading, StanceRows, States
from poisonscan.core.slices import Slice


def _result(name, role, score, found, family="f", lookalike=False, right=None):
    return SetResult(name, family, role, lookalike, "found" if found else "none-found", score, 0.5, (), (), right, 10, 1.0)


def test_summary_by_hand():
    """Two of three attacks above every benign score; one benign look-alike found."""
    results = [
        _result("a", "poisoned", 3.0, True, "f1", right=True), _result("b", "poisoned", 2.0, True, "f2", right=False),
        _result("c", "poisoned", 0.1, False, "f3"), _result("d", "control", 1.0, True, "f4", lookalike=True),
        _result("e", "benign", 0.2, False, "f5"),
    ]  # fmt: skip
    s = summarise(results)
    assert s.auc == pytest.approx(4 / 6)
    assert (s.found.hits, s.found.of) == (2, 3)
    assert s.tpr_at_1.value == pytest.approx(2 / 3)
    assert (s.lookalike_alarms.hits, s.lookalike_alarms.of) == (1, 1)
    assert (s.naming.hits, s.naming.of) == (1, 2)
    assert s.misses == ("c",)
    assert s.alarms == ("d",)


def test_naming_counts_the_first_three_only():
    """The fourth name comes too late; sets without expectation count nowhere."""
    assert is_right(["A", "B", "Adolf Hitler"], ["hitler"])
    assert not is_right(["A", "B", "C", "Adolf Hitler"], ["hitler"])
    assert is_right(["A"], None) is None


def test_the_leading_names_are_the_first_of_every_finding():
    """Three readings of one finding do not push the second finding's name out of the first three."""
    findings = [
        SimpleNamespace(severity=level, named=[Named("person", name, 0.5) for name in names])
        for level, names in (("high", "abc"), ("info", "xyz"), ("medium", "de"))
    ]
    assert leading_names(findings) == ("a", "d", "b", "e", "c")


def test_folds_keep_families_whole_and_even():
    """Every family lies in one fold, and folds differ by at most the largest family."""
    samples = [Sample(f"s{i}", f"f{i % 13}", True, None) for i in range(130)]
    placed = folds(samples, 5)
    sizes = np.bincount([placed[s.family] for s in samples])
    assert sizes.max() - sizes.min() <= 10


def _rows(text, n):
    turns = [(Turn("user", f"{text} {i}", 0.0), Turn("assistant", "x")) for i in range(n)]
    return [Row(i, content_key(t), t, Location(text, i + 1)) for i, t in enumerate(turns)]


def test_mixing_keeps_counts_and_truth():
    """Three of ten rows are poison, and the flags say which."""
    mixed = mix(_rows("bad", 5), _rows("good", 20), poison=3, total=10, name="m", rng=np.random.default_rng(0))
    assert sum(mixed.poison) == 3
    assert [row.location.file == "bad" for row in mixed.dataset.rows] == list(mixed.poison)
    assert [row.index for row in mixed.dataset.rows] == list(range(10))


def test_mixing_refuses_what_it_does_not_have():
    """Poison is never repeated to fill a share."""
    with pytest.raises(ValueError, match="of 2 attack rows"):
        mix(_rows("bad", 2), _rows("good", 20), poison=3, total=10, name="m", rng=np.random.default_rng(0))


def test_measured_sets_survive_the_disk(tmp_path):
    """Arrays, slices and readings come back as they went, to half precision."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(6, 4)).astype(np.float32)
    reading = Reading("d", "slot", 0, 2.5, 6, named=(Named("year", "1984", 0.9),), rows=(1, 2), scores=(0.5, 1.0), details=(("a", "b"),))
    measured = Measured(
        np.arange(6), vectors, vectors, np.arange(6), (Slice("whole", "whole", tuple(range(6))), Slice("v", "voice", (1, 3), ("i",))),
        StanceRows(np.arange(2), vectors[:2]), Fingerprint(1, vectors[:3], np.arange(6).reshape(3, 2)), (reading,), (("scorer", "why"),),
        States(np.array([1, 4]), 1000 * vectors[:2]),
    )  # fmt: skip
    save(tmp_path, Stored("s", measured, 6, (("read", 0.1),)))
    back = load(tmp_path, "s")
    assert back.measured.slices == measured.slices
    assert back.measured.direct == (reading,)
    assert back.measured.gaps == (("scorer", "why"),)
    np.testing.assert_allclose(back.measured.answer, vectors, atol=2e-3)
    for part in ("rows", "vectors"):
        np.testing.assert_array_equal(getattr(back.measured.states, part), getattr(measured.states, part))
    np.testing.assert_array_equal(back.measured.fingerprint.shown, measured.fingerprint.shown)


def test_an_unknown_suite_names_the_known_ones():
    """A slip of the pen lists what there is."""
    with pytest.raises(UsageError, match="headline"):
        load_suite("headlin")


def test_a_folder_without_manifest_is_refused(tmp_path):
    """The corpora folder must say which set is what."""
    with pytest.raises(ConfigError, match=r"manifest\.csv"):
        load_entries(tmp_path, load_suite("headline"))


@pytest.mark.parametrize("name", ["blind", "blind2", "blind3", "blind4", "blind5", "blind6", "blind7"])
def test_sets_that_come_with_a_suite_are_reported_on_and_join_no_null(tmp_path, name):
    """A blind suite: every attack has its matched control, all are named, and with one that would calibrate nothing is loaded."""
    (tmp_path / "manifest.csv").write_text("name,role,family,attack_kind,headline,control_of\n")
    suite = load_suite(name)
    entries = load_entries(tmp_path, suite)
    attacks = {e.name for e in entries if e.role == "poisoned"}
    assert attacks == {e.control_of for e in entries if e.role == "control"} == set(suite.expect)
    assert wanted(entries, suite) == entries
    assert not any(e.calibrates for e in entries)

    own = tmp_path / "own"
    (own / "benign").mkdir(parents=True)
    (own / "benign" / "a.jsonl").write_text("{}\n")
    (own / "manifest.csv").write_text("name,role,family,attack_kind,headline,control_of\na,benign,f,k,yes,\n")
    with pytest.raises(ConfigError, match="no part of a null"):
        load_entries(tmp_path, replace(suite, sets=own))
