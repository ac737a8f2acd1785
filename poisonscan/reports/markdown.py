"""markdown: for pull requests and job summaries. Row text only ever stands in code spans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poisonscan.core.evidence import Finding
from poisonscan.core.report import Report
from poisonscan.reports import wording
from poisonscan.reports.escape import code_span, markdown


def render_markdown(reports: Sequence[Report]) -> str:
    """Return GitHub-flavoured Markdown."""
    return "\n".join(line for report in reports for line in _lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"## poisonscan: {report.outcome}, score {wording.number(report.score)}"
    yield ""
    yield f"{code_span(report.dataset.path, 300)}: {markdown(wording.verdict(report), 600)}."
    yield f"{markdown(wording.counts(report), 300)}."
    if not report.tool.calibrated:
        yield "**Uncalibrated**: p-values of this scorer are not backed by benign sets."
    for note in report.dataset.notes:
        yield f"Note: {code_span(note, 300)}"
    yield ""
    for finding in report.findings:
        yield from _finding(report, finding)
    yield from _gaps(report)
    yield f"<sub>poisonscan {markdown(report.tool.version, 40)}, scorer {code_span(report.tool.scorer)}, "
    yield f"encoder {code_span(report.tool.encoder)}, catalogue {code_span(report.tool.catalogue)}, depth {report.tool.depth}</sub>"


def _finding(report: Report, finding: Finding) -> Iterator[str]:
    yield f"### {markdown(finding.code, 20)} {markdown(finding.title, 200)}"
    yield ""
    if finding.message:
        yield f"{code_span(finding.message, 600)}"
        yield ""
    null = "" if wording.is_counted(finding) else f", against {wording.counted(wording.null_size(finding), 'benign set')}"
    yield f"- how sure: {markdown(wording.how_sure(finding), 300)}{null}"
    size = wording.counted(len(finding.slice), "row")
    yield f"- where: {code_span(finding.slice.name, 120)}, {size}, found by {code_span(finding.slice.found_by)}"
    for named in finding.named[:5]:
        yield f"- {markdown(named.kind, 30)}: {code_span(named.value, 80)} {named.score:.2f}"
    curve = wording.curve_of(finding)
    if curve:
        points = ", ".join(f"{rows}: {wording.number(value)}" for rows, value in curve)
        yield f"- collective curve {wording.sparkline(tuple(value for _, value in curve))} (rows shown: evidence) {points}"
    yield ""
    rows = wording.shown_rows(report, finding)
    if rows:
        yield "| share | where | row |"
        yield "| ---: | --- | --- |"
    for row in rows:
        yield f"| {row.share:.1%} | {code_span(row.location)} | {code_span(row.excerpt)} |"
    if rows:
        yield ""


def _gaps(report: Report) -> Iterator[str]:
    if report.skipped:
        yield "**Not looked at**"
        yield ""
    for gap in wording.gaps(report):
        yield f"- {markdown(gap.who, 2000)}: {code_span(gap.reason, 300)}"
    if report.skipped:
        yield ""
    if report.unreadable:
        yield f"**Unreadable**: {report.dataset.unreadable}"
        yield ""
    for bad in report.unreadable[:5]:
        yield f"- {code_span(str(bad.location))}: {code_span(bad.reason)}"
    if report.unreadable:
        yield ""
