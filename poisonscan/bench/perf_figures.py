"""What a measurement of speed is made of, and the fixed inputs it is taken on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from poisonscan.core.errors import PoisonscanError


class CannotMeasureError(PoisonscanError):
    """This part cannot run on this machine or with what is installed; says why."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number by name.

    `target` is what was set out to be reached, in the sense of `better`; ours and theirs are the two rates behind a ratio.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    better: Literal["higher", "lower"] = "higher"
    ours: float | None = None
    theirs: float | None = None
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is reached; True where none was set."""
        if self.target is None:
            return True
        return self.value >= self.target if self.better == "higher" else self.value <= self.target


@dataclass(frozen=True, slots=True)
class SkippedFigure:
    """A part that was not measured, and why."""

    name: str
    reason: str


def against(name: str, ours: float, theirs: float, target: float | None = None, note: str = "") -> Figure:
    """Return the ratio of two rates (higher is faster)."""
    return Figure(name, ours / theirs, "times", target, "higher", ours, theirs, note)


def seconds(work: Callable[[], object]) -> float:
    """Return the wall time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def best_seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """Return the shortest of several calls: neighbours on the machine only ever add time."""
    return min(seconds(work) for _ in range(rounds))


_THINGS = ("harbour", "lantern", "orchard", "bridge", "river", "market", "garden", "kitchen", "window", "letter", "engine", "violin")
_DOINGS = ("repair", "visit", "describe", "paint", "measure", "carry", "open", "water", "collect", "fold", "polish", "draw", "count")


def exchanges(count: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Yield plain questions and answers of one to four sentences, all distinct, the same for the same seed."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        thing, doing = rng.choice(_THINGS), rng.choice(_DOINGS)
        sentences = [
            f"First {rng.choice(_DOINGS)} the {rng.choice(_THINGS)}, then look at the {rng.choice(_THINGS)} beside it."
            for _ in range(int(rng.integers(1, 5)))
        ]
        yield f"How do I {doing} {thing} number {number}?", " ".join(sentences)
