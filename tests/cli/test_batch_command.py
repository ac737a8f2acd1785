"""`poisonscan batch`: run by default, status, report."""

from pathlib import Path

import pytest
from report_factory import found_report, quiet_report


@pytest.fixture
def two_sets(pipeline, tmp_path, monkeypatch):
    """Two sets of two vendors, one of them found."""
    monkeypatch.setattr("poisonscan.batch.run.settings_digest", lambda settings: "s")
    pipeline.report = lambda dataset: found_report() if "acme" in dataset.name else quiet_report()
    for vendor in ("acme", "best"):
        (tmp_path / vendor).mkdir()
        lines = "".join(f'{{"prompt": "{vendor} {i}", "completion": "a"}}\n' for i in range(3))
        (tmp_path / vendor / "x.jsonl").write_text(lines)
    return tmp_path


def test_run_status_report(cli, two_sets):
    """A batch is run without naming `run`, goes on where it stopped, and compares vendors."""
    ran = cli("batch", "*/x.jsonl")
    assert ran.code == 1, ran.err
    assert "none-found best/x.jsonl" in ran.out
    assert "(done before)" in cli("batch", "run", "*/x.jsonl").out
    assert "1 found, 1 none-found" in cli("batch", "status").out
    ran = cli("batch", "report", "--html", "t.html", "--parquet", "t.parquet")
    assert ran.code == 0
    assert "acme" in ran.out
    assert Path("t.html").is_file()
    assert Path("t.parquet").is_file()


def test_options_before_paths_and_wrong_folders(cli, two_sets):
    """Options may come first; a folder without a batch is wrong use."""
    assert cli("batch", "--quiet", "best/x.jsonl", "--out", "other").code == 0
    assert cli("batch", "status", "--out", "nowhere").code == 2
    assert cli("batch", "--engine", "slurm", "best/x.jsonl").code == 2
