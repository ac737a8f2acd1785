"""terminal: the report for a person, 80 columns, sections in the order in which questions are asked.

Why only `Text` and never markup: rich obeys square brackets in strings; a row could colour itself as one of our lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from poisonscan.core.evidence import Evidence, Finding, SlicePrint
from poisonscan.core.report import Report
from poisonscan.reports import wording
from poisonscan.reports.escape import visible
from poisonscan.reports.pictures import sweep_bars

WIDTH = 80
_COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "blue"}
_OUTCOME_COLOURS = {"found": "bold red", "none-found": "bold", "incomplete": "bold yellow"}
_UNREADABLE_SHOWN = 5
_SWEPT_SHOWN = 5
_SLOT_FACTS = ("slot", "p by permutation", "smallest share that would have been seen")


@dataclass(frozen=True, slots=True)
class Look:
    """How to draw: width in columns, colour or not, blocks or ASCII only, timings and all rows or not."""

    width: int = WIDTH
    colour: bool = False
    ascii_only: bool = False
    verbose: bool = False


def render_terminal(reports: Sequence[Report], look: Look | None = None) -> str:
    """Return the reports as text, with ANSI colours only where `look` asks for them."""
    look = look or Look()
    return "\n".join(drawn(body(report, look), look) for report in reports)


def drawn(content: RenderableType, look: Look) -> str:
    """Return a renderable as text."""
    out = StringIO()
    console = Console(
        file=out,
        width=look.width,
        color_system="standard" if look.colour else None,
        force_terminal=look.colour,
        no_color=not look.colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    console.print(content)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def body(report: Report, look: Look) -> RenderableType:
    """Return the whole report as one renderable."""
    parts: list[RenderableType] = [*_head(report)]
    for finding in report.findings:
        rows = len(finding.rows) if look.verbose else wording.ALWAYS_SHOWN
        if look.verbose or not _is_notice(finding):
            parts += [Text(""), finding_body(report, finding, look, rows)]
    parts += [] if look.verbose else [*_notices(report)]
    parts += [*_skipped(report), *_cleared(report), *_unreadable(report, look)]
    if look.verbose:
        parts += [*_slices(report, look), *_timings(report, look)]
    return Group(*parts)


def _is_notice(finding: Finding) -> bool:
    return finding.severity == "info" and wording.is_counted(finding)


def _notices(report: Report) -> Iterator[RenderableType]:
    """One line for each kind of oddity that honest sets have too; -v shows them in full."""
    notices = [finding for finding in report.findings if _is_notice(finding)]
    if notices:
        yield Text("")
        yield Text("for information, about the text of rows", style="bold")
    for finding in notices:
        first = next((row.location for row in wording.shown_rows(report, finding, 1)), "")
        yield _indented(f"{visible(finding.code, 10)} {visible(finding.message, 300)}; first at {first}")


def _head(report: Report) -> Iterator[RenderableType]:
    yield Text.assemble(
        (visible(report.dataset.path, 200), "bold"),
        "  ",
        (report.outcome, _OUTCOME_COLOURS[report.outcome]),
        f"  score {wording.number(report.score)}",
    )
    yield _indented(wording.verdict(report))
    yield _indented(wording.counts(report))
    if not report.tool.calibrated:
        yield _indented("uncalibrated: p-values of this scorer are not backed by benign sets; see `poisonscan calibrate`", "yellow")
    for note in report.dataset.notes:
        yield _indented(f"note: {visible(note, 300)}")


def finding_body(report: Report, finding: Finding, look: Look, rows: int) -> RenderableType:
    """Return one finding as a renderable, with its heaviest `rows` rows."""
    return Group(*_finding(report, finding, look, rows))


def _finding(report: Report, finding: Finding, look: Look, rows: int) -> Iterator[RenderableType]:
    yield Text.assemble((f"{visible(finding.code, 10)} ", "bold"), (visible(finding.title, 200), "bold"))
    yield _indented(
        f"{finding.severity} severity, {finding.confidence} confidence, scope {finding.scope}, stage {visible(finding.stage, 30)}",
        _COLOURS[finding.severity],
    )
    if finding.message:
        yield _indented(visible(finding.message, 600))
    yield from _named(finding, look)
    yield from _where(finding)
    yield from _which_rows(report, finding, rows)
    yield from _swept(finding, look)
    yield from _how_sure(finding, look)


def _named(finding: Finding, look: Look) -> Iterator[RenderableType]:
    if finding.named:
        yield _section("named")
    for named in finding.named[:5]:
        bar = wording.bar(named.score, ascii_only=look.ascii_only)
        yield _indented(f"{bar} {named.score:4.2f}  {visible(named.kind, 30)}: {visible(named.value, 80)}", left=4)


def _where(finding: Finding) -> Iterator[RenderableType]:
    slice_ = finding.slice
    yield _section("where")
    yield _indented(f"{visible(slice_.name, 120)} ({wording.counted(len(slice_), 'row')}; found by {visible(slice_.found_by, 60)})", left=4)
    if slice_.terms:
        yield _indented("terms: " + ", ".join(visible(term, 30) for term in slice_.terms[:10]), left=4)


def _which_rows(report: Report, finding: Finding, limit: int) -> Iterator[RenderableType]:
    rows = wording.shown_rows(report, finding, limit)
    if rows:
        yield _section("which rows")
    for row in rows:
        yield _indented(f"{row.share:6.1%}  {row.location}", left=4)
        if row.excerpt:
            yield _indented(row.excerpt, left=12)
    if len(finding.rows) > len(rows):
        yield _indented(f"and {len(finding.rows) - len(rows)} more (json report, or -v)", left=4)


def _swept(finding: Finding, look: Look) -> Iterator[RenderableType]:
    """The sweep of the first evidence that has one: values the data hold, then absent ones, each kind on a scale of its own."""
    proof = next((proof for proof in finding.evidence if sweep_bars(proof)), None)
    if proof is None:
        return
    bars, told = sweep_bars(proof), dict(proof.details)
    yield _section("slot sweep")
    yield from (_indented(f"{key}: {visible(told[key], 80)}", left=4) for key in _SLOT_FACTS if key in told)
    for kind in (False, True):
        for entry in [entry for entry in bars if entry.absent == kind][: len(bars) if look.verbose else _SWEPT_SHOWN]:
            drawn_bar = wording.bar(entry.share, ascii_only=look.ascii_only)
            yield _indented(f"{drawn_bar} {entry.value:>8}{' absent' if kind else ''}  {wording.number(entry.score)} {entry.label}", left=4)


def _how_sure(finding: Finding, look: Look) -> Iterator[RenderableType]:
    yield _section("how sure")
    yield _indented(wording.how_compared(finding), left=4)
    if wording.is_counted(finding):
        return
    yield _indented(wording.effect_text(finding.effect), left=4)
    agree, silent = wording.channel_agreement(finding)
    if agree or silent:
        yield _indented(f"channels that agree: {_listed(agree)}; that do not: {_listed(silent)}", left=4)
    curve = wording.curve_of(finding)
    if curve:
        line = wording.sparkline(tuple(value for _, value in curve), ascii_only=look.ascii_only)
        yield _indented(f"collective curve {line}  {_curve_ends(curve)}", left=4)


def _curve_ends(curve: tuple[tuple[int, float], ...]) -> str:
    (first_k, first), (last_k, last) = curve[0], curve[-1]
    return f"{wording.number(first)} with {wording.counted(first_k, 'row')}, {wording.number(last)} with {last_k}"


def _skipped(report: Report) -> Iterator[RenderableType]:
    if not report.skipped:
        return
    yield Text("")
    yield Text("not looked at", style="bold")
    for gap in wording.gaps(report):
        yield _indented(f"{gap.who}: {gap.reason}{'' if gap.limits else ' (does not limit the verdict)'}")


def _cleared(report: Report) -> Iterator[RenderableType]:
    if report.cleared:
        names = ", ".join(visible(entry.code, 10) for entry in report.cleared)
        yield Text("")
        yield Text.assemble(("cleared ", "bold"), f"{names}; {wording.smallest_visible(report.cleared)}")


def _unreadable(report: Report, look: Look) -> Iterator[RenderableType]:
    if not report.unreadable:
        return
    limit = len(report.unreadable) if look.verbose else _UNREADABLE_SHOWN
    yield Text("")
    yield Text(f"unreadable ({report.dataset.unreadable})", style="bold")
    for entry in report.unreadable[:limit]:
        yield _indented(f"{visible(str(entry.location), 120)}: {visible(entry.reason, 200)}")
    if report.dataset.unreadable > min(limit, len(report.unreadable)):
        yield _indented("and more (json report, or -v)")


def _slices(report: Report, look: Look) -> Iterator[RenderableType]:
    if report.slices:
        yield Text("")
        yield Text("slices", style="bold")
    for entry in report.slices:
        terms = ", ".join(visible(term, 30) for term in entry.terms[:6])
        yield _indented(f"{entry.rows:6,}  {visible(entry.name, 80)} ({visible(entry.found_by, 40)}) {terms}")
        if entry.fingerprint is not None:
            yield from _print(entry.fingerprint, look)


def _print(seen: SlicePrint, look: Look) -> Iterator[RenderableType]:
    """What the scorer answers after rows of the slice: nearest prototypes, lean to a hazard, and that lean by number of rows."""
    names = ", ".join(visible(name, 40) for name in seen.nearest)
    yield _indented(f"answers like {names}; {wording.number(seen.effect.value)} sd towards {visible(seen.towards, 40)}", left=10)
    if seen.curve:
        line = wording.sparkline(tuple(value for _, value in seen.curve), ascii_only=look.ascii_only)
        yield _indented(f"by rows shown {line}  {_curve_ends(seen.curve)}", left=10)


def _timings(report: Report, look: Look) -> Iterator[RenderableType]:
    longest = max((seconds for _, seconds in report.timings), default=0.0) or 1.0
    if report.timings:
        yield Text("")
        yield Text("timings", style="bold")
    for name, seconds in report.timings:
        yield _indented(f"{wording.bar(seconds / longest, ascii_only=look.ascii_only)} {seconds:8.2f} s  {visible(name, 40)}")


def evidence_body(proof: Evidence, look: Look) -> RenderableType:
    """Return one piece of evidence in full, for `poisonscan explain`."""
    lines = [
        wording.effect_text(proof.effect),
        f"statistic {wording.number(proof.statistic)}, {wording.compared_with(proof)}",
        f"hazard {wording.number(proof.hazard)}, seed {proof.seed}",
        *(f"named: {visible(n.kind, 30)} {visible(n.value, 80)} ({n.score:.2f})" for n in proof.named[:8]),
    ]
    if proof.curve:
        points = ", ".join(f"{rows}: {wording.number(value)}" for rows, value in proof.curve)
        spark = wording.sparkline(tuple(value for _, value in proof.curve), ascii_only=look.ascii_only)
        lines.append(f"collective curve {spark}  (rows shown: evidence) {points}")
    lines += [f"{visible(key, 60)}: {visible(value, 400)}" for key, value in proof.details]
    head = Text.assemble((visible(proof.channel, 40), "bold"), f" on {visible(proof.slice.name, 80)}")
    return Group(head, *(_indented(line) for line in lines))


def _section(title: str) -> RenderableType:
    return _indented(title, "bold")


def _indented(text: str, style: str = "", left: int = 2) -> RenderableType:
    return Padding(Text(text, style=style, overflow="fold"), (0, 0, 0, left))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(visible(name, 40) for name in names) or "none"
