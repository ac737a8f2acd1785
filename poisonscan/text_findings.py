"""From what text hygiene counted to verdicts: one for each of its detectors, with no model and no benign set.

Why no p-value: a copy or a hidden word stands in the rows or does not, so there is nothing to calibrate, and the set's score, which is a
calibrated p, is left alone. Whether honest sets hold such text too is settled beforehand, by the severity in the detector's folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poisonscan.core.dataset import Dataset
from poisonscan.core.detectors import SEVERITIES, Detector
from poisonscan.core.evidence import NOT_COMPARED, Cleared, Effect, Evidence, Finding, RowShare, Skipped
from poisonscan.core.slices import Slice
from poisonscan.probing.hygiene import CHECKS, Hit, Inapplicable, scan_text

STAGE = "text hygiene"
MAX_ROWS = 50
_UNIT = "row(s) of such text"


@dataclass(frozen=True, slots=True)
class TextVerdict:
    """One entry per detector of text hygiene."""

    findings: tuple[Finding, ...] = ()
    cleared: tuple[Cleared, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def read_text(dataset: Dataset, detectors: Sequence[Detector]) -> TextVerdict:
    """Run the checks of `detectors` (those of text hygiene; others are passed over) on every row that was kept."""
    asked = [detector for detector in detectors if not detector.is_compared]
    answers = scan_text(dataset, [detector.id for detector in asked]) if asked else {}
    verdicts = [_verdict(detector, answers, dataset) for detector in asked]
    return TextVerdict(
        tuple(verdict for verdict in verdicts if isinstance(verdict, Finding)),
        tuple(verdict for verdict in verdicts if isinstance(verdict, Cleared)),
        tuple(verdict for verdict in verdicts if isinstance(verdict, Skipped)),
    )


def _verdict(detector: Detector, answers: dict[str, Hit | Inapplicable | None], dataset: Dataset) -> Finding | Cleared | Skipped:
    if detector.id not in answers:
        return Skipped(detector.code, detector.id, f"no such check of text; there are {', '.join(CHECKS)}")
    answer = answers[detector.id]
    if isinstance(answer, Hit):
        return _finding(detector, answer, dataset)
    if isinstance(answer, Inapplicable):
        return Skipped(detector.code, detector.id, f"not applicable: {answer.reason}", False)
    # A sample shows a row of the whole set with probability kept / total.
    return Cleared(detector.code, detector.id, NOT_COMPARED, float(max(1, round(dataset.total / max(len(dataset), 1)))), _UNIT)


def _finding(detector: Detector, hit: Hit, dataset: Dataset) -> Finding:
    count, total = len(hit.rows), len(dataset)
    shares = tuple(RowShare(row, round(1 / count, 8), STAGE) for row in hit.rows[:MAX_ROWS])
    part = Slice(detector.title, STAGE, hit.rows)
    effect = Effect(float(count), float(count), float(count), "rows", total)
    details = (("share of the rows", f"{count / total:.2%}"), ("times seen", f"{hit.times:,}"))
    hazard = SEVERITIES.index(detector.severity) / (len(SEVERITIES) - 1)
    evidence = Evidence(detector.id, STAGE, part, effect, float(count), NOT_COMPARED, 0, 0, hazard, (), shares, details)
    return Finding(
        detector.code, detector.id, detector.title, detector.severity, "high" if detector.severity == "info" else "medium", "row", STAGE,
        NOT_COMPARED, effect, (), shares, part, (evidence,), hit.message,
    )  # fmt: skip
