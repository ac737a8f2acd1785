"""`--output [FORMAT=]FILE` and `--format`: which reports go where."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from poisonscan.cli.output import look_of, show
from poisonscan.core.errors import UsageError
from poisonscan.core.report import Report
from poisonscan.reports import FORMATS, format_of, render_many, write_many
from poisonscan.reports.escape import visible
from poisonscan.reports.terminal import render_terminal


@dataclass(frozen=True, slots=True)
class Target:
    """A file to write and its format."""

    fmt: str
    place: Path


def targets(outputs: Sequence[str] | None) -> tuple[Target, ...]:
    """Return where to write. Raises UsageError before anything is scanned, not after."""
    return tuple(_target(text) for text in outputs or ())


def check_format(fmt: str | None) -> str:
    """Return the format of stdout. Raises UsageError for an unknown one."""
    if fmt is not None and fmt not in FORMATS:
        raise UsageError(f"--format {visible(fmt, 40)!r} is not known; there are {', '.join(FORMATS)}")
    return fmt or "terminal"


def write_targets(reports: Sequence[Report], where: Sequence[Target]) -> None:
    """Write every file."""
    for target in where:
        write_many(reports, target.place, target.fmt)


def show_reports(reports: Sequence[Report], fmt: str, *, verbose: bool) -> None:
    """Write the reports to stdout."""
    if fmt == "terminal":
        show(render_terminal(reports, look_of(sys.stdout, verbose=verbose)))
    else:
        show(render_many(reports, fmt))


def _target(text: str) -> Target:
    fmt, separator, file = text.partition("=")
    if separator and fmt in FORMATS:
        place = Path(file)
    elif separator and fmt.isalpha() and not Path(text).parent.name:
        raise UsageError(f"--output {visible(text, 200)!r}: format {visible(fmt, 40)!r} is not known; there are {', '.join(FORMATS)}")
    else:
        fmt, place = format_of(Path(text)), Path(text)
    if not place.name:
        raise UsageError(f"--output {visible(text, 200)!r}: no file is named; write FORMAT=FILE")
    if place.is_dir():
        raise UsageError(f"--output {visible(text, 200)!r}: that is a folder; name a file in it")
    return Target(fmt, place)
