"""The json report as types: what `report.schema.json` is made from, and what a report read from a file must fit.

Why apart from `core.report`: the JSON is a promise to other programs and is frozen; the core types may grow between versions.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from poisonscan.core.dataset import Location, Unreadable
from poisonscan.core.detectors import Confidence, Severity
from poisonscan.core.evidence import NOT_COMPARED, Cleared, Effect, Evidence, Finding, Named, RowShare, Scope, Skipped, SlicePrint
from poisonscan.core.report import DatasetInfo, Outcome, Report, RowInfo, SliceInfo, ToolInfo
from poisonscan.core.slices import Slice

Number = float | None


class Wire(BaseModel):
    """Unknown keys are ignored, so that a report of a later minor version still loads; numbers that are not finite are null."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class WireTool(Wire):
    """Versions and digests that fix the measurement."""

    version: str
    catalogue: str
    scorer: str
    encoder: str
    depth: str = ""
    seed: int = 0
    calibrated: bool = False


class WireDataset(Wire):
    """What was scanned."""

    path: str
    digest: str
    rows: int = Field(ge=0)
    unreadable: int = Field(ge=0)
    layout: str = ""
    notes: list[str] = []


class WireNamed(Wire):
    """Who, when or what the rows point to; score in [0, 1]."""

    kind: str
    value: str
    score: Number

    def core(self) -> Named:
        """Return the core value."""
        return Named(self.kind, self.value, real(self.score))


class WireEffect(Wire):
    """A size with its 95 % interval."""

    value: Number
    low: Number
    high: Number
    unit: str
    n: int

    def core(self) -> Effect:
        """Return the core value."""
        return Effect(real(self.value), real(self.low), real(self.high), self.unit, self.n)


class WireSlice(Wire):
    """Which rows were looked at together."""

    name: str
    found_by: str
    rows: list[int]
    terms: list[str] = []

    def core(self) -> Slice:
        """Return the core value."""
        return Slice(self.name, self.found_by, tuple(self.rows), tuple(self.terms))


class WireShare(Wire):
    """The share of the evidence one row carries, in [0, 1]."""

    index: int
    share: Number
    method: str = ""

    def core(self) -> RowShare:
        """Return the core value."""
        return RowShare(self.index, real(self.share), self.method)


class WireFindingRow(WireShare):
    """A share, and where the row stands: "file:line" or "file#record"."""

    location: str | None = None


class WireEvidence(Wire):
    """One channel of one detector on one slice."""

    detector: str
    channel: str
    slice: WireSlice
    effect: WireEffect
    statistic: Number
    p: Number
    null_n: int
    seed: int
    hazard: Number
    named: list[WireNamed] = []
    shares: list[WireShare] = []
    details: list[tuple[str, str]] = []
    curve: list[tuple[int, Number]] = []

    def core(self) -> Evidence:
        """Return the core value."""
        return Evidence(
            detector=self.detector,
            channel=self.channel,
            slice=self.slice.core(),
            effect=self.effect.core(),
            statistic=real(self.statistic),
            p=real(self.p),
            null_n=self.null_n,
            seed=self.seed,
            hazard=real(self.hazard),
            named=tuple(named.core() for named in self.named),
            shares=tuple(share.core() for share in self.shares),
            details=tuple(self.details),
            curve=tuple((rows, real(value)) for rows, value in self.curve),
        )


class WireFinding(Wire):
    """A verdict against the set."""

    code: str
    detector: str
    title: str
    message: str = ""
    severity: Severity
    confidence: Confidence
    scope: Scope
    stage: str
    named: list[WireNamed]
    p: Number
    effect: WireEffect
    rows: list[WireFindingRow]
    slice: WireSlice
    evidence: list[WireEvidence] = []

    def core(self) -> Finding:
        """Return the core value."""
        return Finding(
            code=self.code,
            detector=self.detector,
            title=self.title,
            severity=self.severity,
            confidence=self.confidence,
            scope=self.scope,
            stage=self.stage,
            p=real(self.p),
            effect=self.effect.core(),
            named=tuple(named.core() for named in self.named),
            rows=tuple(row.core() for row in self.rows),
            slice=self.slice.core(),
            evidence=tuple(proof.core() for proof in self.evidence),
            message=self.message,
        )


class WireCleared(Wire):
    """A detector that ran and saw nothing, and the smallest effect it would have seen."""

    code: str
    detector: str
    p: Number
    visible_effect: Number
    unit: str


class WireSkipped(Wire):
    """A detector that could not answer; `limits` says whether this makes the scan incomplete."""

    code: str
    detector: str
    reason: str
    limits: bool = True


class WirePlace(Wire):
    """Where a row stands in the vendor's file; lines and records count from 1."""

    location: str
    file: str
    line: int | None = None
    record: int | None = None

    def place(self) -> Location:
        """Return the core value."""
        return Location(self.file, self.line, self.record)


class WireUnreadable(WirePlace):
    """A line or record that could not be understood."""

    reason: str


class WireRow(WirePlace):
    """A row a finding points at; `excerpt` is hostile text, `key` the digest of its content."""

    index: int
    key: str = ""
    excerpt: str = ""


class WirePrint(Wire):
    """What the scorer answers after it was shown rows of a slice: a description, no test."""

    nearest: list[str]
    towards: str
    effect: WireEffect
    curve: list[tuple[int, Number]] = []
    shares: list[WireShare] = []

    def core(self) -> SlicePrint:
        """Return the core value."""
        curve = tuple((rows, real(value)) for rows, value in self.curve)
        return SlicePrint(tuple(self.nearest), self.towards, self.effect.core(), curve, tuple(share.core() for share in self.shares))


class WireSliceInfo(Wire):
    """A slice that was looked at, found or not; `fingerprint` where one was taken."""

    name: str
    found_by: str
    rows: int
    terms: list[str] = []
    fingerprint: WirePrint | None = None

    def core(self) -> SliceInfo:
        """Return the core value."""
        return SliceInfo(self.name, self.found_by, self.rows, tuple(self.terms), self.fingerprint.core() if self.fingerprint else None)


class WirePoint(Wire):
    """A row on the two-dimensional map."""

    index: int
    x: Number
    y: Number
    slice: str


class WireReport(Wire):
    """poisonscan.report/1: everything one scan has to say."""

    schema_: Literal["poisonscan.report/1"] = Field(alias="schema")
    tool: WireTool
    dataset: WireDataset
    outcome: Outcome
    score: Number
    findings: list[WireFinding]
    cleared: list[WireCleared]
    skipped: list[WireSkipped]
    unreadable: list[WireUnreadable]
    rows: list[WireRow] = []
    slices: list[WireSliceInfo] = []
    points: list[WirePoint] = []
    timings: dict[str, Number] = {}

    def core(self) -> Report:
        """Return the core value."""
        dataset, tool = self.dataset, self.tool
        return Report(
            tool=ToolInfo(tool.version, tool.catalogue, tool.scorer, tool.encoder, tool.depth, tool.seed, tool.calibrated),
            dataset=DatasetInfo(dataset.path, dataset.digest, dataset.rows, dataset.unreadable, dataset.layout, tuple(dataset.notes)),
            outcome=self.outcome,
            score=real(self.score),
            findings=tuple(finding.core() for finding in self.findings),
            cleared=tuple(Cleared(c.code, c.detector, real(c.p), real(c.visible_effect), c.unit) for c in self.cleared),
            skipped=tuple(Skipped(s.code, s.detector, s.reason, s.limits) for s in self.skipped),
            unreadable=tuple(Unreadable(u.place(), u.reason) for u in self.unreadable),
            rows=tuple(RowInfo(row.index, row.place(), row.excerpt, row.key) for row in self.rows),
            slices=tuple(s.core() for s in self.slices),
            timings=tuple((name, real(seconds)) for name, seconds in self.timings.items()),
            points=tuple((p.index, real(p.x), real(p.y), p.slice) for p in self.points),
        )


def real(value: Number) -> float:
    """Return `value`, NaN where the file says null."""
    return NOT_COMPARED if value is None else value
