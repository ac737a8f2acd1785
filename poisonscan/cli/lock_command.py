"""`poisonscan lock REPORT...`: keep the verdicts of reports in poisonscan.lock."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poisonscan.cli.locks import FILE, update_lock
from poisonscan.cli.output import show
from poisonscan.reports import load_reports
from poisonscan.reports.escape import visible
from poisonscan.reports.wording import counted

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def lock(
    reports: Annotated[list[Path], typer.Argument(metavar="REPORT...", help="json reports of `poisonscan check`.")],
    file: Annotated[Path, typer.Option("--file", help="The lock file.")] = Path(FILE),
) -> None:
    """Write the verdicts of json reports into the lock file; `check --lock FILE` does both at once."""
    whole = [report for place in reports for report in load_reports(place)]
    update_lock(file, whole)
    show(f"{counted(len(whole), 'verdict')} written to {visible(str(file), 300)}")
