"""Results to stdout, words to stderr; colours only where someone looks.

Why bytes: a Windows console or `LC_ALL=C` cannot encode every character of a report. What it cannot show is written out; nothing fails.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO

from poisonscan.reports.terminal import WIDTH, Look

_BLOCKS = "█░▁▂▃▄▅▆▇"


def show(text: str) -> None:
    """Write a result to stdout, whatever its encoding; a reader that went away (`| head`) is no error."""
    encoding = sys.stdout.encoding or "utf-8"
    printable = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        sys.stdout.write(printable if printable.endswith("\n") or not printable else printable + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # what is still buffered has no reader; without this the interpreter would complain at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str) -> None:
    """Write a line for the person at the terminal to stderr."""
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def look_of(stream: TextIO, *, verbose: bool = False) -> Look:
    """Return how a report is drawn on `stream`: colour on a terminal unless NO_COLOR is set, ASCII where blocks cannot be encoded."""
    colour = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Look(WIDTH, colour, not _can_encode(stream.encoding or "utf-8"), verbose)


def _can_encode(encoding: str) -> bool:
    try:
        _BLOCKS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
