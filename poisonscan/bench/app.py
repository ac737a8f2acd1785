"""`poisonscan bench`: reproduce the published quality and cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from poisonscan.bench.run import BenchResult, DilutionResult

app = typer.Typer(help="Reproduce the published quality and cost.", no_args_is_help=True, add_completion=False)

INCOMPLETE = 4
CORPORA = "corpora"

Corpora = Annotated[
    Path | None,
    typer.Option("--corpora", metavar="DIR", help="Folder of labelled sets with a manifest.csv; by default what `bench fetch` made.", show_default=False),
]
Work = Annotated[Path | None, typer.Option("--work", metavar="DIR", help="Where measured sets are kept, so that a run resumes.")]
Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="Where results are written.")]


@app.command()
def run(
    suites: Annotated[list[str], typer.Argument(metavar="SUITE...", help="headline, paper, variants, blind, blind2, blind3, blind4, blind5, blind6, blind7, dilution, all, or a .toml file.")],
    corpora: Corpora = None,
    work: Work = None,
    results: Results = Path("benchmarks/results"),
    calibrate: Annotated[Path | None, typer.Option("--calibrate", metavar="DIR", help="Also write the calibration these sets imply.")] = None,
    max_rows: Annotated[
        int | None, typer.Option(help="Rows read of each set at most; by default what the suite says, else as many as a scan reads.", show_default=False)
    ] = None,
    minutes: Annotated[float, typer.Option(help="Measure mixtures of a dilution suite for so long; the rest is listed as not measured.")] = float("inf"),
) -> None:
    """Run suites and store their figures; every set is judged without its own family."""
    from poisonscan.bench.run import run_diluted, run_suite, write_result
    from poisonscan.bench.suites import load_suite
    from poisonscan.core.settings import Settings
    from poisonscan.models.cache import cache_folder

    sets = corpora or cache_folder(None) / CORPORA
    for name in suites:
        suite = load_suite(name)
        settings = Settings(max_rows=max_rows or suite.max_rows)
        folder = work or cache_folder(None) / "bench" / f"rows-{settings.rows_read}"
        if suite.dilution is not None:
            diluted = run_diluted(suite, sets, folder, settings, minutes=minutes)
            path = write_result(diluted, results)
            _say_diluted(diluted)
        else:
            result = run_suite(suite, sets, folder, settings, calibrate_to=calibrate)
            path = write_result(result, results)
            _say(result)
        typer.echo(f"  written to {path}")


def _say(result: BenchResult) -> None:
    s = result.summary
    typer.echo(f"{result.title}: {s.attacks} attacks, {s.benign} benign sets")
    typer.echo(f"  AUC {s.auc:.3f} [{s.auc_low:.3f}, {s.auc_high:.3f}]  found {s.found.hits} of {s.found.of}")
    for label, value in (("TPR at 1 % FPR", s.tpr_at_1), ("TPR at 5 % FPR", s.tpr_at_5), ("false alarms", s.false_alarms)):
        typer.echo(f"  {label}: {value.value:.3f} [{value.low:.3f}, {value.high:.3f}]  ({value.hits} of {value.of})")
    for name, baseline in result.baselines.items():
        typer.echo(f"  {name} alone: AUC {baseline.auc:.3f}, TPR at 1 % {baseline.tpr_at_1.value:.3f}, at 5 % {baseline.tpr_at_5.value:.3f}")
    typer.echo(f"  missed: {', '.join(s.misses) or 'none'}")
    typer.echo(f"  alarms: {', '.join(s.alarms) or 'none'}")


def _say_diluted(result: DilutionResult) -> None:
    typer.echo(f"{result.title}: {len(result.diluted.mixtures)} mixtures, {len(result.diluted.impossible)} not possible or not measured")
    for c in result.diluted.cells:
        precision = "-" if c.mean_precision is None else f"{c.mean_precision:.2f}"
        typer.echo(
            f"  {c.mode}, {c.share:.0%}: found {c.found.hits} of {c.found.of}, above {c.nulls} benign mixtures {c.above.hits}, "
            f"row precision {precision} (by chance {c.prevalence:.2f})"
        )
    alarms = result.diluted.false_alarms
    typer.echo(f"  false alarms on benign mixtures: {alarms.hits} of {alarms.of}")


@app.command()
def fetch(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where to; by default `corpora` in the cache folder.", show_default=False)
    ] = None,
    mirror: Annotated[
        str | None, typer.Option("--mirror", metavar="URL-or-DIR", help="Take files from here, at REPO/COMMIT/PATH.", show_default=False)
    ] = None,
    sources: Annotated[
        Path | None, typer.Option("--sources", metavar="FILE", help="A sources file in place of the shipped one.", show_default=False)
    ] = None,
) -> None:
    """Download the development sets from their pinned sources, check and convert them; run again to resume."""
    from poisonscan.bench.fetching import ORIGIN
    from poisonscan.bench.fetching import fetch as fetch_all
    from poisonscan.bench.sources import bundled_sources, load_sources
    from poisonscan.models.cache import cache_folder

    done = fetch_all(load_sources(sources or bundled_sources()), folder or cache_folder(None) / CORPORA, mirror=mirror or ORIGIN)
    typer.echo(f"{len(done.sets)} sets in {done.folder}, {done.downloaded} files downloaded now")
    for missing in done.not_fetchable:
        typer.echo(f"not fetchable: {missing.name}: {missing.reason}")
    for failure in done.failed:
        typer.echo(f"failed: {failure.name}: {failure.reason}", err=True)
    if done.failed:
        typer.echo(f"{len(done.failed)} sets are missing; run the same command again to resume", err=True)
        raise typer.Exit(INCOMPLETE)


@app.command()
def conditional(
    suite: Annotated[str, typer.Argument(metavar="[SUITE]", help="A suite with a [conditional] table.")] = "conditional",
    corpora: Corpora = None,
    work: Work = None,
    results: Results = Path("benchmarks/results"),
) -> None:
    """Slots and triggers found, absent values named, error rate over shuffles, power over rows and shares; no scorer needed. Resumes."""
    from poisonscan.bench.conditional import run_conditional
    from poisonscan.bench.counter import counted
    from poisonscan.bench.run import write_result
    from poisonscan.core.settings import Settings
    from poisonscan.models.cache import cache_folder

    sets, folder = corpora or cache_folder(None) / CORPORA, work or cache_folder(None) / "bench" / "conditional"
    result = run_conditional(suite, sets, folder, Settings(depth="quick"), progress=counted())
    for reach in result.reach:
        typer.echo(f"{reach.name}: {'found' if reach.found else 'not found'}, {reach.slot or 'no slot'}, p {reach.p}, absent {', '.join(reach.absent)}")
    for trigger in result.triggers:
        typer.echo(f"{trigger.name}: {len(trigger.triggers)} triggers")
    for point in (*result.errors, *result.power):
        typer.echo(f"{point.name}: {point.rows} rows, {point.share:.0%} true: {point.rate:.3f} [{point.low:.3f}, {point.high:.3f}] of {point.runs}")
    typer.echo(f"  written to {write_result(result, results)}")


@app.command()
def page(results: Results = Path("benchmarks/results"), out: Path = Path("benchmarks/README.md")) -> None:
    """Write benchmarks/README.md from the stored results."""
    from poisonscan.bench.page import write_page

    write_page(results, out)
    typer.echo(f"written to {out}")


@app.command()
def perf(
    output: Annotated[list[str] | None, typer.Option("--output", metavar="json=FILE", help="Also write every ratio by name.")] = None,
    sizes: Annotated[
        list[int] | None, typer.Option("--rows", metavar="N", help="Row counts for the growth of time and memory.", show_default=False)
    ] = None,
    parts: Annotated[list[str] | None, typer.Option("--part", metavar="NAME", help="Measure this part only.", show_default=False)] = None,
) -> None:
    """Measure cost as ratios within one run; figures of other parts already in the file are kept."""
    from poisonscan.bench.perf import perf_command

    typer.echo(perf_command(output, sizes, parts))
