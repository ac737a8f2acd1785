"""junit: one suite for each set, one case for each detector: a finding fails, a gap is skipped, the rest pass.

Why info findings pass: CI systems know only red and green, and a notice must not turn a build red.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from poisonscan.core.evidence import Cleared, Finding, Skipped
from poisonscan.core.report import Report
from poisonscan.reports import wording
from poisonscan.reports.escape import visible

if TYPE_CHECKING:
    from junitparser import TestCase


def render_junit(reports: Sequence[Report]) -> str:
    """Return the XML text."""
    from junitparser import JUnitXml, TestSuite

    whole = JUnitXml("poisonscan")
    for report in reports:
        suite = TestSuite(visible(report.dataset.path, 300))
        suite.add_property("outcome", report.outcome)
        suite.add_property("score", wording.number(report.score))
        suite.add_property("verdict", wording.verdict(report))
        for case in _cases(report):
            suite.add_testcase(case)
        suite.time = round(sum(seconds for _, seconds in report.timings), 3)
        whole.add_testsuite(suite)
    text: str = whole.tostring().decode("utf-8")
    return re.sub(r">\s*<", ">\n<", text) + "\n"


def _cases(report: Report) -> Iterator[TestCase]:
    for finding in report.findings:
        yield _found(report, finding)
    for skipped in report.skipped:
        yield _skipped(skipped)
    for cleared in report.cleared:
        yield _cleared(cleared)


def _found(report: Report, finding: Finding) -> TestCase:
    from junitparser import Failure

    case = _case(finding.code, finding.detector)
    rows = "\n".join(f"{row.share:6.1%}  {row.location}  {row.excerpt}" for row in wording.shown_rows(report, finding))
    if finding.severity == "info":
        case.system_out = f"{wording.sentence(finding)}\n{rows}"
    else:
        failure = Failure(wording.sentence(finding), finding.severity)
        failure.text = rows
        case.result = [failure]
    return case


def _skipped(entry: Skipped) -> TestCase:
    from junitparser import Skipped as SkippedCase

    case = _case(entry.code, entry.detector)
    case.result = [SkippedCase(visible(entry.reason, 300))]
    return case


def _cleared(entry: Cleared) -> TestCase:
    case = _case(entry.code, entry.detector)
    case.system_out = wording.smallest_visible((entry,))
    return case


def _case(code: str, detector: str) -> TestCase:
    from junitparser import TestCase

    return TestCase(f"{visible(code, 20)} {visible(detector, 80)}", classname=f"poisonscan.{visible(code, 20)}")
