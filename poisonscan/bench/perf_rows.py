"""The command as users run it: the quick hook cold and warm, and the growth of time and memory with the rows.

Every figure is a process of its own, so that start-up counts and peak memory is that scan's alone.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from poisonscan.bench.perf_figures import CannotMeasureError, Figure, exchanges
from poisonscan.models.cache import cache_folder

HOOK_ROWS = 10_000
FAILED = {2, 3, 5}  # exit codes that say the scan itself did not work
KIB = 1 if sys.platform != "darwin" else 1024  # ru_maxrss is in KiB, on macOS in bytes


@dataclass(frozen=True, slots=True)
class Spent:
    """Wall seconds and peak resident memory in GiB of one process."""

    seconds: float
    gib: float


def hook_figures(rows: int = HOOK_ROWS) -> tuple[Figure, ...]:
    """Return the seconds of a quick scan with an empty vector cache and right after it, and of a bare import."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        path = write_rows(scratch / "rows.jsonl", min(rows, HOOK_ROWS))
        environment = _fresh_cache(scratch / "cache")
        cold, warm = (_quick(path, environment) for _ in range(2))
        bare = _spent([sys.executable, "-c", "import poisonscan"], environment)
    note = f"{min(rows, HOOK_ROWS)} rows"
    return (
        Figure("hook_cold_seconds", cold.seconds, "s", 30.0, "lower", note=note),
        Figure("hook_warm_seconds", warm.seconds, "s", 2.0, "lower", note=note),
        Figure("hook_cold_over_warm", cold.seconds / warm.seconds, "times"),
        Figure("import_seconds", bare.seconds, "s", 0.4, "lower"),
    )


def row_figures(sizes: Sequence[int]) -> tuple[Figure, ...]:
    """Return, per size, the seconds and peak GiB of a cold quick scan, and the exponent with which time grows from size to size."""
    figures: list[Figure] = []
    before: tuple[int, float] | None = None
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for size in sorted(set(sizes)):
            spent = _quick(write_rows(scratch / "rows.jsonl", size), _fresh_cache(scratch / f"cache-{size}"))
            figures.append(Figure(f"quick_seconds_{size}", spent.seconds, "s"))
            figures.append(Figure(f"quick_gib_{size}", spent.gib, "GiB", 4.0, "lower"))
            if before is not None:
                exponent = math.log(spent.seconds / before[1]) / math.log(size / before[0])
                figures.append(Figure(f"quick_exponent_{before[0]}_{size}", exponent, "", 1.1, "lower"))
            before = size, spent.seconds
    return tuple(figures)


def write_rows(path: Path, count: int) -> Path:
    """Write `count` synthetic rows in the messages layout, one at a time."""
    with path.open("wb") as file:
        for prompt, answer in exchanges(count):
            turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
            file.write(orjson.dumps({"messages": turns}) + b"\n")
    return path


def _fresh_cache(folder: Path) -> dict[str, str]:
    """Return an environment whose cache folder has the weights of the present one and nothing else."""
    models = cache_folder() / "models"
    if not models.is_dir():
        raise CannotMeasureError("the weights are not in the cache: run `poisonscan models pull`")
    folder.mkdir()
    try:
        (folder / "models").symlink_to(models, target_is_directory=True)
    except OSError as error:  # Windows without the right to make links
        raise CannotMeasureError(f"a cache folder of its own cannot be set up: {error}") from error
    return {**os.environ, "POISONSCAN_CACHE": str(folder), "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}


def _quick(path: Path, environment: dict[str, str]) -> Spent:
    return _spent([sys.executable, "-m", "poisonscan", "check", str(path), "--depth", "quick", "--no-progress", "--offline"], environment)


def _spent(command: Sequence[str], environment: dict[str, str]) -> Spent:
    """Run a process to its end; CannotMeasureError where it fails or the system does not tell a child's memory."""
    if not hasattr(os, "wait4"):
        raise CannotMeasureError("this system does not tell the peak memory of a child process")
    started = time.perf_counter()
    with tempfile.TemporaryFile() as said, subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=said) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode in FAILED or process.returncode < 0:
            said.seek(0)
            last = said.read().decode("utf-8", "replace").strip().splitlines()[-1:]
            raise CannotMeasureError(f"the command ended with code {process.returncode}: {ascii(last[0]) if last else 'it said nothing'}")
    return Spent(time.perf_counter() - started, usage.ru_maxrss / KIB / (1 << 20))
