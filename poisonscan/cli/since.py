"""`--since REF`: of the paths given, those that changed since a git reference.

Why a folder counts as a whole: a folder is one set of shards, and what its rows say together changes with any one of them.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from poisonscan.core.errors import UsageError
from poisonscan.reports.escape import visible


def changed_paths(paths: Sequence[str], ref: str) -> list[str]:
    """Return the paths that are, or hold, a file added or changed since `ref`, committed or not.

    Raises:
        UsageError: not a git working tree, or no such reference.
    """
    if ref.startswith("-"):
        raise UsageError(f"--since {visible(ref, 80)!r} is not a git reference")
    top = Path(_git("rev-parse", "--show-toplevel").strip())
    listed = _git("-C", str(top), "diff", "--name-only", "--diff-filter=d", "-z", ref, "--")
    untracked = _git("-C", str(top), "ls-files", "--others", "--exclude-standard", "-z")
    changed = [(top / name).resolve() for name in (listed + untracked).split("\0") if name]
    return [path for path in paths if path == "-" or _touched(Path(path).resolve(), changed)]


def _touched(path: Path, changed: Sequence[Path]) -> bool:
    return any(file == path or file.is_relative_to(path) for file in changed)


def _git(*args: str) -> str:
    try:
        done = subprocess.run(["git", *args], capture_output=True, check=True, timeout=60)
    except FileNotFoundError as error:
        raise UsageError("--since needs git on the PATH. Install it, or name the files") from error
    except subprocess.CalledProcessError as error:
        said = visible(error.stderr.decode("utf-8", "replace"), 200)
        raise UsageError(f"--since: git says: {said}. Run inside a git working tree, with a reference it knows") from error
    except subprocess.TimeoutExpired as error:
        raise UsageError("--since: git did not answer within a minute. Name the files") from error
    return done.stdout.decode("utf-8", "surrogateescape")
