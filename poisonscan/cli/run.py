"""From arguments to an exit code: the only place where an error becomes a line and a number."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

from poisonscan.core.errors import PoisonscanError

_VERBOSE = ("-v", "-vv", "--verbose")


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; an error is one line on stderr, with -v the traceback too."""
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        _invoke(args)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None) * 2
    except Exception as error:  # noqa: BLE001 - the last net: whatever happens has an exit code and a line
        if any(flag in args for flag in _VERBOSE):
            traceback.print_exc()
        tell(error)
        return _code_of(error)
    return 0


def tell(error: Exception) -> None:
    """Write one line on `error` to stderr."""
    from poisonscan.reports.escape import visible

    if isinstance(error, PoisonscanError):
        sys.stderr.write(f"poisonscan: error: {visible(str(error), 2000)}\n")
    else:
        what = f"{type(error).__name__}: {visible(str(error), 500)}"
        sys.stderr.write(f"poisonscan: internal error: {what}. Run again with -v for the traceback, and report it\n")


def _code_of(error: Exception) -> int:
    # here and not above: --version and --help must not wait for numpy, which the report types bring along
    from poisonscan.cli.exit_codes import of_error

    return of_error(error)


def _invoke(args: list[str]) -> None:
    from poisonscan.cli.tree import root

    root()(args=args, prog_name="poisonscan")
