"""The one frozen value that holds every choice of a scan; merged once by the command line, written into the report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from poisonscan.core.detectors import Severity

Depth = Literal["quick", "standard", "deep"]
ROWS, QUICK_ROWS = 4000, 1500


@dataclass(frozen=True, slots=True)
class Settings:
    """Choices of one scan.

    depth: quick (no scorer), standard (the scorer's hidden states, second looks at findings), deep (larger proxy fine-tunes).
    scorer, encoder: "default", a folder, or a Hub id.
    layout: "auto" or a layout name; mapping: role -> column, from `--map`.
    alpha: the share of benign sets that may be called found, over the whole search.
    max_rows: rows the encoder reads at most; larger sets are sampled by content key. 0, the default, means ROWS, or QUICK_ROWS where
        depth is quick: a hook that reads a set for the first time has half a minute.
    budget_minutes: stop starting new stages after that long; 0 means no budget.
    """

    depth: Depth = "standard"
    scorer: str = "default"
    encoder: str = "default"
    layout: str = "auto"
    mapping: tuple[tuple[str, str], ...] = ()
    catalogue: Path | None = None
    calibration: Path | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: Severity = "low"
    alpha: float = 0.02
    seed: int = 20251209
    max_rows: int = 0
    budget_minutes: float = 0.0
    offline: bool = False
    cache: Path | None = None
    unreadable_limit: float = 0.05

    @property
    def rows_read(self) -> int:
        """How many rows the encoder reads at most."""
        return self.max_rows or (QUICK_ROWS if self.depth == "quick" else ROWS)
