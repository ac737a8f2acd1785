"""The cache folder, and a lock so that two processes never build the same thing in it at once."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

POLL_SECONDS = 0.2


def cache_folder(override: Path | None = None) -> Path:
    """Return the cache folder: `override`, else POISONSCAN_CACHE, else the platform's user cache folder. Nothing is created."""
    named = os.environ.get("POISONSCAN_CACHE")
    if override is not None or named:
        return (override or Path(str(named))).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("poisonscan", appauthor=False)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` for the block, waiting for whoever has it. The system frees it when a process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as handle:
        while not _try_lock(handle):
            time.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            _unlock(handle)


def _try_lock(handle: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _unlock(handle: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_UN)
