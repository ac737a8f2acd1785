"""A progress bar on stderr, where stderr is a terminal; else nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from poisonscan.core.protocols import Progress, Silent

if TYPE_CHECKING:
    from rich.progress import Progress as Bars


@contextmanager
def shown_progress(*, wanted: bool = True) -> Iterator[Progress]:
    """Yield a progress that draws one bar for the current stage, a silent one where nobody looks or nobody wants it."""
    if not wanted or not sys.stderr.isatty():
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        yield StageBar(bars)


class StageBar:
    """core.protocols.Progress over rich: the bar is emptied whenever a stage begins."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task = bars.add_task("", visible=False)

    def stage(self, name: str, total: int = 0) -> None:
        """Begin a stage; without a total the bar only pulses."""
        self._bars.reset(self._task, description=name, total=total or None, visible=True)

    def advance(self, steps: int = 1) -> None:
        """Fill the bar by `steps`."""
        self._bars.advance(self._task, steps)
