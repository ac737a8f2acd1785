"""`poisonscan baseline create/update/prune`: accept known findings, with a reason and, if wanted, a last day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from poisonscan.cli import options as o
from poisonscan.cli.baselines import FILE, Baseline, accept, day, load_baseline, prune, save_baseline
from poisonscan.cli.output import show
from poisonscan.core.errors import UsageError
from poisonscan.reports import load_reports
from poisonscan.reports.escape import visible
from poisonscan.reports.wording import counted

app = typer.Typer(help="Accept known findings, with a reason.", no_args_is_help=True, rich_markup_mode=None)
File = Annotated[Path, typer.Option("--file", help="The baseline.")]
Reason = Annotated[str, typer.Option("--reason", help="Why these findings are accepted.")]
Expires = Annotated[str, typer.Option("--expires", metavar="YYYY-MM-DD", help="Last day on which they are.")]
Codes = Annotated[list[str] | None, typer.Option("--code", help="Only findings with this code; repeatable.")]


@app.command()
def create(report: o.ReportPath, reason: Reason, expires: Expires = "", code: Codes = None, file: File = Path(FILE)) -> None:
    """Write a new baseline that accepts the findings of a report."""
    if file.exists():
        raise UsageError(f"{visible(str(file), 300)}: exists already; use `poisonscan baseline update`")
    _add(Baseline(), report, reason, expires, code, file)


@app.command()
def update(report: o.ReportPath, reason: Reason, expires: Expires = "", code: Codes = None, file: File = Path(FILE)) -> None:
    """Accept the findings of a report that are not accepted yet; the others keep their reason."""
    _add(load_baseline(file), report, reason, expires, code, file)


@app.command("prune")
def prune_baseline(
    reports: Annotated[list[Path] | None, typer.Argument(metavar="[REPORT]...", help="Drop also what none of these shows.")] = None,
    file: File = Path(FILE),
) -> None:
    """Drop what has lapsed and, where reports are given, what none of them shows any more."""
    before = load_baseline(file)
    after = prune(before, [report for place in reports or () for report in load_reports(place)], _today())
    save_baseline(after, file)
    show(f"{counted(len(before.entries) - len(after.entries), 'entry').replace('entrys', 'entries')} dropped, {len(after.entries)} kept")


def _add(baseline: Baseline, report: Path, reason: str, expires: str, codes: list[str] | None, file: Path) -> None:
    if not reason.strip():
        raise UsageError("--reason is empty: say why these findings are accepted")
    after = baseline
    for whole in load_reports(report):
        after = accept(whole, after, codes or (), reason.strip(), day(expires, "--expires"), _today())
    save_baseline(after, file)
    show(f"{counted(len(after.entries) - len(baseline.entries), 'finding')} accepted, {len(after.entries)} in {visible(str(file), 300)}")


def _today() -> date:
    return datetime.now(UTC).date()
