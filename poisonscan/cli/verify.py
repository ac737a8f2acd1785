"""`poisonscan verify`: are these sets the ones whose verdict is locked, and what was the verdict?

Why 4 for a changed set: it is not known to be bad, it was not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from poisonscan.cli import options as o
from poisonscan.cli.exit_codes import ExitCode, at_or_above, combined
from poisonscan.cli.locks import FILE, Locked, byte_digest, load_lock
from poisonscan.cli.output import show
from poisonscan.cli.settings_merge import merged
from poisonscan.core.detectors import SEVERITIES, Severity
from poisonscan.core.errors import ReadError
from poisonscan.core.settings import Settings
from poisonscan.reports.escape import visible
from poisonscan.reports.wording import number

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def verify(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]...", help="Sets to check; all locked ones by default.")] = None,
    file: Annotated[Path, typer.Option("--file", help="The lock file.")] = Path(FILE),
    fail_on: o.FailOn = None,
    allow_incomplete: o.AllowIncomplete = False,
    quiet: o.Quiet = False,
) -> None:
    """Compare sets with poisonscan.lock; needs no model.

    Exit codes: 0 unchanged, nothing locked at or above --fail-on; 1 a locked finding; 2 no lock file; 4 changed, not locked, or incomplete.
    """
    settings = merged({"fail_on": fail_on}, scanned=paths or ()).settings
    codes = []
    for path, entry, problem in _checked(paths, load_lock(file), settings):
        code = _code(entry, problem, settings.fail_on, allow_incomplete=allow_incomplete)
        codes.append(code)
        if not quiet or code:
            show(_line(path, entry, problem))
    raise typer.Exit(combined(codes))


def _checked(paths: list[str] | None, entries: tuple[Locked, ...], settings: Settings) -> Iterator[tuple[str, Locked | None, str]]:
    """Yield each path with its entry and what is wrong, "" for nothing."""
    by_path = {entry.path: entry for entry in entries}
    for path in paths or by_path:
        entry = by_path.get(Path(path).as_posix())
        yield path, entry, "not locked: scan it with --lock" if entry is None else _problem(Path(path), entry, settings)


def _problem(path: Path, entry: Locked, settings: Settings) -> str:
    if not path.exists():
        return "missing"
    if entry.bytes and path.is_file() and byte_digest(path) == entry.bytes:
        return ""
    from poisonscan.readers import read

    try:
        dataset = read(path, layout=settings.layout, mapping=settings.mapping, offline=True)
    except ReadError as error:
        return f"cannot be read: {visible(str(error), 200)}"
    return "" if dataset.digest == entry.digest else "changed since it was scanned: scan it again with --lock"


def _code(entry: Locked | None, problem: str, fail_on: Severity, *, allow_incomplete: bool) -> ExitCode:
    if problem or entry is None:
        return ExitCode.INCOMPLETE
    if entry.worst in SEVERITIES and at_or_above(entry.worst, fail_on):
        return ExitCode.FINDING
    return ExitCode.INCOMPLETE if entry.outcome == "incomplete" and not allow_incomplete else ExitCode.NOTHING


def _line(path: str, entry: Locked | None, problem: str) -> str:
    if problem or entry is None:
        return f"{visible(path, 200)}: {problem}"
    worst = f", worst {entry.worst}" if entry.worst else ""
    how = f"depth {visible(entry.depth, 20)}, poisonscan {visible(entry.version, 40)}, catalogue {visible(entry.catalogue, 40)}"
    return f"{visible(path, 200)}: unchanged; {visible(entry.outcome, 20)}{worst}, score {number(entry.score)} ({how})"
