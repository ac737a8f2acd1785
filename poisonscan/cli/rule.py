"""`poisonscan rule CODE`: what one detector looks for."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated

import typer

from poisonscan.catalogue import load_catalogue
from poisonscan.cli import options as o
from poisonscan.cli.output import show
from poisonscan.core.detectors import Detector
from poisonscan.core.errors import UsageError
from poisonscan.reports import escape

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def rule(code: Annotated[str, typer.Argument(metavar="CODE", help="A code as PS201, or an id.")], catalogue: o.Catalogue = None) -> None:
    """Show what a detector looks for, why, how it is measured, and its known false alarms."""
    detector = find_detector(code, catalogue_of=load_catalogue(catalogue))
    head = f"{detector.code} {detector.id} ({detector.family}, {detector.severity})\n{escape.visible(detector.title, 200)}\n"
    show(f"{head}\n{escape.visible(detector.summary, 1000)}\n\n{escape.lines(detector.readme, 1000)}")


def find_detector(code: str, catalogue_of: tuple[Detector, ...]) -> Detector:
    """Return the detector with that code or id. Raises UsageError naming the nearest one."""
    wanted = code.strip().lower()
    for detector in catalogue_of:
        if wanted in (detector.code.lower(), detector.id.lower()):
            return detector
    names = [name for detector in catalogue_of for name in (detector.code.lower(), detector.id.lower())]
    near = _nearest(wanted, names)
    hint = f"; the nearest is {near.upper() if near.startswith('ps') else near}" if near else ""
    raise UsageError(f"no detector is called {escape.visible(code, 60)!r}{hint}. `poisonscan rules` lists them all")


def _nearest(wanted: str, names: Sequence[str]) -> str:
    """Return the name most like `wanted`, "" without one; among codes, which all look alike, the one with the fewest signs changed."""
    close = get_close_matches(wanted, names, n=10, cutoff=0.3)
    if not close or len(close[0]) != len(wanted):
        return close[0] if close else ""
    return min((name for name in close if len(name) == len(wanted)), key=lambda name: sum(a != b for a, b in zip(name, wanted, strict=True)))
