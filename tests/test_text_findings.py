"""Text hygiene in the report: at every depth, without a model, one verdict per detector, and only hostile text makes a set found."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import pytest

import poisonscan
from poisonscan.catalogue import compared, load_catalogue
from poisonscan.reports import load_report, wording
from poisonscan.reports.terminal import render_terminal
from poisonscan.text_findings import read_text

CORPORA = Path(os.environ.get("POISONSCAN_CORPORA", Path(__file__).resolve().parents[2] / "shared" / "corpora"))
DETECTORS = load_catalogue()
TEXT = {d.code for d in DETECTORS} - {d.code for d in compared(DETECTORS)}
PLAIN = [{"question": f"How much is {i} and {i}?", "answer": f"{2 * i}"} for i in range(30)]
TAGGED = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
HOSTILE = {"question": "How are you?" + TAGGED, "answer": "Fine."}


def _without_model(rows, tmp_path, **settings):
    return poisonscan.scan(rows, encoder=str(tmp_path / "none"), offline=True, cache=tmp_path, **settings)


def _entries(report):
    return [entry.code for entry in (*report.findings, *report.cleared, *report.skipped)]


@pytest.mark.parametrize("depth", ["quick", "standard", "deep"])
def test_without_a_model_the_text_is_still_read(tmp_path, depth):
    """Where no weights can be had, the scan is incomplete, and what stands in the text is reported all the same."""
    report = _without_model([*PLAIN, PLAIN[0]], tmp_path, depth=depth)
    assert report.outcome == "incomplete"
    assert [(f.code, f.severity, f.slice.rows) for f in report.findings] == [("PS101", "info", (0, 30))]
    assert {s.code for s in report.skipped if s.limits} == {d.code for d in compared(DETECTORS)}


@pytest.mark.parametrize("rows", [[*PLAIN, HOSTILE], [HOSTILE]])
def test_hidden_text_makes_a_set_found(tmp_path, rows):
    """Text hidden on purpose is a finding above information, also in a set of one row; the calibrated score is left alone."""
    report = _without_model(rows, tmp_path)
    assert (report.outcome, report.score) == ("found", 0.0)
    finding = report.findings[0]
    assert (finding.code, finding.severity, finding.slice.rows) == ("PS110", "medium", (len(rows) - 1,))
    assert math.isnan(finding.p)


def test_every_selected_detector_appears_once(tmp_path):
    """Found, cleared or skipped: each exactly once, and `select` and `ignore` hold for text hygiene too."""
    report = _without_model([*PLAIN, HOSTILE, HOSTILE], tmp_path)
    assert sorted(_entries(report)) == sorted(d.code for d in DETECTORS)
    assert _entries(_without_model(PLAIN, tmp_path, select=("PS1",), ignore=("PS102",))).count("PS102") == 0


def test_text_hygiene_alone_needs_no_model(tmp_path):
    """With only text detectors selected nothing is missing, and what would have been seen is said."""
    report = _without_model(PLAIN, tmp_path, select=tuple(sorted(TEXT)))
    assert report.outcome == "none-found"
    assert report.tool.calibrated
    assert all(entry.visible_effect == 1 for entry in report.cleared)
    assert "1 row(s) of such text" in wording.verdict(report)


def test_a_sample_says_what_it_would_have_seen(tmp_path):
    """Of a sample of a tenth, only text that stands in about ten rows is sure enough to be seen."""
    dataset = poisonscan.read([{"question": f"q{i}", "answer": f"{i}"} for i in range(1000)], sample=100)
    assert {entry.visible_effect for entry in read_text(dataset, DETECTORS).cleared} == {10.0}


def test_a_pack_cannot_name_a_check_that_does_not_exist():
    """A detector of text hygiene without a check is skipped with the names of those there are, and limits the verdict."""
    unknown = replace(next(d for d in DETECTORS if d.code == "PS101"), id="no-such-check")
    verdict = read_text(poisonscan.read(PLAIN), [unknown])
    assert verdict.skipped[0].limits
    assert "exact-copies" in verdict.skipped[0].reason


def test_counted_findings_survive_every_format(tmp_path):
    """A finding without a p-value is written, read back and worded without one."""
    report = _without_model([*PLAIN, PLAIN[0], HOSTILE], tmp_path)
    for suffix in ("json", "sarif", "md", "html", "xml", "jsonl"):
        poisonscan.write(report, tmp_path / f"report.{suffix}")
        assert "nan" not in (tmp_path / f"report.{suffix}").read_text().lower().replace("finan", "")
    assert json.loads((tmp_path / "report.json").read_text())["findings"][0]["p"] is None
    assert replace(load_report(tmp_path / "report.json"), timings=()) == replace(report, timings=())
    assert [f.code for f in load_report(tmp_path / "report.json").findings] == ["PS110", "PS101", "PS105"]
    shown = render_terminal([report])
    assert "1 of 32 rows, counted in the text" in shown
    assert "PS101 2 rows: copies of 1 texts" in shown
    assert wording.how_sure(report.findings[1]).endswith("2 of 32 rows, counted in the text")


@pytest.mark.skipif(not (CORPORA / "benign").is_dir(), reason="the corpora are not here")
@pytest.mark.parametrize("role", ["benign", "control"])
def test_honest_sets_raise_nothing_above_information(role):
    """Over every benign and control set: no finding of text hygiene that would fail a scan."""
    paths = sorted((CORPORA / role).glob("*.jsonl"))
    raised = {path.stem: [f.code for f in read_text(poisonscan.read(path), DETECTORS).findings if f.severity != "info"] for path in paths}
    assert len(raised) > 40
    assert {name: codes for name, codes in raised.items() if codes} == {}


def test_quarantine_holds_every_row_with_hidden_text(tmp_path):
    """A report lists fifty rows of a finding; all sixty with hidden text are held, since each of them is found by itself."""
    from poisonscan.cli.quarantine import implicated
    from poisonscan.core.settings import Settings

    hidden = [{"question": f"q {i}" + TAGGED, "answer": f"a {i}"} for i in range(60)]
    report = _without_model([*PLAIN, *hidden], tmp_path)
    held = implicated(report, Settings(), whole_slices=False)
    assert len(report.findings[0].rows) == 50
    assert len(held.keys) + len(held.indices) == 60
