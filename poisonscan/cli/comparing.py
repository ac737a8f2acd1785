"""Two reports, or two sets, side by side.

Why findings are matched by detector and by what they name: a slice is found anew in every scan and may go by another name; "the same
persona again" is what a reader means by the same finding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from poisonscan.core.dataset import Dataset
from poisonscan.core.evidence import Finding
from poisonscan.core.report import Report
from poisonscan.reports.escape import visible
from poisonscan.reports.wording import counted, number


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding in short."""

    code: str
    title: str
    severity: str
    slice: str
    named: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SliceChange:
    """A slice and its number of rows before and after; 0 where it is not there."""

    name: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows by content: in both, only in the new, only in the old set."""

    kept: int
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from OLD to NEW."""

    outcomes: tuple[str, str]
    scores: tuple[float, float]
    row_counts: tuple[int, int]
    same_data: bool
    same_tool: bool
    appeared: tuple[Entry, ...]
    gone: tuple[Entry, ...]
    stayed: tuple[Entry, ...]
    slices: tuple[SliceChange, ...]
    rows: Rows | None = None


def compare(old: Report, new: Report, rows: Rows | None = None) -> Comparison:
    """Return what changed between two reports."""
    before, after = {_same(f): f for f in old.findings}, {_same(f): f for f in new.findings}
    return Comparison(
        outcomes=(old.outcome, new.outcome),
        scores=(old.score, new.score),
        row_counts=(old.dataset.rows, new.dataset.rows),
        same_data=old.dataset.digest == new.dataset.digest,
        same_tool=(old.tool.version, old.tool.catalogue, old.tool.scorer, old.tool.depth)
        == (new.tool.version, new.tool.catalogue, new.tool.scorer, new.tool.depth),
        appeared=tuple(_entry(f) for key, f in after.items() if key not in before),
        gone=tuple(_entry(f) for key, f in before.items() if key not in after),
        stayed=tuple(_entry(f) for key, f in after.items() if key in before),
        slices=_slices(old, new),
        rows=rows,
    )


def compare_rows(old: Dataset, new: Dataset) -> Rows:
    """Return how many rows both sets share, counted with their repetitions."""
    before, after = Counter(row.key for row in old.rows), Counter(row.key for row in new.rows)
    kept = sum((before & after).values())
    return Rows(kept, len(new) - kept, len(old) - kept)


def lines_of(found: Comparison) -> Iterator[str]:
    """Yield the comparison as lines for a terminal."""
    yield f"outcome {found.outcomes[0]} -> {found.outcomes[1]}, score {number(found.scores[0])} -> {number(found.scores[1])}"
    yield f"rows {found.row_counts[0]:,} -> {found.row_counts[1]:,}" + (", the same rows in the same order" if found.same_data else "")
    if found.rows is not None:
        yield f"by content: {counted(found.rows.kept, 'row')} kept, {found.rows.added:,} added, {found.rows.removed:,} removed"
    if not found.same_tool:
        yield "the two scans differ in version, catalogue, scorer or depth: a change may come from there"
    for title, entries in (("appeared", found.appeared), ("gone", found.gone), ("stayed", found.stayed)):
        yield from (f"{title:9} {_line(entry)}" for entry in entries)
    if not (found.appeared or found.gone or found.stayed):
        yield "no finding in either"
    yield from (f"slice     {visible(change.name, 60)}: {change.before:,} -> {change.after:,} rows" for change in found.slices)


def _same(finding: Finding) -> tuple[str, str]:
    return finding.detector, finding.named[0].value if finding.named else finding.slice.name


def _entry(finding: Finding) -> Entry:
    return Entry(finding.code, finding.title, finding.severity, finding.slice.name, tuple(named.value for named in finding.named[:3]))


def _line(entry: Entry) -> str:
    named = ", ".join(visible(value, 60) for value in entry.named)
    return f"{visible(entry.code, 20)} {entry.severity}: {visible(entry.title, 120)}" + (f" [{named}]" if named else "")


def _slices(old: Report, new: Report) -> tuple[SliceChange, ...]:
    before, after = {s.name: s.rows for s in old.slices}, {s.name: s.rows for s in new.slices}
    changes = [SliceChange(name, before.get(name, 0), after.get(name, 0)) for name in {**before, **after}]
    return tuple(change for change in changes if change.before != change.after)
