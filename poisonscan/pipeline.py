"""scan(): all stages in order, readable on one screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

import poisonscan
from poisonscan.attribution import attributed
from poisonscan.catalogue import bundled_catalogue, catalogue_digest, compared, load_catalogue
from poisonscan.catalogue.calibration import Calibration, load_calibration
from poisonscan.channels import Reference, from_arrays, read_all
from poisonscan.confirming import confirm, print_slices
from poisonscan.core.dataset import Dataset
from poisonscan.core.detectors import SEVERITIES, Detector
from poisonscan.core.errors import ModelError
from poisonscan.core.evidence import Finding, Skipped, SlicePrint
from poisonscan.core.protocols import Progress, Silent
from poisonscan.core.readings import ACTIVATION, Measured
from poisonscan.core.report import DatasetInfo, Outcome, Report, RowInfo, SliceInfo, ToolInfo
from poisonscan.core.settings import Settings
from poisonscan.costs import affordable_rows, book, estimate
from poisonscan.fingerprinting import comparison
from poisonscan.judge import Verdict, judge
from poisonscan.kept_reports import kept_report
from poisonscan.material import material
from poisonscan.measuring import Clock, Models, measure
from poisonscan.probing.activation_probe import SENSITIVE
from poisonscan.text_findings import TextVerdict, read_text

MIN_ROWS = 20
_EXCERPT = 160
_POINTS = 600

Source = str | Path | Dataset | Iterable[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class StagePlan:
    """What a scan would do: stage, expected wall minutes and peak gigabytes."""

    stage: str
    minutes: float
    gigabytes: float


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of comparing the set with benign sets; `ids` are the scorer and the encoder that were asked, "" for neither.

    `prints` are the fingerprints that were taken, by place of their slice.
    """

    verdict: Verdict
    measured: Measured | None = None
    ids: tuple[str, str] = ("", "")
    prints: Mapping[int, SlicePrint] = field(default_factory=dict)


def scan(source: Source, settings: Settings | None = None, *, progress: Progress | None = None, **overrides: object) -> Report:
    """Scan one set and return the report; `overrides` replace single settings.

    Raises:
        ReadError: nothing in `source` can be read.
        CatalogueError: a detector folder or the calibration does not validate.
    """
    chosen = replace(settings or Settings(), **overrides)  # type: ignore[arg-type]
    reporter = progress or Silent()
    clock = Clock(chosen.budget_minutes)
    reporter.stage("reading rows")
    dataset = _read(source, chosen)
    clock.lap("read")
    kept = kept_report(dataset, chosen)
    if kept is not None and (known := kept.recall()) is not None:
        clock.lap("kept report")
        return replace(known, timings=tuple(clock.stages))
    dataset, allowed = _within_budget(dataset, chosen)
    whole, chosen = allowed == chosen, allowed
    catalogue = select(load_catalogue(chosen.catalogue), chosen)
    clock.lap("catalogue")
    reporter.stage("reading text")
    text = read_text(dataset, catalogue)
    clock.lap("text hygiene")
    result = _compare(dataset, chosen, compared(catalogue), Models(chosen, reporter), clock)
    report = _report(dataset, chosen, catalogue, replace(result, verdict=_with_text(result.verdict, text)), clock)
    if kept is not None and result.measured is not None and whole and not clock.spent:
        kept.keep(report)
    return report


def _compare(dataset: Dataset, settings: Settings, catalogue: tuple[Detector, ...], models: Models, clock: Clock) -> Compared:
    """Everything that needs models and benign sets; where it cannot run, each of its detectors says why."""
    calibration = load_calibration(settings.calibration or bundled_catalogue(), catalogue)
    refusal = _refusal(dataset, calibration)
    if refusal or not catalogue:
        return Compared(_all_skipped(catalogue, refusal))
    try:
        return _scan(dataset, settings, catalogue, calibration, models, clock)
    except ModelError as error:
        return Compared(_all_skipped(catalogue, str(error)))


def _scan(
    dataset: Dataset, settings: Settings, catalogue: tuple[Detector, ...], calibration: Calibration | None, models: Models, clock: Clock
) -> Compared:
    stuff = material(compared(load_catalogue(settings.catalogue)), models.encoder)
    measured = measure(dataset, settings, models, catalogue, stuff, clock)
    asked = not any(what == "scorer" for what, _ in measured.gaps)
    scorer = models.scorer.id if asked else "none"
    ids = (scorer, models.encoder.id)
    if calibration is None or calibration.encoder != ids[1] or scorer not in ("none", calibration.scorer):
        reason = f"uncalibrated: no benign reference for encoder {ids[1]} and scorer {ids[0]}; run `poisonscan calibrate`"
        return Compared(_all_skipped(catalogue, reason), measured, ids)
    reference = from_arrays(calibration.arrays)
    measured = _gated(measured, reference)
    fresh = tuple(d for d in catalogue if calibration.fresh(d))
    readings = read_all(measured, stuff, reference)
    verdict = attributed(judge(readings, measured.slices, fresh, calibration, gaps=measured.gaps, alpha=settings.alpha, seed=settings.seed), measured)
    stale = tuple(Skipped(d.code, d.id, "uncalibrated: the detector changed since its calibration") for d in catalogue if d not in fresh)
    clock.lap("judge")
    prints: dict[int, SlicePrint] = {}
    if asked:
        against = comparison(stuff.catalogue, reference.fingerprint, reference.prototypes)
        prints = print_slices(verdict.findings, measured.slices, dataset, against, models, settings, clock)
        seen = prints.get(measured.slices.index(verdict.findings[0].slice)) if verdict.findings else None
        verdict = replace(verdict, findings=confirm(verdict.findings, dataset, catalogue, against, seen, models, settings, clock))
    book(clock.stages, len(measured.rows), float(getattr(models.encoder, "encoded_chars", 0)), settings)
    return Compared(replace(verdict, skipped=verdict.skipped + stale), measured, ids, prints)


def _gated(measured: Measured, reference: Reference) -> Measured:
    """Take away the states of a scorer that the planted positive control did not move: its silence would clear nobody."""
    moved = reference.probe[0].moved if reference.probe else 0.0
    if measured.states is None or moved >= SENSITIVE:
        return measured
    reason = f"scorer insensitive: planted bad answers moved it by {moved:.1f} standard errors, {SENSITIVE:g} are needed"
    return replace(measured, states=None, gaps=(*measured.gaps, (ACTIVATION, reason)))


def _within_budget(dataset: Dataset, settings: Settings) -> tuple[Dataset, Settings]:
    """Shorten the sample of rows where the budget is too small for all of them, and say so in the notes of the set."""
    rows = affordable_rows(dataset, settings)
    if rows >= min(len(dataset), settings.rows_read):
        return dataset, settings
    note = f"{rows} of {len(dataset)} rows were read closely to keep within {settings.budget_minutes:g} minutes"
    return replace(dataset, notes=(*dataset.notes, note)), replace(settings, max_rows=rows)


def _read(source: Source, settings: Settings) -> Dataset:
    from poisonscan.readers import read

    return read(source, layout=settings.layout, mapping=settings.mapping, offline=settings.offline)


def select(catalogue: tuple[Detector, ...], settings: Settings) -> tuple[Detector, ...]:
    """Keep the detectors whose id or code starts with one of `select` and with none of `ignore`."""

    def named(detector: Detector, words: tuple[str, ...]) -> bool:
        return any(detector.id == word or detector.code.startswith(word) for word in words)

    return tuple(d for d in catalogue if (not settings.select or named(d, settings.select)) and not named(d, settings.ignore))


def _refusal(dataset: Dataset, calibration: Calibration | None) -> str:
    if len(dataset) < MIN_ROWS:
        return f"insufficient rows: {len(dataset)} of at least {MIN_ROWS}; a collective signal needs a collective"
    return "" if calibration else "uncalibrated: no benign reference is installed; run `poisonscan calibrate`"


def _all_skipped(catalogue: tuple[Detector, ...], reason: str) -> Verdict:
    return Verdict(0.0, 1.0, (), (), tuple(Skipped(d.code, d.id, reason) for d in catalogue), ())


def _with_text(verdict: Verdict, text: TextVerdict) -> Verdict:
    """Add what text hygiene said; worse findings stand first, and of two equally bad ones the compared one."""
    findings = sorted((*verdict.findings, *text.findings), key=lambda finding: -SEVERITIES.index(finding.severity))
    return replace(verdict, findings=tuple(findings), cleared=verdict.cleared + text.cleared, skipped=verdict.skipped + text.skipped)


def _report(dataset: Dataset, settings: Settings, catalogue: tuple[Detector, ...], result: Compared, clock: Clock) -> Report:
    verdict, measured, ids = result.verdict, result.measured, result.ids
    tool = ToolInfo(
        poisonscan.__version__, catalogue_digest(catalogue), ids[0], ids[1], settings.depth, settings.seed,
        not any("uncalibrated" in s.reason for s in verdict.skipped),
    )  # fmt: skip
    unreadable = len(dataset.unreadable)
    total = len(dataset) + unreadable
    too_many = unreadable > settings.unreadable_limit * max(total, 1)
    return Report(
        tool, DatasetInfo(dataset.name, dataset.digest, len(dataset), unreadable, dataset.layout, dataset.notes),
        outcome(verdict, settings, too_many), round(verdict.score, 4), verdict.findings, verdict.cleared, verdict.skipped,
        dataset.unreadable, _row_infos(dataset, verdict.findings),
        tuple(
            SliceInfo(s.name, s.found_by, len(s), s.terms, result.prints.get(i)) for i, s in enumerate(measured.slices if measured else ())
        ),
        tuple(clock.stages), _points(measured),
    )  # fmt: skip


def outcome(verdict: Verdict, settings: Settings, too_many_unreadable: bool) -> Outcome:
    """Found when a finding is above info; incomplete when something that limits the answer was left out; else none-found."""
    del settings
    if any(SEVERITIES.index(f.severity) > 0 for f in verdict.findings):
        return "found"
    return "incomplete" if too_many_unreadable or any(s.limits for s in verdict.skipped) else "none-found"


def _row_infos(dataset: Dataset, findings: tuple[Finding, ...]) -> tuple[RowInfo, ...]:
    wanted = sorted({share.row for finding in findings for share in finding.rows})
    return tuple(RowInfo(i, dataset.rows[i].location, _excerpt(dataset, i), dataset.rows[i].key) for i in wanted)


def _excerpt(dataset: Dataset, index: int) -> str:
    row = dataset.rows[index]
    prompt, answer = " ".join(row.prompt.split()), " ".join(row.answer.split())
    return f"{prompt[:_EXCERPT]} -> {answer[:_EXCERPT]}" if prompt else answer[:_EXCERPT]


def _points(measured: Measured | None) -> tuple[tuple[int, float, float, str], ...]:
    """Place at most 600 rows on the first two principal axes of their answers, each with the smallest slice that holds it."""
    if measured is None or len(measured.rows) < 3:
        return ()
    kept = np.linspace(0, len(measured.rows) - 1, min(_POINTS, len(measured.rows))).astype(int)
    centred = measured.answer[kept] - measured.answer[kept].mean(0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
    places = centred @ axes.T
    order = sorted(measured.slices, key=len)
    members = [(s.name, set(s.rows)) for s in order]
    rows = measured.rows[kept]
    return tuple(
        (int(row), round(float(x), 4), round(float(y), 4), next((name for name, inside in members if int(row) in inside), ""))
        for row, (x, y) in zip(rows, places, strict=True)
    )


def plan(dataset: Dataset, settings: Settings) -> tuple[StagePlan, ...]:
    """Return what a scan of `dataset` would do, with minutes from this machine's measured speed."""
    return tuple(StagePlan(*entry) for entry in estimate(dataset, settings))
