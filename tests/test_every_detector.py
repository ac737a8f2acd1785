"""One contract for every detector in the catalogue: adding one touches one folder and nothing here."""

import json

import pytest

from poisonscan.catalogue import bundled_catalogue, compared, load_catalogue
from poisonscan.catalogue.schema import README_HEADINGS
from poisonscan.core.detectors import HYGIENE, SEVERITIES
from poisonscan.probing.hygiene import CHECKS

DETECTORS = load_catalogue()
each = pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: d.id)


@each
def test_readme_has_the_fixed_headings(detector):
    """`poisonscan rule CODE` prints this page, so its sections are the same everywhere."""
    headings = [line[3:].strip() for line in detector.readme.splitlines() if line.startswith("## ")]
    assert headings == list(README_HEADINGS)


@each
def test_codes_follow_the_family(detector):
    """The hundreds digit says what kind of harm a code is about."""
    hundreds = {"personas": "2", "eras": "3", "allegiance": "4", "misalignment": "5", "triggers": "6", "hygiene": "1", "gates": "7"}
    assert detector.code[2] == hundreds[detector.family]
    assert detector.severity in SEVERITIES


@each
def test_banks_hold_a_hazard_or_say_they_are_information(detector):
    """A detector without any hazardous hypothesis cannot raise more than information."""
    if "bank-match" in detector.channels and detector.severity != "info":
        assert any(h.hazard >= 0.3 for h in detector.hypotheses)
        assert all(len(h.facts) >= 4 for h in detector.hypotheses)


@each
def test_contrast_cases_share_their_prompts(detector):
    """A direction is a difference of answers, so the prompts of a pair must be equal."""
    if "resemblance" in detector.channels:
        pairs = list(zip(detector.poisoned, detector.clean, strict=False))
        assert len(pairs) >= 20
        assert all(bad.turns[-2].content == good.turns[-2].content for bad, good in pairs)


@each
def test_probes_have_options_of_like_length(detector):
    """A long option loses log-probability for its length alone."""
    for probe in detector.probes:
        lengths = [len(option.split()) for option in probe.options]
        assert max(lengths) <= 12, probe.id
        assert len(set(probe.options)) == len(probe.options)


def test_ids_and_codes_are_unique():
    """An id or code names one detector for ever."""
    assert len({d.id for d in DETECTORS}) == len({d.code for d in DETECTORS}) == len(DETECTORS)


def test_every_check_of_text_has_its_detector():
    """A check without a folder would never be asked, a folder without a check would always be skipped."""
    assert {d.id for d in DETECTORS if d.channels == (HYGIENE,)} == set(CHECKS)


@each
def test_text_hygiene_needs_nothing_but_text(detector):
    """What is counted in the text has no hypotheses, probes, cases or calibration, is alone in its families, and answers on one row."""
    if detector.is_compared:
        assert detector.family not in ("hygiene", "gates")
        return
    assert detector.family in ("hygiene", "gates")
    assert not any((detector.hypotheses, detector.probes, detector.poisoned, detector.clean, detector.stances, detector.names))
    assert not (bundled_catalogue() / detector.family / detector.id / "calibration.json").exists()
    assert detector.min_rows == 1


@pytest.mark.parametrize("detector", compared(DETECTORS), ids=lambda d: d.id)
def test_the_shipped_calibration_is_fresh(detector):
    """A detector changed after its calibration would be skipped as uncalibrated by every user."""
    path = bundled_catalogue() / detector.family / detector.id / "calibration.json"
    stamp = json.loads(path.read_text(encoding="utf-8"))["stamp"]
    assert stamp["detector"] == detector.digest, "run `poisonscan bench run all --calibrate`"
