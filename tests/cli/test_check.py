"""`poisonscan check`: exit codes, outputs, settings."""

import json
from dataclasses import replace

import pytest
from report_factory import found_report, incomplete_report, quiet_report, trigger_finding

from poisonscan.core.errors import ModelError, NoRowsError
from poisonscan.core.evidence import Skipped
from poisonscan.reports import load_report


def raising(error):
    def scan(source):
        raise error

    return scan


@pytest.mark.parametrize(
    ("report", "options", "code"),
    [
        (found_report(), [], 1),
        (found_report(), ["--fail-on", "critical"], 1),
        (quiet_report(), [], 0),
        (incomplete_report(), [], 4),
        (incomplete_report(), ["--allow-incomplete"], 0),
        (replace(quiet_report(), findings=(trigger_finding(),)), [], 0),
        (replace(quiet_report(), findings=(trigger_finding(),)), ["--fail-on", "info"], 1),
        (replace(found_report(), findings=(trigger_finding(),)), [], 4),
        (replace(found_report(), findings=(trigger_finding(),), skipped=(Skipped("PS9", "x", "y", limits=False),)), [], 0),
        (raising(NoRowsError("a: no rows")), [], 3),
        (raising(ModelError("weights are missing")), [], 4),
        (raising(RuntimeError("boom")), [], 5),
        (found_report(), ["--depth", "shallow"], 2),
        (found_report(), ["--no-such-option"], 2),
        (found_report(), ["--output", "sarf=x"], 2),
        (found_report(), ["--format", "yaml"], 2),
        (found_report(), ["--map", "user"], 2),
        (found_report(), ["--baseline", "missing.json"], 2),
    ],
)
def test_exit_codes(cli, pipeline, report, options, code):
    """Each outcome and each error ends with the code the contract names."""
    pipeline.report = report
    assert cli("check", "a.jsonl", *options).code == code


def test_findings_win_over_failures(cli, pipeline):
    """A set that cannot be read does not hide the finding in another; both are told."""

    def scan(source):
        if source == "a":
            raise NoRowsError("a: no rows")
        return found_report()

    pipeline.report = scan
    ran = cli("check", "a", "b")
    assert ran.code == 1
    assert "error: a: no rows" in ran.err
    assert "PS201" in ran.out


def test_no_rows_wins_over_incomplete(cli, pipeline):
    """Without a finding, the set without rows decides over the incomplete one."""
    pipeline.report = lambda source: incomplete_report() if source == "a" else raising(NoRowsError("b: no rows"))(source)
    assert cli("check", "a", "b").code == 3


def test_internal_error_is_one_line_without_a_traceback(cli, pipeline):
    """A bug ends in one line that says how to see more, and -v shows the traceback."""
    pipeline.report = raising(RuntimeError("boom \x1b[31m"))
    ran = cli("check", "a")
    assert ran.err.count("\n") == 1
    assert "internal error: RuntimeError: boom \\u{1b}[31m" in ran.err
    assert "Traceback" in cli("check", "a", "-v").err


def test_outputs_are_written_and_stdout_is_the_result(cli, pipeline, tmp_path):
    """Every --output file is written, and stdout holds the report alone."""
    ran = cli("check", "a", "--output", "json=deep/r.json", "-o", "r.sarif", "-o", "html=page", "--format", "json")
    assert json.loads(ran.out)["outcome"] == "found"
    assert ran.err == ""
    assert load_report(tmp_path / "deep" / "r.json").outcome == "found"
    assert json.loads((tmp_path / "r.sarif").read_text())["version"] == "2.1.0"
    assert (tmp_path / "page").read_text().startswith("<!doctype html>")


def test_wrong_output_fails_before_the_scan(cli, pipeline):
    """A mistake in --output costs no scan."""
    assert cli("check", "a", "--output", "nosuffix").code == 2
    assert pipeline.calls == []


def test_quiet_prints_nothing(cli, pipeline):
    """-q leaves only the exit code."""
    ran = cli("check", "a", "-q")
    assert (ran.code, ran.out, ran.err) == (1, "", "")


def test_settings_come_from_options_over_environment_over_file(cli, pipeline, tmp_path, monkeypatch):
    """The last layer that names a key wins, and the pipeline gets one merged value."""
    (tmp_path / "poisonscan.toml").write_text('depth = "deep"\nseed = 1\nselect = ["PS201"]\nmapping = { user = "q" }\n')
    monkeypatch.setenv("POISONSCAN_SEED", "2")
    monkeypatch.setenv("POISONSCAN_ALPHA", "0.02")
    cli("check", "a", "--seed", "3", "--ignore", "PS3", "--ignore", "PS4")
    settings = pipeline.calls[0][1]
    assert (settings.depth, settings.seed, settings.alpha) == ("deep", 3, 0.02)
    assert (settings.select, settings.ignore, settings.mapping) == (("PS201",), ("PS3", "PS4"), (("user", "q"),))


def test_training_config_is_read_first(cli, pipeline, tmp_path):
    """With a training config the rows are read as the trainer reads them, and the pipeline gets the set."""
    (tmp_path / "a.jsonl").write_text('{"q": "hi", "a": "yo"}\n' * 3)
    (tmp_path / "axolotl.yml").write_text("datasets:\n  - path: a.jsonl\n    type: alpaca\n")
    (tmp_path / "a.jsonl").write_text('{"instruction": "hi", "input": "", "output": "yo"}\n' * 3)
    ran = cli("check", "a.jsonl", "--training-config", "axolotl.yml")
    assert ran.code == 1
    assert len(pipeline.calls[0][0].rows) == 3


def test_dry_run_shows_stages_and_scans_nothing(cli, pipeline, tmp_path):
    """--dry-run reads the set, prints minutes and gigabytes, and calls no scan."""
    (tmp_path / "a.jsonl").write_text('{"prompt": "hi", "completion": "yo"}\n')
    ran = cli("check", "a.jsonl", "--dry-run")
    assert ran.code == 0
    assert "induction" in ran.out
    assert "0.81 min" in ran.out
    assert pipeline.calls == []


def test_help_lists_exit_codes(cli):
    """The help of check says what the exit codes mean."""
    ran = cli("check", "--help")
    assert ran.code == 0
    assert "4 incomplete" in " ".join(ran.out.split())
