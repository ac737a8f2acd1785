"""The coordinates of the pictures in the HTML report; the template only draws them.

Why no plotting library: the page must be one file that asks nothing of the network and runs no script.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from poisonscan.core.evidence import Evidence, Finding
from poisonscan.core.report import Report
from poisonscan.reports import wording
from poisonscan.reports.escape import visible

MAP_WIDTH, MAP_HEIGHT = 640, 420
CURVE_WIDTH, CURVE_HEIGHT = 320, 120
SWEEP_WIDTH, SWEEP_HEIGHT = 640, 90
_MARGIN = 16
_POINTS = 5000
_LARGEST = 8
# eight hues that stay apart for colour-blind readers (Okabe and Ito 2008); rows in no slice are grey
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#b8a900", "#7f3c8d")
GREY = "#9a9a9a"
_SWEEP = re.compile(r"sweep (?P<value>.*?)(?P<absent> \(absent\))?", re.DOTALL)
_SCORE = re.compile(r"\s*(?P<score>[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?)\s*(?P<label>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Dot:
    """A row on the map: pixel coordinates, colour, and the text of its tooltip."""

    x: float
    y: float
    colour: str
    tip: str


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A slice of the map: its colour, name and number of rows drawn."""

    colour: str
    name: str
    rows: int


@dataclass(frozen=True, slots=True)
class RowMap:
    """The map of the rows; `left_out` rows were not drawn."""

    dots: tuple[Dot, ...]
    legend: tuple[LegendEntry, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Curve:
    """The collective curve: `path` is an SVG polyline, `marks` its points with their tooltips."""

    path: str
    marks: tuple[Dot, ...]
    zero: float


@dataclass(frozen=True, slots=True)
class SweepColumn:
    """One value in the plot of a sweep: the left edge and the height of its column in pixels, its colour, its label and its tooltip."""

    x: float
    height: float
    colour: str
    label: str
    tip: str


@dataclass(frozen=True, slots=True)
class SweepBar:
    """One value of a swept slot: its score, the share of the longest bar of its kind in [0, 1], whether the data hold it, what it would turn on.

    Values the data hold and absent ones are two kinds: one is scored by how far its answers stand out, the other by how much it is worth asking.
    """

    value: str
    score: float
    share: float
    absent: bool
    label: str


def row_map(report: Report) -> RowMap:
    """Return the map of `Report.points`, the rows of large slices coloured, at most 5,000 dots (those in a slice first)."""
    points = [point for point in report.points if math.isfinite(point[1]) and math.isfinite(point[2])]
    kept = sorted(points, key=lambda point: point[3] == "")[:_POINTS]
    sizes = Counter(name for _, _, _, name in kept if name)
    colours = {name: COLOURS[i] for i, (name, _) in enumerate(sizes.most_common(_LARGEST))}
    xs, ys = _scaled([p[1] for p in kept], MAP_WIDTH), _scaled([p[2] for p in kept], MAP_HEIGHT)
    dots = tuple(
        Dot(x, MAP_HEIGHT - y, colours.get(name, GREY), f"row {index}" + (f", {visible(name, 80)}" if name else ""))
        for x, y, (index, _, _, name) in zip(xs, ys, kept, strict=True)
    )
    legend = [LegendEntry(colour, visible(name, 80), sizes[name]) for name, colour in colours.items()]
    others = len(kept) - sum(entry.rows for entry in legend)
    if others:
        legend.append(LegendEntry(GREY, "other rows", others))
    return RowMap(dots[::-1], tuple(legend), len(points) - len(kept))


def curve_picture(finding: Finding) -> Curve | None:
    """Return the collective curve of a finding, evidence over the logarithm of the rows shown; None where it has none."""
    points = [(rows, value) for rows, value in wording.curve_of(finding) if rows > 0 and math.isfinite(value)]
    if len(points) < 2:
        return None
    xs = _scaled([math.log2(rows) for rows, _ in points], CURVE_WIDTH)
    ys = _scaled([0.0, *(value for _, value in points)], CURVE_HEIGHT)
    zero, heights = CURVE_HEIGHT - ys[0], [CURVE_HEIGHT - y for y in ys[1:]]
    marks = tuple(
        Dot(x, y, COLOURS[1], f"{wording.counted(rows, 'row')}: {wording.number(value)}")
        for x, y, (rows, value) in zip(xs, heights, points, strict=True)
    )
    return Curve(" ".join(f"{mark.x:.1f},{mark.y:.1f}" for mark in marks), marks, zero)


def sweep_bars(proof: Evidence) -> tuple[SweepBar, ...]:
    """Return the slot sweep held in `Evidence.details`: keys "sweep VALUE" or "sweep VALUE (absent)", values "SCORE [LATENT]"."""
    found = []
    for key, text in proof.details:
        name, score = _SWEEP.fullmatch(key), _SCORE.fullmatch(text)
        if name and score:
            found.append((visible(name["value"], 60), float(score["score"]), bool(name["absent"]), visible(score["label"], 80)))
    longest = {kind: max((abs(score) for _, score, absent, _ in found if absent == kind), default=0.0) or 1.0 for kind in (True, False)}
    return tuple(SweepBar(value, score, max(score, 0.0) / longest[absent], absent, label) for value, score, absent, label in found)


def sweep_columns(proof: Evidence) -> tuple[SweepColumn, ...]:
    """Return the plot of a sweep: one column per value in order of size, absent values in another colour; () where there is no sweep."""
    bars = sorted(sweep_bars(proof), key=lambda bar: (not bar.value.isdecimal(), float(bar.value) if bar.value.isdecimal() else 0.0, bar.value))
    step = SWEEP_WIDTH / max(len(bars), 1)
    return tuple(
        SweepColumn(
            round(place * step + step / 6, 1), round(bar.share * SWEEP_HEIGHT, 1), COLOURS[1] if bar.absent else COLOURS[0], bar.value[:8],
            f"{bar.value}{' (absent)' if bar.absent else ''}: {wording.number(bar.score)} {bar.label}",
        )
        for place, bar in enumerate(bars)
    )  # fmt: skip


def plain_details(proof: Evidence) -> tuple[tuple[str, str], ...]:
    """Return the details that are not part of a sweep, made visible."""
    return tuple((visible(key, 80), visible(value, 600)) for key, value in proof.details if not _SWEEP.fullmatch(key))


def _scaled(values: Sequence[float], size: int) -> list[float]:
    if not values:
        return []
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return [round(_MARGIN + (value - low) / span * (size - 2 * _MARGIN), 1) for value in values]
