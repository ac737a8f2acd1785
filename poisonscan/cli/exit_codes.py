"""Outcome and error to exit code; the same in every output format.

    0  nothing at or above --fail-on
    1  a finding at or above --fail-on
    2  wrong use or configuration
    3  no readable rows
    4  incomplete: something was not looked at, or weights are missing (--allow-incomplete turns the first off)
    5  internal error
  130  interrupted

Why findings win over everything when several sets are scanned: whoever blocks a training job on code 1 must not lose it because a
second set could not be opened. After that the loudest failure wins: 1, 5, 2, 3, 4, 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from poisonscan.core.detectors import SEVERITIES, Severity
from poisonscan.core.errors import ModelError, PoisonscanError, ReadError
from poisonscan.core.evidence import Finding
from poisonscan.core.report import Report


class ExitCode(IntEnum):
    """What the process ends with."""

    NOTHING = 0
    FINDING = 1
    USAGE = 2
    NO_ROWS = 3
    INCOMPLETE = 4
    INTERNAL = 5
    INTERRUPTED = 130


_PRECEDENCE = (
    ExitCode.INTERRUPTED,
    ExitCode.FINDING,
    ExitCode.INTERNAL,
    ExitCode.USAGE,
    ExitCode.NO_ROWS,
    ExitCode.INCOMPLETE,
    ExitCode.NOTHING,
)


def of_error(error: BaseException) -> ExitCode:
    """Return the code for an error that ended a command."""
    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    if isinstance(error, ReadError):
        return ExitCode.NO_ROWS
    if isinstance(error, ModelError):
        return ExitCode.INCOMPLETE
    return ExitCode.USAGE if isinstance(error, PoisonscanError) else ExitCode.INTERNAL


def of_report(report: Report, fail_on: Severity, *, allow_incomplete: bool = False, accepted: Iterable[Finding] = ()) -> ExitCode:
    """Return the code for one report; findings in `accepted` (a baseline) do not count."""
    quiet = set(map(id, accepted))
    if any(at_or_above(finding.severity, fail_on) for finding in report.findings if id(finding) not in quiet):
        return ExitCode.FINDING
    return ExitCode.INCOMPLETE if is_incomplete(report) and not allow_incomplete else ExitCode.NOTHING


def is_incomplete(report: Report) -> bool:
    """Return True where something was not looked at that limits the verdict."""
    return report.outcome == "incomplete" or (report.outcome == "found" and any(entry.limits for entry in report.skipped))


def at_or_above(severity: Severity, threshold: Severity) -> bool:
    """Return True where `severity` is as bad as `threshold` or worse."""
    return SEVERITIES.index(severity) >= SEVERITIES.index(threshold)


def combined(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the code that wins: 1, 5, 2, 3, 4, 0."""
    return min(codes, key=_PRECEDENCE.index, default=ExitCode.NOTHING)
