"""`poisonscan diff OLD NEW`: what a new delivery changed, in rows, slices and verdict."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import typer

from poisonscan.cli import options as o
from poisonscan.cli.comparing import Comparison, Rows, compare, compare_rows, lines_of
from poisonscan.cli.exit_codes import ExitCode, at_or_above
from poisonscan.cli.output import show
from poisonscan.cli.progress import shown_progress
from poisonscan.cli.scanning import scan_one
from poisonscan.cli.settings_merge import merged
from poisonscan.core.errors import UsageError
from poisonscan.core.protocols import Progress
from poisonscan.core.report import SCHEMA, Report
from poisonscan.core.settings import Settings
from poisonscan.reports import load_report
from poisonscan.reports.escape import json_text, visible

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_HEAD = 4096


@app.command()
def diff(
    old: str,
    new: str,
    depth: o.DepthOption = None,
    layout: o.Layout = None,
    mapping: o.MapOption = None,
    offline: o.Offline = False,
    fail_on: o.FailOn = None,
    fmt: o.Format = None,
    no_progress: o.NoProgress = False,
) -> None:
    """Compare two json reports, or two sets (both are scanned, quick unless --depth says more).

    Exit codes: 1 where NEW has a finding at or above --fail-on that OLD has not; 0 otherwise; 2 and 3 as for check.
    """
    if fmt not in (None, "terminal", "json"):
        raise UsageError(f"--format {visible(fmt or '', 40)!r} is not known here; there are terminal and json")
    given = {
        "depth": depth or "quick",
        "layout": layout,
        "mapping": tuple(mapping) if mapping else None,
        "offline": offline or None,
        "fail_on": fail_on,
    }
    settings = merged(given, scanned=[old, new]).settings
    with shown_progress(wanted=not no_progress) as progress:
        reports = [_report(path, settings, progress) for path in (old, new)]
    rows = None if _is_report(old) or _is_report(new) else _rows(old, new, settings)
    found = compare(reports[0], reports[1], rows)
    show(json_text(json.dumps(asdict(found), indent=2)) if fmt == "json" else "\n".join(lines_of(found)))
    raise typer.Exit(_code(found, reports[1], settings))


def _report(path: str, settings: Settings, progress: Progress) -> Report:
    return load_report(path) if _is_report(path) else scan_one(path, settings, None, progress)


def _is_report(path: str) -> bool:
    place = Path(path)
    if place.suffix.lower() != ".json" or not place.is_file():
        return False
    with place.open("rb") as stream:
        return SCHEMA.encode() in stream.read(_HEAD)


def _rows(old: str, new: str, settings: Settings) -> Rows:
    from poisonscan.readers import read

    sets = [read(path, layout=settings.layout, mapping=settings.mapping, offline=settings.offline) for path in (old, new)]
    return compare_rows(sets[0], sets[1])


def _code(found: Comparison, new: Report, settings: Settings) -> ExitCode:
    appeared = {(entry.code, entry.slice) for entry in found.appeared}
    worse = [f for f in new.findings if (f.code, f.slice.name) in appeared and at_or_above(f.severity, settings.fail_on)]
    return ExitCode.FINDING if worse else ExitCode.NOTHING
