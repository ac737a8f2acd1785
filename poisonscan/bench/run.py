"""poisonscan bench run: measure every set once (resumable), judge each without its own family, store and print the figures."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

import poisonscan
from poisonscan.bench.attributing import known_poison, row_precision
from poisonscan.bench.baselines import Baseline, Case, baselines
from poisonscan.bench.calibrate import PRINTED_SETS, keep_measured, parts_of, save_vectors, spread_over
from poisonscan.bench.conditional import ConditionalResult
from poisonscan.bench.crossfit import Sample, calibration_of, cross_read
from poisonscan.bench.diluting import Diluted, run_dilution
from poisonscan.bench.metrics import SetResult, Summary, summarise
from poisonscan.bench.naming import is_right, leading_names
from poisonscan.bench.store import Stored, load
from poisonscan.bench.suites import Entry, Suite, load_entries, wanted
from poisonscan.bench.variants import make_variants
from poisonscan.catalogue import catalogue_digest, compared, load_catalogue
from poisonscan.catalogue.calibration import Calibration, save_calibration
from poisonscan.core.dataset import Row
from poisonscan.core.detectors import Detector
from poisonscan.core.errors import UsageError
from poisonscan.core.protocols import Progress, Silent
from poisonscan.core.readings import Reading
from poisonscan.core.settings import Settings
from poisonscan.judge import Key, Ladder, Verdict, judge
from poisonscan.material import material
from poisonscan.measuring import Models

Ladders = dict[tuple[str, tuple[Key, ...]], Ladder]


@dataclass(frozen=True, slots=True)
class DilutionResult:
    """One run of a dilution suite: what it ran with, and every mixture."""

    suite: str
    title: str
    version: str
    catalogue: str
    scorer: str
    encoder: str
    diluted: Diluted
    minutes: float
    peak_gigabytes: float


@dataclass(frozen=True, slots=True)
class BenchResult:
    """One run of a suite: what it ran with, every set, and the figures."""

    suite: str
    title: str
    version: str
    catalogue: str
    scorer: str
    encoder: str
    sets: tuple[SetResult, ...]
    summary: Summary
    minutes: float
    peak_gigabytes: float
    channels: dict[str, Summary]
    baselines: dict[str, Baseline]


def run_suite(
    suite: Suite, corpora: Path, work: Path, settings: Settings, *, progress: Progress | None = None, calibrate_to: Path | None = None
) -> BenchResult:
    """Run a suite over `corpora`, keeping measured sets in `work`; with `calibrate_to`, also write the calibration it implies.

    Every set is judged with references and nulls that exclude its family.
    """
    from poisonscan.readers import read

    reporter = progress or Silent()
    models, catalogue = Models(settings, reporter), compared(load_catalogue(settings.catalogue))
    entries = load_entries(corpora, suite)
    entries += make_variants(suite.variants, entries, work)
    measure_all(entries, work, settings, models, catalogue, reporter)
    stored = {e.name: load(work, e.name) for e in entries}
    samples = [Sample(e.name, e.family, e.calibrates, stored[e.name].measured) for e in entries]
    parts = parts_of(catalogue, models, work)
    readings = cross_read(samples, parts)
    ids = (models.scorer.id, models.encoder.id)
    calibration = calibration_of(samples, readings, parts, catalogue, ids)
    if calibrate_to:
        save_calibration(calibrate_to, calibration, catalogue)
        save_vectors(calibrate_to, catalogue, models)
    chosen = wanted(entries, suite)
    ladders: Ladders = {}
    rows = {e.name: read(e.path).rows for e in entries}
    results = [
        judged(e, stored[e.name], readings[e.name], catalogue, calibration, suite, ladders, poison_of(e, entries, rows)) for e in chosen
    ]
    cases = [Case(e.name, e.family, not e.benign, e.calibrates, rows[e.name], stored[e.name].measured) for e in entries]
    seconds = sum(r.seconds for r in results)
    return BenchResult(
        suite.name, suite.title, poisonscan.__version__, catalogue_digest(catalogue), ids[0], ids[1], tuple(results), summarise(results),
        round(seconds / 60, 2), round(_peak(), 2), by_channel(chosen, stored, readings, catalogue, calibration, suite),
        baselines(cases, [e.name for e in chosen]),
    )  # fmt: skip


def run_diluted(
    suite: Suite, corpora: Path, work: Path, settings: Settings, *, progress: Progress | None = None, minutes: float = float("inf")
) -> DilutionResult:
    """Run a suite that dilutes; single sets and mixtures are kept measured in `work`; see `run_dilution` for `minutes`."""
    reporter = progress or Silent()
    models, catalogue = Models(settings, reporter), compared(load_catalogue(settings.catalogue))
    entries = load_entries(corpora, suite)
    measure_all([e for e in entries if e.calibrates], work, settings, models, catalogue, reporter)
    diluted = run_dilution(suite, entries, work, settings, models, catalogue, reporter, minutes)
    return DilutionResult(
        suite.name, suite.title, poisonscan.__version__, catalogue_digest(catalogue), models.scorer.id, models.encoder.id, diluted,
        diluted.minutes, round(_peak(), 2),
    )  # fmt: skip


def measure_all(
    entries: Sequence[Entry], work: Path, settings: Settings, models: Models, catalogue: Sequence[Detector], progress: Progress
) -> None:
    """Measure the sets that `work` does not hold yet.

    Raises UsageError where `work` holds sets measured with another number of rows: figures of both kinds must not mix.
    """
    from poisonscan.readers import read

    _same_rows(work, settings.rows_read)
    progress.stage("measuring sets", len(entries))
    stuff = material(catalogue, models.encoder)
    printed = spread_over([entry.name for entry in entries if entry.calibrates], PRINTED_SETS)
    for entry in entries:
        keep_measured(work, entry.name, partial(read, entry.path), settings, models, catalogue, stuff, printed=entry.name in printed)
        progress.advance()


def judged(
    entry: Entry,
    stored: Stored,
    readings: Sequence[Reading],
    catalogue: Sequence[Detector],
    calibration: Calibration,
    suite: Suite,
    ladders: Ladders,
    poison: Sequence[bool] = (),
) -> SetResult:
    """Judge one set without its family; `ladders` is shared between sets of one calibration; `poison` says which rows are, where known."""
    verdict = judge(
        readings, stored.measured.slices, catalogue, calibration, gaps=stored.measured.gaps, without_family=entry.family, ladders=ladders
    )
    named = leading_names(verdict.findings)
    expected = suite.expect.get(entry.variant_of or entry.name)
    return SetResult(
        entry.name, entry.family, entry.role, entry.lookalike, _outcome(verdict), round(verdict.score, 4), round(verdict.p, 5), named[:6],
        tuple(f.detector for f in verdict.findings if f.severity != "info"), is_right(named, expected), stored.n_rows,
        round(sum(seconds for _, seconds in stored.timings), 1), row_precision(verdict, stored.measured, poison) if poison else None,
        round(float(np.mean(poison)), 4) if poison else None,
    )  # fmt: skip


def poison_of(entry: Entry, entries: Sequence[Entry], rows: Mapping[str, Sequence[Row]]) -> tuple[bool, ...]:
    """Return per row of an attack whether it is poison, where a control holds the same rows unpoisoned; () where none does."""
    for control in entries:
        if not entry.benign and control.control_of == entry.name:
            flags = known_poison([row.key for row in rows[entry.name]], [row.key for row in rows[control.name]])
            if flags is not None:
                return flags
    return ()


def by_channel(
    entries: Sequence[Entry],
    stored: dict[str, Stored],
    readings: dict[str, list[Reading]],
    catalogue: Sequence[Detector],
    calibration: Calibration,
    suite: Suite,
) -> dict[str, Summary]:
    """Return the figures each channel reaches alone."""
    figures = {}
    for channel in sorted({c for _, c in calibration.nulls}):
        nulls = {key: null for key, null in calibration.nulls.items() if key[1] == channel}
        alone = Calibration(calibration.scorer, calibration.encoder, nulls, calibration.combined, {}, calibration.stamps)
        ladders: Ladders = {}
        results = [
            judged(e, stored[e.name], [r for r in readings[e.name] if r.channel == channel], catalogue, alone, suite, ladders)
            for e in entries
        ]
        figures[channel] = summarise(results)
    return figures


def _same_rows(work: Path, max_rows: int) -> None:
    note = work / "max_rows"
    if not note.is_file():
        work.mkdir(parents=True, exist_ok=True)
        note.write_text(f"{max_rows}\n")
    elif note.read_text().strip() != str(max_rows):
        raise UsageError(f"{work} holds sets measured with --max-rows {note.read_text().strip()}; pass that, or another --work")


def write_result(result: BenchResult | DilutionResult | ConditionalResult, folder: Path) -> Path:
    """Write results/<suite>.json and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.suite}.json"
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(asdict(result), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)
    return path


def _outcome(verdict: Verdict) -> str:
    if any(f.severity != "info" for f in verdict.findings):
        return "found"
    return "incomplete" if any(s.limits for s in verdict.skipped) else "none-found"


def _peak() -> float:
    """Peak resident memory of this process in GiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 30 if sys.platform == "darwin" else 1 << 20)
