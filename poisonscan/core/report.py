"""The result of one scan: every selected detector appears exactly once, as found, cleared or skipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from poisonscan.core.dataset import Location, Unreadable
from poisonscan.core.evidence import Cleared, Finding, Skipped, SlicePrint

SCHEMA = "poisonscan.report/1"
Outcome = Literal["found", "none-found", "incomplete"]


@dataclass(frozen=True, slots=True)
class ToolInfo:
    """Versions and digests that fix the measurement."""

    version: str
    catalogue: str
    scorer: str
    encoder: str
    depth: str
    seed: int
    calibrated: bool


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What was scanned."""

    path: str
    digest: str
    rows: int
    unreadable: int
    layout: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowInfo:
    """A row as the report shows it: index, location, a short excerpt (hostile text; escape before printing) and its content key.

    `key` is `Row.key`; baselines and comparisons recognise a row by it when it has moved. "" where it is not known.
    """

    index: int
    location: Location
    excerpt: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class SliceInfo:
    """A slice as the report shows it; `fingerprint` where one was taken."""

    name: str
    found_by: str
    rows: int
    terms: tuple[str, ...]
    fingerprint: SlicePrint | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one scan has to say. `score` is minus log10 of the calibrated p of the most suspicious hazardous evidence."""

    tool: ToolInfo
    dataset: DatasetInfo
    outcome: Outcome
    score: float
    findings: tuple[Finding, ...]
    cleared: tuple[Cleared, ...]
    skipped: tuple[Skipped, ...]
    unreadable: tuple[Unreadable, ...]
    rows: tuple[RowInfo, ...]
    slices: tuple[SliceInfo, ...]
    timings: tuple[tuple[str, float], ...]
    points: tuple[tuple[int, float, float, str], ...] = ()
    schema: str = SCHEMA

    def row(self, index: int) -> RowInfo | None:
        """Return what the report keeps of row `index`, None when no finding points at it."""
        return next((row for row in self.rows if row.index == index), None)
