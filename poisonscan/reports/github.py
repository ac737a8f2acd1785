"""github: workflow commands, one annotation for each finding at its heaviest row.

Why the sorting: GitHub keeps ten annotations of each level a step, so the worst come first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poisonscan.core.detectors import SEVERITIES
from poisonscan.core.evidence import Finding
from poisonscan.core.report import Report
from poisonscan.reports import wording
from poisonscan.reports.escape import workflow, workflow_property

_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "warning", "info": "notice"}


def render_github(reports: Sequence[Report]) -> str:
    """Return the workflow commands, worst finding first; each set ends with a line on its outcome."""
    return "".join(line + "\n" for report in reports for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    for finding in sorted(report.findings, key=lambda found: -SEVERITIES.index(found.severity)):
        yield _annotation(report, finding)
    level = "notice" if report.outcome == "none-found" else "warning"
    file = workflow_property(report.dataset.path)
    yield f"::{level} file={file},title=poisonscan {report.outcome}::{workflow(wording.verdict(report))}"


def _annotation(report: Report, finding: Finding) -> str:
    file, line = _top_place(report, finding)
    where = f"file={workflow_property(file)}" + (f",line={line}" if line is not None else "")
    title = workflow_property(f"{finding.code} {finding.title}")
    rows = [f"{row.share:.1%} {row.location}" for row in wording.shown_rows(report, finding, 5)]
    message = workflow("\n".join([wording.sentence(finding), finding.message, *rows]).strip())
    return f"::{_LEVELS[finding.severity]} {where},title={title}::{message}"


def _top_place(report: Report, finding: Finding) -> tuple[str, int | None]:
    heaviest = max(finding.rows, key=lambda share: share.share, default=None)
    info = report.row(heaviest.row) if heaviest is not None else None
    return (info.location.file, info.location.line) if info is not None else (report.dataset.path, None)
