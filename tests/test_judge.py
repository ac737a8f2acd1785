"""Verdicts from table-driven readings; no model anywhere."""


import numpy as np
import pytest

from poisonscan.catalogue.calibration import Calibration, Null, load_calibration, save_calibration
from poisonscan.core.detectors import Detector
from poisonscan.core.evidence import Cleared, Finding, Named, Skipped
from poisonscan.core.readings import ACTIVATION, BY_CHOICE, Reading
from poisonscan.core.slices import Slice
from poisonscan.judge import ABSENT, BELOW_CUT, CUT, climb, collective_curve, judge, row_shares, severity

SLICES = (Slice("whole", "whole", tuple(range(50))),)


def _detector(name="bad", level="high"):
    return Detector(name, f"PS{200 + len(name)}", "personas", f"Title of {name}", "s", level, ("bank-match",), 20, "digest", "")


def _asking(name, channel):
    return Detector(name, f"PS{300 + len(name)}", "misalignment", f"Title of {name}", "s", "high", (channel,), 20, "digest", "")


def _calibration(names=("bad",), n=120, seed=0):
    rng = np.random.default_rng(seed)
    sets, families = tuple(f"s{i}" for i in range(n)), tuple(f"f{i // 10}" for i in range(n))
    nulls = {(name, "bank-match"): Null(rng.normal(size=n), sets, families) for name in names}
    return Calibration("sc", "en", nulls, Null(np.zeros(0), (), ()), {}, dict.fromkeys(names, "digest"))


def _reading(value, name="bad", hazard=0.9):
    scores = tuple(float(i % 5) for i in range(50))
    return Reading(name, "bank-match", 0, value, 50, hazard=hazard, named=(Named("person", "X", 0.9),), rows=tuple(range(50)), scores=scores)


def test_a_statistic_far_beyond_every_benign_set_is_found():
    """Every detector ends as exactly one of found, cleared, skipped; this one is found and scores high."""
    verdict = judge([_reading(9.0)], SLICES, [_detector()], _calibration())
    assert [type(f) for f in verdict.findings] == [Finding]
    assert verdict.score > 2
    assert verdict.findings[0].named[0].value == "X"


def test_a_benign_statistic_is_cleared_with_what_would_have_been_seen():
    """A set like the benign ones is cleared, and the report says which strength it would have taken."""
    verdict = judge([_reading(0.1)], SLICES, [_detector()], _calibration())
    assert isinstance(verdict.cleared[0], Cleared)
    assert verdict.cleared[0].visible_effect > 0
    assert verdict.findings == ()


def test_what_lies_below_the_cut_ranks_sets_and_finds_nothing():
    """Two benign-looking sets: the odder one scores higher, neither is found, and twelve such channels weigh less than one at 3 %."""
    calm, odd = (judge([_reading(value)], SLICES, [_detector()], _calibration()) for value in (-0.5, 1.0))
    assert 0 < calm.score < odd.score
    assert calm.findings == odd.findings == ()
    assert -np.log10(0.03) - CUT > 12 * BELOW_CUT * CUT


def test_a_harmless_latent_is_information_and_raises_no_score():
    """A coherent but harmless persona is named, never flagged."""
    verdict = judge([_reading(9.0, hazard=0.0)], SLICES, [_detector()], _calibration())
    assert verdict.findings[0].severity == "info"
    assert verdict.score == pytest.approx(0.0, abs=0.31)


def test_no_reading_is_skipped_not_cleared():
    """What could not be measured is never called absent."""
    verdict = judge([], SLICES, [_detector()], _calibration())
    assert isinstance(verdict.skipped[0], Skipped)
    assert not verdict.skipped[0].limits


def test_a_detector_without_null_is_uncalibrated():
    """A third-party detector without a calibration cannot clear anything."""
    verdict = judge([], SLICES, [_detector("unknown")], _calibration())
    assert "uncalibrated" in verdict.skipped[0].reason
    assert verdict.skipped[0].limits


def test_the_search_is_paid_for():
    """One false alarm rate for the whole catalogue: with 30 detectors on benign sets, about 1 % of sets are found, not 30 %."""
    names = tuple(f"d{i:02d}" for i in range(30))
    calibration = _calibration(names, n=150)
    catalogue = [_detector(name) for name in names]
    rng = np.random.default_rng(7)
    found = [
        bool(judge([_reading(float(v), n) for n, v in zip(names, rng.normal(size=30), strict=True)], SLICES, catalogue, calibration).findings)
        for _ in range(25)
    ]
    assert sum(found) <= 3


def test_one_loud_finding_hides_no_other():
    """What would be found alone is reported beside a finding many times as strong; what would not is left out."""
    catalogue, calibration = [_detector("a"), _detector("bb"), _detector("ccc")], _calibration(("a", "bb", "ccc"))
    readings = [_reading(40.0, "a"), _reading(9.0, "bb"), _reading(1.5, "ccc")]
    assert [f.detector for f in judge(readings, SLICES, catalogue, calibration).findings] == ["a", "bb"]


def test_a_deaf_channel_is_missing_alone():
    """Where the positive control left the scorer unmoved, the detector that asks it is skipped and the others are judged."""
    catalogue = [_detector(), _asking("broad", ACTIVATION)]
    calibration = _calibration(("bad",))
    calibration.nulls["broad", ACTIVATION] = calibration.nulls["bad", "bank-match"]
    verdict = judge([_reading(0.1)], SLICES, catalogue, calibration, gaps=[(ACTIVATION, "scorer insensitive: moved by 0.3")])
    assert [(s.detector, s.reason, s.limits) for s in verdict.skipped] == [("broad", "scorer insensitive: moved by 0.3", True)]
    assert [c.detector for c in verdict.cleared] == ["bad"]


def test_climb_leave_their_own_family_out():
    """A family of odd benign sets stands out in the null instead of hiding behind itself."""
    calibration = _calibration()
    key = ("bad", "bank-match")
    values = calibration.nulls[key].values.copy()
    values[:10] = 50.0
    odd = Calibration("sc", "en", {key: Null(values, calibration.nulls[key].sets, calibration.nulls[key].families)}, calibration.combined, {}, {})
    assert climb(odd, [key]).total[:10].min() > 1


def test_absent_values_score_nothing():
    """A benign set the channel did not apply to counts as unsuspicious."""
    calibration = _calibration()
    key = ("bad", "bank-match")
    values = np.full(120, ABSENT)
    empty = Calibration("sc", "en", {key: Null(values, calibration.nulls[key].sets, calibration.nulls[key].families)}, calibration.combined, {}, {})
    assert climb(empty, [key]).total.max() == 0


def test_shares_sum_to_at_most_one_and_lead_with_the_largest():
    """Row shares are shares of the whole reading."""
    shares = row_shares(_reading(3.0))
    assert sum(s.share for s in shares) <= 1 + 1e-6
    assert shares[0].share == max(s.share for s in shares)


def test_the_curve_rises_with_the_rows():
    """Evidence that many rows share grows with the number shown."""
    curve = collective_curve(_reading(3.0), 0)
    assert curve[0][1] < curve[-1][1]


@pytest.mark.parametrize(("hazard", "expected"), [(1.0, "critical"), (0.6, "high"), (0.3, "medium")])
def test_severity_follows_hazard(hazard, expected):
    """A milder latent is a milder finding of the same detector."""
    assert severity("critical", hazard) == expected


def test_calibrations_survive_the_disk(tmp_path):
    """What is written is what is read, and a changed detector is stale."""
    calibration = Calibration("sc", "en", _calibration().nulls, Null(np.array([1.0]), ("a",), ("b",)), {"x": np.ones(3, np.float32)}, {"bad": "digest"})
    detector = _detector()
    save_calibration(tmp_path, calibration, [detector])
    back = load_calibration(tmp_path, [detector])
    assert back is not None
    assert back.fresh(detector)
    assert back.nulls[("bad", "bank-match")].values == pytest.approx(calibration.nulls[("bad", "bank-match")].values, abs=1e-4)
    assert load_calibration(tmp_path / "nowhere", [detector]) is None


def test_a_scorer_nobody_wanted_asked_leaves_nothing_incomplete():
    """A quick scan is whole in itself; a budget that ran out, or a deaf scorer, is not."""
    asker = Detector("asker", "PS599", "misalignment", "Asks", "s", "high", (ACTIVATION,), 20, "digest", "")
    chosen, forced = (judge([], SLICES, [asker], _calibration(), gaps=[("scorer", why)]).skipped[0] for why in (BY_CHOICE, "the budget was spent"))
    assert not chosen.limits
    assert forced.limits


def test_a_channel_that_could_not_read_the_set_gives_its_reason():
    """Of a detector only channels with benign sets count: where all of them are gaps, that is the reason, not a missing calibration."""
    owner = Detector("bad", "PS203", "personas", "Title of bad", "s", "high", ("bank-match", "likelihood"), 20, "digest", "")
    verdict = judge([], SLICES, [owner], _calibration(), gaps=(("bank-match", "60 of 60 rows are not in English"),))
    assert verdict.skipped[0].reason == "60 of 60 rows are not in English"
    assert verdict.skipped[0].limits
