"""`poisonscan check`: scan sets, show what was found, end with a code a build can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from poisonscan.cli import options as o
from poisonscan.cli.baselines import Baseline, accepted_findings, load_baseline
from poisonscan.cli.dry_run import show_plan
from poisonscan.cli.exit_codes import ExitCode, combined, of_report
from poisonscan.cli.locks import update_lock
from poisonscan.cli.output import say
from poisonscan.cli.outputs import check_format, show_reports, targets, write_targets
from poisonscan.cli.progress import shown_progress
from poisonscan.cli.scanning import scan_all
from poisonscan.cli.settings_merge import merged
from poisonscan.cli.since import changed_paths
from poisonscan.core.detectors import Severity
from poisonscan.core.evidence import Finding
from poisonscan.core.report import Report

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def check(
    paths: o.Paths,
    depth: o.DepthOption = None,
    scorer: o.Scorer = None,
    encoder: o.Encoder = None,
    fail_on: o.FailOn = None,
    output: o.Output = None,
    fmt: o.Format = None,
    since: Annotated[str | None, typer.Option("--since", metavar="REF", help="Only paths changed since a git reference.")] = None,
    budget_minutes: o.Budget = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show stages, minutes and memory; scan nothing.")] = False,
    layout: o.Layout = None,
    mapping: o.MapOption = None,
    training_config: o.TrainingConfig = None,
    catalogue: o.Catalogue = None,
    calibration: o.Calibration = None,
    select: o.Select = None,
    ignore: o.Ignore = None,
    seed: o.Seed = None,
    max_rows: o.MaxRows = None,
    offline: o.Offline = False,
    allow_incomplete: o.AllowIncomplete = False,
    baseline: Annotated[Path | None, typer.Option("--baseline", help="Accepted findings; they do not fail the scan.")] = None,
    lock: Annotated[Path | None, typer.Option("--lock", help="Write the verdicts to this lock file too.")] = None,
    config: o.ConfigFile = None,
    no_progress: o.NoProgress = False,
    verbose: o.Verbose = False,
    quiet: o.Quiet = False,
) -> None:
    """Scan one or more sets.

    Exit codes: 0 nothing at or above --fail-on; 1 a finding; 2 wrong use; 3 no readable rows; 4 incomplete; 5 internal error.
    Several sets: a finding wins, then 5, 2, 3, 4.
    """
    given = {
        "depth": depth,
        "scorer": scorer,
        "encoder": encoder,
        "fail_on": fail_on,
        "budget_minutes": budget_minutes,
        "layout": layout,
        "mapping": tuple(mapping) if mapping else None,
        "catalogue": catalogue,
        "calibration": calibration,
        "select": tuple(select) if select else None,
        "ignore": tuple(ignore) if ignore else None,
        "seed": seed,
        "max_rows": max_rows,
        "offline": offline or None,
    }
    merge = merged(given, scanned=paths, config=config)
    stdout, where = check_format(fmt), targets(output)
    accepted = load_baseline(baseline) if baseline is not None else Baseline()
    for note in merge.notes:
        say(f"poisonscan: note: {note}")
    chosen = changed_paths(paths, since) if since is not None else list(paths)
    if dry_run:
        show_plan(chosen, merge.settings, training_config)
        return
    with shown_progress(wanted=not (no_progress or quiet)) as progress:
        scans = scan_all(chosen, merge.settings, training_config, progress)
    reports, codes = _judged(scans.reports, accepted, merge.settings.fail_on, allow_incomplete=allow_incomplete)
    write_targets(reports, where)
    if lock is not None:
        update_lock(lock, reports)
    if not quiet:
        show_reports(reports, stdout, verbose=verbose)
        if not chosen:
            say(f"poisonscan: no path changed since {since}")
    raise typer.Exit(combined([*codes, *scans.failures]))


def _judged(
    reports: Sequence[Report], baseline: Baseline, fail_on: Severity, *, allow_incomplete: bool
) -> tuple[list[Report], list[ExitCode]]:
    """Return the reports with what the baseline accepts noted, and the code of each."""
    shown, codes = [], []
    for report in reports:
        noted, quietly = _accepting(report, baseline)
        shown.append(noted)
        codes.append(of_report(noted, fail_on, allow_incomplete=allow_incomplete, accepted=quietly))
    return shown, codes


def _accepting(report: Report, baseline: Baseline) -> tuple[Report, Sequence[Finding]]:
    """Return the report with a note on each accepted finding, and those findings."""
    matches = accepted_findings(report, baseline, datetime.now(UTC).date())
    notes = tuple(f"{finding.code} is accepted by the baseline: {entry.reason}" for finding, entry in matches)
    dataset = replace(report.dataset, notes=report.dataset.notes + notes)
    return replace(report, dataset=dataset), [finding for finding, _ in matches]

