"""How far a benchmark is: one line on stderr that counts, on a terminal only."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TextIO

from poisonscan.core.protocols import Progress, Silent

_WIDTH = 79


@dataclass(slots=True)
class Counter:
    """core.protocols.Progress as "testing slots: 12 of 50", rewritten in place on `stream`."""

    stream: TextIO
    name: str = ""
    total: int = 0
    done: int = 0

    def stage(self, name: str, total: int = 0) -> None:
        """Begin to count anew."""
        self.name, self.total, self.done = name, total, 0
        self._show()

    def advance(self, steps: int = 1) -> None:
        """Count `steps` more."""
        self.done += steps
        self._show()

    def _show(self) -> None:
        end = "\n" if self.total and self.done >= self.total else "\r"
        self.stream.write(f"{self.name}: {self.done} of {self.total or '?'}".ljust(_WIDTH) + end)
        self.stream.flush()


def counted() -> Progress:
    """Return a progress that counts on stderr, a silent one where nobody looks."""
    return Counter(sys.stderr) if sys.stderr.isatty() else Silent()
