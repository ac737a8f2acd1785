"""poisonscan bench run: measure every set once (resumable), judge each without its own family, store and print the figures."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import poisonscan
from poisonscan.bench.calibrate import parts_of
from poisonscan.bench.crossfit import Sample, calibration_of, cross_read
from poisonscan.bench.metrics import SetResult, Summary, summarise
from poisonscan.bench.store import Stored, load, save
from poisonscan.bench.suites import Entry, Suite, load_entries, wanted
from poisonscan.catalogue import catalogue_digest, load_catalogue
from poisonscan.catalogue.calibration import Calibration, save_calibration
from poisonscan.core.detectors import Detector
from poisonscan.core.protocols import Progress, Silent
from poisonscan.core.readings import Reading
from poisonscan.core.settings import Settings
from poisonscan.judge import Key, Ladder, Verdict, judge
from poisonscan.measuring import Clock, Models, measure

Ladders = dict[tuple[str, tuple[Key, ...]], Ladder]


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


def run_suite(
    suite: Suite, corpora: Path, work: Path, settings: Settings, *, progress: Progress | None = None, calibrate_to: Path | None = None
) -> BenchResult:
    """Run a suite over `corpora`, keeping measured sets in `work`; with `calibrate_to`, also write the calibration it implies.

    Every set is judged with references and nulls that exclude its family.
    """
    reporter = progress or Silent()
    models, catalogue = Models(settings, reporter), load_catalogue(settings.catalogue)
    entries = load_entries(corpora, suite)
    measure_all(entries, work, settings, models, catalogue, reporter)
    stored = {e.name: load(work, e.name) for e in entries}
    samples = [Sample(e.name, e.family, e.calibrates, stored[e.name].measured) for e in entries]
    parts = parts_of(catalogue, models, work)
    readings = cross_read(samples, parts)
    ids = (models.scorer.id, models.encoder.id)
    calibration = calibration_of(samples, readings, parts, catalogue, ids)
    if calibrate_to:
        save_calibration(calibrate_to, calibration, catalogue)
    chosen = wanted(entries, suite)
    ladders: Ladders = {}
    results = [judged(e, stored[e.name], readings[e.name], catalogue, calibration, suite, ladders) for e in chosen]
    seconds = sum(r.seconds for r in results)
    return BenchResult(
        suite.name, suite.title, poisonscan.__version__, catalogue_digest(catalogue), ids[0], ids[1], tuple(results), summarise(results),
        round(seconds / 60, 2), round(_peak(), 2), by_channel(chosen, stored, readings, catalogue, calibration, suite),
    )  # fmt: skip


def measure_all(
    entries: Sequence[Entry], work: Path, settings: Settings, models: Models, catalogue: Sequence[Detector], progress: Progress
) -> None:
    """Measure the sets that `work` does not hold yet."""
    from poisonscan.readers import read

    progress.stage("measuring sets", len(entries))
    for entry in entries:
        if not (work / f"{entry.name}.json").is_file():
            clock = Clock()
            dataset = read(entry.path)
            save(work, Stored(entry.name, measure(dataset, settings, models, catalogue, clock), len(dataset), tuple(clock.stages)))
        progress.advance()


def judged(
    entry: Entry,
    stored: Stored,
    readings: Sequence[Reading],
    catalogue: Sequence[Detector],
    calibration: Calibration,
    suite: Suite,
    ladders: Ladders,
) -> SetResult:
    """Judge one set without its family; `ladders` is shared between sets of one calibration."""
    verdict = judge(
        readings, stored.measured.slices, catalogue, calibration, gaps=stored.measured.gaps, without_family=entry.family, ladders=ladders
    )
    named = tuple(dict.fromkeys(n.value for f in verdict.findings if f.severity != "info" for n in f.named[:3]))
    expected = suite.expect.get(entry.name)
    return SetResult(
        entry.name, entry.family, entry.role, entry.lookalike, _outcome(verdict), round(verdict.score, 4), round(verdict.p, 5), named[:6],
        tuple(f.detector for f in verdict.findings if f.severity != "info"), right_name(named, expected), stored.n_rows,
        round(sum(seconds for _, seconds in stored.timings), 1),
    )  # fmt: skip


def right_name(named: Sequence[str], expected: Sequence[str] | None) -> bool | None:
    """True when one of the first three names holds an expected part; None where the suite expects nothing."""
    if expected is None:
        return None
    return any(part in name.lower() for name in named[:3] for part in expected)


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


def write_result(result: BenchResult, folder: Path) -> Path:
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
