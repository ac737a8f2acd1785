"""`poisonscan explain REPORT FINDING`: all the evidence behind one finding."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from poisonscan.cli import options as o
from poisonscan.cli.output import look_of, show
from poisonscan.core.errors import UsageError
from poisonscan.core.evidence import Finding
from poisonscan.core.report import Report
from poisonscan.reports import load_report, wording
from poisonscan.reports.escape import visible
from poisonscan.reports.identity import finding_key
from poisonscan.reports.terminal import Look, drawn, evidence_body, finding_body

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def explain(
    report: o.ReportPath,
    finding: Annotated[str, typer.Argument(metavar="FINDING", help="Its number (1, 2, ...), its code, or the start of its key.")],
    rows: Annotated[int, typer.Option("--rows", min=0, help="Rows to show.")] = 30,
) -> None:
    """Show the evidence behind one finding: rows, channels, probes, curve, and what would clear it."""
    whole = load_report(report)
    chosen = find_finding(whole, finding)
    show(drawn(_pages(whole, chosen, look_of(sys.stdout), rows), look_of(sys.stdout)))


def find_finding(report: Report, wanted: str) -> Finding:
    """Return the finding meant by number, code, detector id or the start of its key. Raises UsageError where none or several are."""
    if wanted.isdecimal() and 1 <= int(wanted) <= len(report.findings):
        return report.findings[int(wanted) - 1]
    keyed = [f for f in report.findings if finding_key(report, f).startswith(wanted.lower()) and len(wanted) >= 6]
    matches = [f for f in report.findings if wanted.lower() in (f.code.lower(), f.detector.lower())] or keyed
    if len(matches) == 1:
        return matches[0]
    have = ", ".join(f"{number} {visible(f.code, 20)}" for number, f in enumerate(report.findings, start=1)) or "none"
    problem = "means several findings" if matches else "means no finding"
    raise UsageError(f"{visible(wanted, 60)!r} {problem} of this report; it has: {have}")


def _pages(report: Report, finding: Finding, look: Look, rows: int) -> RenderableType:
    parts: list[RenderableType] = [finding_body(report, finding, look, rows), Text("")]
    for proof in sorted(finding.evidence, key=lambda proof: proof.p):
        parts += [evidence_body(proof, look), Text("")]
    parts += [Text("what would clear it", style="bold"), *(Text(f"  {line}") for line in clearing(report, finding))]
    return Group(*parts, Text(f"key {finding_key(report, finding)}"))


def clearing(report: Report, finding: Finding) -> tuple[str, ...]:
    """Return what would make the finding go away, in sentences."""
    count = len(finding.rows) or len(finding.slice)
    path, size = visible(report.dataset.path, 200), f"{wording.number(finding.effect.value)} {visible(finding.effect.unit, 40)}"
    if wording.is_counted(finding):
        return (
            f"- a set without its {wording.counted(len(finding.slice), 'row')}:",
            f"  poisonscan quarantine {path} --report REPORT --clean A --held B",
            "- knowing that it is meant: poisonscan baseline create REPORT --reason WHY",
        )
    return (
        f"- the same measurement without its {wording.counted(count, 'row')} showing no more than benign sets do:",
        f"  poisonscan quarantine {path} --report REPORT --clean A --held B; poisonscan check A",
        "- knowing that it is meant: poisonscan baseline create REPORT --reason WHY",
        f"- trusted sets that reach {size} too: poisonscan calibrate --benign DIR",
    )
