"""`poisonscan batch PATHS`, `batch status`, `batch report`: many sets, resumable."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from poisonscan.batch import Done, Ledger, scan_many, vendor_table
from poisonscan.batch.ledger import FILE
from poisonscan.batch.vendor_formats import table_text, write_table
from poisonscan.cli import options as o
from poisonscan.cli.exit_codes import ExitCode, combined, of_report
from poisonscan.cli.output import say, show
from poisonscan.cli.progress import shown_progress
from poisonscan.cli.settings_merge import merged
from poisonscan.core.errors import UsageError
from poisonscan.core.settings import Settings
from poisonscan.reports import load_report
from poisonscan.reports.escape import visible
from poisonscan.reports.wording import counted, number

_SUBCOMMANDS = ("run", "status", "report", "--help")
Out = Annotated[Path, typer.Option("--out", help="Folder of the reports and the ledger.")]


class RunByDefault(TyperGroup):
    """`batch a.jsonl` means `batch run a.jsonl`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own type moved between versions
        """Put `run` before arguments that begin with no command of the group."""
        return super().parse_args(ctx, args if args and args[0] in _SUBCOMMANDS else ["run", *args])


_HELP = "Scan many sets, resumable. `batch PATH...` is short for `batch run PATH...`."
app = typer.Typer(cls=RunByDefault, help=_HELP, rich_markup_mode=None)


@app.command()
def run(
    paths: Annotated[list[str] | None, typer.Argument(metavar="PATH...", help="Files, folders, globs, manifest.toml/.csv/.jsonl.")] = None,
    manifest: Annotated[Path | None, typer.Option("--manifest", help="A manifest under any name.")] = None,
    out: Out = Path("runs"),
    engine: Annotated[str, typer.Option("--engine", metavar="local|ray", help="Where the scans run.")] = "local",
    workers: Annotated[int, typer.Option("--workers", min=1, help="Sets at a time; each loads its own models.")] = 1,
    depth: o.DepthOption = None,
    scorer: o.Scorer = None,
    encoder: o.Encoder = None,
    fail_on: o.FailOn = None,
    layout: o.Layout = None,
    mapping: o.MapOption = None,
    catalogue: o.Catalogue = None,
    calibration: o.Calibration = None,
    select: o.Select = None,
    ignore: o.Ignore = None,
    seed: o.Seed = None,
    max_rows: o.MaxRows = None,
    budget_minutes: o.Budget = None,
    offline: o.Offline = False,
    allow_incomplete: o.AllowIncomplete = False,
    config: o.ConfigFile = None,
    no_progress: o.NoProgress = False,
    quiet: o.Quiet = False,
) -> None:
    """Scan many sets; run it again to go on where it stopped. Exit codes as for check: a finding wins, then 5, 2, 3, 4."""
    given = {
        "depth": depth,
        "scorer": scorer,
        "encoder": encoder,
        "fail_on": fail_on,
        "layout": layout,
        "mapping": tuple(mapping) if mapping else None,
        "catalogue": catalogue,
        "calibration": calibration,
        "select": tuple(select) if select else None,
        "ignore": tuple(ignore) if ignore else None,
        "seed": seed,
        "max_rows": max_rows,
        "budget_minutes": budget_minutes,
        "offline": offline or None,
    }
    merge = merged(given, scanned=paths or (), config=config)
    for note in merge.notes:
        say(f"poisonscan: note: {note}")
    with shown_progress(wanted=not (no_progress or quiet)) as progress:
        result = scan_many(paths or (), engine, out, merge.settings, workers, manifest=manifest, progress=progress)
    if not quiet:
        show("".join(_line(done) + "\n" for done in result.sets))
        folder = visible(str(result.out), 300)
        show(f"reports in {folder}; `poisonscan batch report --out {folder}` compares vendors")
    raise typer.Exit(combined(_code(done, result.out, merge.settings, allow_incomplete=allow_incomplete) for done in result.sets))


@app.command()
def status(out: Out = Path("runs")) -> None:
    """Say how many sets are done, by outcome, and which failed."""
    records = _ledger(out).records()
    outcomes = Counter(record.outcome for record in records)
    show(f"{counted(len(records), 'set')} in {visible(str(out), 300)}: " + ", ".join(f"{n} {name}" for name, n in sorted(outcomes.items())))
    show(f"{sum(record.seconds for record in records) / 60:.1f} minutes of scanning")
    for record in records:
        if record.error:
            show(f"  {visible(record.path, 200)}: {visible(record.error, 300)}")


@app.command("report")
def batch_report(
    out: Out = Path("runs"),
    level: Annotated[float, typer.Option("--level", min=1e-6, max=0.5, help="False-discovery rate over sets and over vendors.")] = 0.05,
    html: Annotated[Path | None, typer.Option("--html", help="Write the table as a page.")] = None,
    parquet: Annotated[Path | None, typer.Option("--parquet", help="Write one line a set.")] = None,
) -> None:
    """Compare vendors: flagged sets with exact intervals, false discoveries held down over all sets."""
    table = vendor_table(_ledger(out).records(), level)
    if html is not None:
        write_table(table, html.with_suffix(".html") if html.suffix.lower() not in (".html", ".htm") else html)
    if parquet is not None:
        write_table(table, parquet if parquet.suffix.lower() == ".parquet" else parquet.with_suffix(".parquet"))
    show(table_text(table))


def _ledger(out: Path) -> Ledger:
    if not (out / FILE).is_file():
        raise UsageError(f"{visible(str(out), 300)}: no batch was run there; name its folder with --out")
    return Ledger(out)


def _line(done: Done) -> str:
    tail = f"error: {visible(done.error, 300)}" if done.error else f"score {number(done.score)}{' (done before)' if done.resumed else ''}"
    return f"{done.outcome:10} {visible(done.path, 200)}  {tail}"


def _code(done: Done, out: Path, settings: Settings, *, allow_incomplete: bool) -> ExitCode:
    if not done.report:
        return ExitCode.INTERNAL if done.error.startswith("internal error") else ExitCode.INCOMPLETE
    return of_report(load_report(out / done.report), settings.fail_on, allow_incomplete=allow_incomplete)
