"""gitlab: a Code Quality report, one entry for each finding at its heaviest row."""

from __future__ import annotations

from collections.abc import Sequence

from poisonscan.core.evidence import Finding
from poisonscan.core.report import Report
from poisonscan.reports import wording
from poisonscan.reports.escape import visible
from poisonscan.reports.identity import finding_key
from poisonscan.reports.json_report import JsonObject, dumped

_SEVERITIES = {"critical": "blocker", "high": "critical", "medium": "major", "low": "minor", "info": "info"}


def render_gitlab(reports: Sequence[Report]) -> str:
    """Return the JSON list GitLab reads from `artifacts:reports:codequality`."""
    return dumped([_entry(report, finding) for report in reports for finding in report.findings], indent=2) + "\n"


def _entry(report: Report, finding: Finding) -> JsonObject:
    heaviest = max(finding.rows, key=lambda share: share.share, default=None)
    info = report.row(heaviest.row) if heaviest is not None else None
    place = info.location if info is not None else None
    path = place.file if place is not None else report.dataset.path
    line = (place.line or place.record or 1) if place is not None else 1
    return {
        "description": wording.sentence(finding),
        "check_name": visible(finding.code, 20),
        "fingerprint": finding_key(report, finding),
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": visible(path.replace("\\", "/"), 400), "lines": {"begin": line}},
    }
