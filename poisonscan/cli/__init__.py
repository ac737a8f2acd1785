"""Floor 8: the command line. One file per command, each loaded only when it is called.

- run: arguments to exit code; tree: the commands and where they live; exit_codes: outcome and error to number
- options, settings_merge: what was asked for; scanning, progress, output: doing it and showing it
"""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code (`exit_codes`); the entry point of `poisonscan`."""
    from poisonscan.cli.run import run

    return run(argv)
