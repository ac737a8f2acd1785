"""The sentences every format shares.

Why one place: a verdict must read the same in a terminal, a pull request and an audit file. Nothing here calls a set free of danger;
where nothing was found it says what size of effect would have been seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from poisonscan.core.dataset import Location
from poisonscan.core.evidence import Cleared, Effect, Evidence, Finding, Skipped
from poisonscan.core.report import Report
from poisonscan.reports.escape import visible

ALWAYS_SHOWN = 8
_NAMED_GAPS = 4
_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII_BLOCKS = "_.-=+*#@"


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row of a finding as it is shown: index, where it stands, excerpt (made visible), share of the evidence in [0, 1]."""

    index: int
    location: str
    excerpt: str
    share: float


def verdict(report: Report) -> str:
    """Return the outcome in one sentence."""
    if report.outcome == "found":
        return _found(report)
    if report.outcome == "incomplete":
        return "incomplete: not everything was looked at, so nothing follows from what was not found"
    notices = f"{counted(len(report.findings), 'notice')} for information; beyond that " if report.findings else ""
    return f"{notices}nothing found that benign sets do not show too; {smallest_visible(report.cleared)}"


def _found(report: Report) -> str:
    grave = [finding for finding in report.findings if finding.severity != "info"]
    notices = len(report.findings) - len(grave)
    more = f", and {counted(notices, 'notice')} for information" if notices else ""
    if all(is_counted(finding) for finding in grave):
        return f"{counted(len(grave), 'finding')} in the text of rows{more}"
    return f"{counted(len(grave), 'finding')}: the rows, taken together, point somewhere{more}"


def is_counted(finding: Finding) -> bool:
    """Return True where a finding was counted in the text and compared with nothing."""
    return math.isnan(finding.p)


def smallest_visible(cleared: tuple[Cleared, ...]) -> str:
    """Return what size of effect would have been seen."""
    sizes: dict[str, list[float]] = {}
    for entry in cleared:
        sizes.setdefault(entry.unit, []).append(entry.visible_effect)
    if not sizes:
        return "no detector ran to its end, so no size of effect was excluded"
    ranges = [f"{_span(values)} {visible(unit, 40)}" for unit, values in sorted(sizes.items())]
    return f"an effect of {' / '.join(ranges)} would have been seen"


def counts(report: Report) -> str:
    """Return how many rows, findings, cleared and skipped detectors there are."""
    parts = [
        counted(report.dataset.rows, "row"),
        f"{report.dataset.unreadable} unreadable",
        counted(len(report.findings), "finding"),
        f"{len(report.cleared)} cleared",
        f"{len(report.skipped)} not looked at",
    ]
    return ", ".join(parts)


def counted(number: int, noun: str) -> str:
    """Return "1 row", "2 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def named_line(finding: Finding) -> str:
    """Return who, when or what was named, best first, "" where nothing was."""
    return ", ".join(f"{visible(named.kind, 30)} {visible(named.value, 80)} ({named.score:.2f})" for named in finding.named[:3])


def sentence(finding: Finding) -> str:
    """Return one line: title, what was named, how sure."""
    named = named_line(finding)
    middle = f" [{named}]" if named else ""
    return f"{visible(finding.title, 200)}{middle}; {how_sure(finding)}"


def how_sure(finding: Finding) -> str:
    """Return severity, confidence, p and effect."""
    if is_counted(finding):
        return f"severity {finding.severity}, confidence {finding.confidence}, {counted_text(finding)}"
    return f"severity {finding.severity}, confidence {finding.confidence}, p = {number(finding.p)}, {effect_text(finding.effect)}"


def how_compared(finding: Finding) -> str:
    """Return what the p-value is and rests on, or that nothing had to be compared."""
    if is_counted(finding):
        return counted_text(finding)
    return f"p = {number(finding.p)} against {counted(null_size(finding), 'benign set')}"


def counted_text(finding: Finding) -> str:
    """Return how many rows a counted finding is about."""
    return f"{finding.effect.value:,.0f} of {counted(finding.effect.n, 'row')}, counted in the text"


def effect_text(effect: Effect) -> str:
    """Return the effect with its interval."""
    interval = f"[{number(effect.low)}, {number(effect.high)}]"
    return f"effect {number(effect.value)} {visible(effect.unit, 40)} {interval} on {counted(effect.n, 'row')}"


def number(value: float) -> str:
    """Return three significant digits, "?" for what is not a number."""
    return "?" if math.isnan(value) else f"{value:.3g}"


# Second looks whose draws share rows, so that their interval is no test, and sweeps, which say what they saw and clear nothing.
SWEEPS = frozenset({"slot sweep in context", "slot sweep in proxies"})
UNTESTED = frozenset({"in-context fingerprint"}) | SWEEPS


def channel_agreement(finding: Finding, level: float = 0.05) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the channels that agree and those that do not; fingerprints and sweeps, which are no test, are in neither.

    A calibrated channel agrees at a p of `level` or less, a second look where its interval against matched rows lies above nought.
    """
    tests = [proof for proof in finding.evidence if proof.channel not in UNTESTED]
    agree = tuple(sorted({proof.channel for proof in tests if proof.p <= level or (is_second_look(proof) and proof.effect.low > 0)}))
    silent = tuple(sorted({proof.channel for proof in tests} - set(agree)))
    return agree, silent


def is_second_look(proof: Evidence) -> bool:
    """Return True for evidence that was compared with matched rows or prototypes rather than with benign sets."""
    return proof.null_n == 0 and proof.p >= 1.0


def compared_with(proof: Evidence) -> str:
    """Return the p-value of a piece of evidence and what it rests on."""
    if is_second_look(proof):
        if proof.channel in SWEEPS:
            return "second look, rows with their slot values permuted"
        return "second look, prototypes" if proof.channel in UNTESTED else "second look, matched harmless rows"
    return f"p = {number(proof.p)} against {counted(proof.null_n, 'benign set')}"


def null_size(finding: Finding) -> int:
    """Return the number of benign sets behind the calibrated p, 0 where it is not known."""
    return max((proof.null_n for proof in finding.evidence), default=0)


def curve_of(finding: Finding) -> tuple[tuple[int, float], ...]:
    """Return the collective curve: (rows shown, evidence), of the most telling evidence that has one."""
    with_curve = [proof for proof in finding.evidence if len(proof.curve) > 1]
    return min(with_curve, key=lambda proof: proof.p).curve if with_curve else ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Detectors that were skipped for one reason; `limits` as in `Skipped`."""

    who: str
    reason: str
    limits: bool


def gaps(report: Report) -> tuple[Gap, ...]:
    """Return what was not looked at, one entry for each reason, those that limit the verdict first."""
    groups: dict[tuple[bool, str], list[Skipped]] = {}
    for entry in report.skipped:
        groups.setdefault((not entry.limits, entry.reason), []).append(entry)
    found = []
    for (harmless, reason), entries in sorted(groups.items(), key=lambda item: item[0][0]):
        names = [visible(f"{entry.code} {entry.detector}" if len(entries) < _NAMED_GAPS else entry.code, 80) for entry in entries]
        found.append(Gap(", ".join(names), visible(reason, 300), not harmless))
    return tuple(found)


def shown_rows(report: Report, finding: Finding, limit: int = ALWAYS_SHOWN, width: int = 120) -> tuple[ShownRow, ...]:
    """Return the rows that carry most of the evidence, largest share first."""
    infos = {row.index: row for row in report.rows}
    top = sorted(finding.rows, key=lambda share: (-share.share, share.row))[:limit]
    rows = []
    for share in top:
        info = infos.get(share.row)
        where = place(info.location, share.row) if info else f"row {share.row}"
        rows.append(ShownRow(share.row, where, visible(info.excerpt, width) if info else "", share.share))
    return tuple(rows)


def place(location: Location | None, index: int) -> str:
    """Return "file:line" made visible, "row 7" where the location is not known."""
    return visible(str(location), 120) if location is not None else f"row {index}"


def bar(share: float, width: int = 10, *, ascii_only: bool = False) -> str:
    """Return a bar of `width` cells filled to `share` in [0, 1]."""
    filled = round(max(0.0, min(share, 1.0)) * width)
    full, empty = ("#", ".") if ascii_only else ("█", "░")
    return full * filled + empty * (width - filled)


def sparkline(values: tuple[float, ...], *, ascii_only: bool = False) -> str:
    """Return one block per value, scaled from the least to the largest."""
    blocks = _ASCII_BLOCKS if ascii_only else _BLOCKS
    if not values:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return "".join(blocks[round((value - low) / span * (len(blocks) - 1))] for value in values)


def _span(values: list[float]) -> str:
    low, high = number(min(values)), number(max(values))
    return low if low == high else f"{low} to {high}"
