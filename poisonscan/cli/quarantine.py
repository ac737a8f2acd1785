"""`poisonscan quarantine SET --clean A --held B`: the implicated rows into one file, the rest into another.

Why unreadable records are held: nobody looked at them, so they do not belong to what was looked at. Why the original is never
edited: it is the evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from poisonscan.cli import options as o
from poisonscan.cli.exit_codes import at_or_above
from poisonscan.cli.output import say, show
from poisonscan.cli.progress import shown_progress
from poisonscan.cli.scanning import scan_one
from poisonscan.cli.settings_merge import merged
from poisonscan.cli.splitting import Place, split_file
from poisonscan.core.dataset import Dataset
from poisonscan.core.errors import UsageError
from poisonscan.core.report import Report
from poisonscan.core.settings import Settings
from poisonscan.reports import load_reports
from poisonscan.reports.escape import visible
from poisonscan.reports.wording import counted

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class Implicated:
    """The rows to hold: content keys, and indices of rows whose key is not known."""

    keys: frozenset[str]
    indices: frozenset[int]


@app.command()
def quarantine(
    path: Annotated[str, typer.Argument(metavar="SET", help="A file or a folder of shards.")],
    clean: Annotated[Path, typer.Option("--clean", metavar="A", help="Where the rows go that no finding points at.")],
    held: Annotated[Path, typer.Option("--held", metavar="B", help="Where the implicated and the unreadable rows go.")],
    report: Annotated[Path | None, typer.Option("--report", help="A json report on the set; without one it is scanned.")] = None,
    whole_slices: Annotated[bool, typer.Option("--whole-slices", help="Hold every row of a slice with a finding.")] = False,
    fail_on: o.FailOn = None,
    layout: o.Layout = None,
    mapping: o.MapOption = None,
    training_config: o.TrainingConfig = None,
    force: Annotated[bool, typer.Option("--force", help="Write over A and B where they exist.")] = False,
    no_progress: o.NoProgress = False,
) -> None:
    """Split the implicated rows out of a set. Lines of jsonl, csv and text are copied byte for byte; the set is never edited."""
    given = {"fail_on": fail_on, "layout": layout, "mapping": tuple(mapping) if mapping else None}
    settings = merged(given, scanned=[path]).settings
    _check_places(Path(path), clean, held, force=force)
    with shown_progress(wanted=not no_progress) as progress:
        verdict = _report_on(path, report) if report is not None else scan_one(path, settings, training_config, progress)
    dataset = _read_again(path, settings, training_config, verdict)
    rows = implicated(verdict, settings, whole_slices=whole_slices)
    counts = _split(path, dataset, rows, clean, held)
    show(f"{counted(counts[0], 'record')} to {visible(str(clean), 300)}, {counted(counts[1], 'record')} to {visible(str(held), 300)}")
    if not counts[1]:
        say("poisonscan: note: no finding at or above --fail-on points at a row, so nothing was held")


def implicated(report: Report, settings: Settings, *, whole_slices: bool) -> Implicated:
    """Return the rows of the findings at or above `fail_on`: those with a share, or the slice where wanted, or where each row is found."""
    indices: set[int] = set()
    for finding in report.findings:
        if at_or_above(finding.severity, settings.fail_on):
            shares = {share.row for share in finding.rows if share.share > 0}
            whole = whole_slices or not shares or finding.scope == "row"
            indices |= set(finding.slice.rows) | shares if whole else shares
    keys = {row.index: row.key for row in report.rows if row.key}
    return Implicated(frozenset(keys[i] for i in indices if i in keys), frozenset(i for i in indices if i not in keys))


def _check_places(source: Path, clean: Path, held: Path, *, force: bool) -> None:
    if str(source) == "-" or not source.exists():
        raise UsageError(f"{visible(str(source), 300)}: quarantine needs a file or a folder")
    if clean.resolve() == held.resolve():
        raise UsageError("--clean and --held are the same place")
    for place in (clean, held):
        inside = source.is_dir() and place.resolve().is_relative_to(source.resolve())
        if inside or (place.exists() and place.resolve() == source.resolve()):
            raise UsageError(f"{visible(str(place), 300)}: lies in the set itself, which is never edited; choose another place")
        if place.exists() and not force:
            raise UsageError(f"{visible(str(place), 300)}: exists already; choose another place or pass --force")


def _report_on(path: str, place: Path) -> Report:
    reports = load_reports(place)
    matches = [report for report in reports if Path(report.dataset.path) == Path(path)] or list(reports)
    if len(matches) != 1:
        raise UsageError(f"{visible(str(place), 300)}: holds {len(reports)} reports and none names {visible(path, 200)}")
    return matches[0]


def _read_again(path: str, settings: Settings, training_config: Path | None, report: Report) -> Dataset:
    from poisonscan.readers import read

    dataset = read(path, layout=settings.layout, mapping=settings.mapping, training_config=training_config)
    if dataset.digest != report.dataset.digest:
        raise UsageError(
            f"{visible(path, 300)}: not the rows this report is about (another digest). Scan it again, and give the same --layout, --map "
            "and --training-config"
        )
    return dataset


def _split(path: str, dataset: Dataset, rows: Implicated, clean: Path, held: Path) -> tuple[int, int]:
    from poisonscan.readers.limits import DEFAULT
    from poisonscan.readers.places import find

    blobs = find(path, DEFAULT).blobs
    where = _places(dataset, rows)
    passed = kept = 0
    for blob in blobs:
        mine = frozenset(Place(line, record) for file, line, record in where if file == blob.name)
        targets = _targets(path, blob.name, clean, held)
        counts = split_file(blob, mine, *targets)
        passed, kept = passed + counts.passed, kept + counts.held
    return passed, kept


def _places(dataset: Dataset, rows: Implicated) -> Sequence[tuple[str, int | None, int | None]]:
    """Return file, line and record of every row to hold, and of every unreadable record."""
    if dataset.total > len(dataset):
        raise UsageError("the set is too large to be split in one piece; split the file and quarantine its parts")
    chosen = [row.location for row in dataset.rows if row.key in rows.keys or row.index in rows.indices]
    chosen += [entry.location for entry in dataset.unreadable]
    return [(place.file, place.line, place.record) for place in chosen]


def _targets(path: str, name: str, clean: Path, held: Path) -> tuple[Path, Path]:
    """A file goes to the files named; the files of a folder keep their names below the folders named."""
    if not Path(path).is_dir():
        return clean, held
    relative = Path(name).resolve().relative_to(Path(path).resolve())
    return clean / relative, held / relative
