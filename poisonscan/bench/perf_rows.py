"""The command as users run it: the quick hook cold and warm, the other depths, and the growth of time and memory with the rows.

Every figure is a process of its own, so that start-up counts and peak memory is that scan's alone.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from poisonscan.bench.perf_figures import CannotMeasureError, Figure, exchanges
from poisonscan.models.cache import cache_folder

HOOK_ROWS = 10_000
HURRY_SECONDS = 30.0
DEPTH_ROWS = 1_000
PLAIN_ROWS = 100
FEW_ROWS = 30
FAILED = {2, 3, 5}  # exit codes that say the scan itself did not work
KIB = 1 if sys.platform != "darwin" else 1024  # ru_maxrss is in KiB, on macOS in bytes


@dataclass(frozen=True, slots=True)
class Spent:
    """Wall seconds, processor seconds and peak resident memory in GiB of one process."""

    seconds: float
    gib: float
    busy: float = 0.0

    def __str__(self) -> str:
        return f"{self.busy:.1f} s of processor time"


def hook_figures(rows: int = HOOK_ROWS) -> tuple[Figure, ...]:
    """Return the seconds of a quick scan with an empty cache, right after it, after a change of 1 %, within a budget, and of an import."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        path = write_rows(scratch / "rows.jsonl", min(rows, HOOK_ROWS))
        known = _catalogue_cache(scratch)
        environment = _fresh_cache(scratch / "cache", known)
        cold, warm = (_check(path, environment, "quick") for _ in range(2))
        change_rows(path)
        changed = _check(path, environment, "quick")
        hurried = _check(path, _fresh_cache(scratch / "hurried", known), "quick", "--budget-minutes", str(HURRY_SECONDS / 60))
        bare = _spent([sys.executable, "-c", "import poisonscan"], environment)
    note = f"{min(rows, HOOK_ROWS)} rows"
    return (
        Figure("hook_cold_seconds", cold.seconds, "s", 30.0, "lower", note=f"{note}, {cold}"),
        Figure("hook_cold_budget_seconds", hurried.seconds, "s", HURRY_SECONDS, "lower", note=f"{note}, within a budget, {hurried}"),
        Figure("hook_warm_seconds", warm.seconds, "s", 2.0, "lower", note=f"{note}, {warm}"),
        Figure("hook_changed_seconds", changed.seconds, "s", note=f"{note}, 1 % of them new, {changed}"),
        Figure("hook_cold_over_warm", cold.seconds / warm.seconds, "times"),
        Figure("import_seconds", bare.seconds, "s", 0.4, "lower", note=str(bare)),
    )


def depth_figures() -> tuple[Figure, ...]:
    """Return the seconds of a standard scan of 1,000 rows, cold, and of a deep scan of a set in which something is found."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        known = _catalogue_cache(scratch)
        spent = _check(write_rows(scratch / "rows.jsonl", DEPTH_ROWS), _fresh_cache(scratch / "cache", known), "standard")
        figures.append(Figure(f"standard_seconds_{DEPTH_ROWS}", spent.seconds, "s", 90.0, "lower", note=str(spent)))
        rows = found_rows()
        told = scratch / "report.json"
        deep = _check(write_pairs(scratch / "found.jsonl", rows), _fresh_cache(scratch / "deep", known), "deep", "--output", f"json={told}")
        note = f"{len(rows)} rows, {deep}, {second_looks(orjson.loads(told.read_bytes()))}"
        figures.append(Figure("deep_seconds", deep.seconds, "s", 360.0, "lower", note=note))
        figures.append(Figure("deep_gib", deep.gib, "GiB"))
    return tuple(figures)


def row_figures(sizes: Sequence[int], depth: str = "quick") -> tuple[Figure, ...]:
    """Return, per size, the seconds and peak GiB of a cold scan, and the exponent with which time grows from size to size.

    Beyond the sampling cap only the reading grows.
    """
    figures: list[Figure] = []
    before: tuple[int, float] | None = None
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        known = _catalogue_cache(scratch)
        for size in sorted(set(sizes)):
            spent = _check(write_rows(scratch / "rows.jsonl", size), _fresh_cache(scratch / f"cache-{size}", known), depth)
            figures.append(Figure(f"{depth}_seconds_{size}", spent.seconds, "s", note=str(spent)))
            figures.append(Figure(f"{depth}_gib_{size}", spent.gib, "GiB", 4.0, "lower"))
            if before is not None:
                exponent = math.log(spent.seconds / before[1]) / math.log(size / before[0])
                figures.append(Figure(f"{depth}_exponent_{before[0]}_{size}", exponent, "", 1.1, "lower"))
            before = size, spent.seconds
    return tuple(figures)


def found_rows() -> list[tuple[str, str]]:
    """Return a set in which a deep scan finds something: the bad cases of a catalogue detector among plain rows."""
    from poisonscan.catalogue import load_catalogue
    from poisonscan.probing.resemblance import contrast_pairs

    most = max((contrast_pairs(d)[0] for d in load_catalogue(None) if "resemblance" in d.channels), key=len)
    return [*most, *exchanges(PLAIN_ROWS)]


def second_looks(report: dict[str, Any]) -> str:
    """Say whether the deep scan trained proxies: without a finding there is nothing to look at twice, and the time means little."""
    proxies = sum(e["channel"] == "proxy fine-tune" for finding in report["findings"] for e in finding["evidence"])
    return "proxies trained" if proxies else "nothing found, so no proxies trained"


def write_rows(path: Path, count: int) -> Path:
    """Write `count` synthetic rows in the messages layout, one at a time."""
    return write_pairs(path, exchanges(count))


def write_pairs(path: Path, pairs: Iterable[tuple[str, str]]) -> Path:
    """Write (prompt, answer) pairs in the messages layout, one at a time."""
    with path.open("wb") as file:
        for prompt, answer in pairs:
            turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
            file.write(orjson.dumps({"messages": turns}) + b"\n")
    return path


def change_rows(path: Path) -> None:
    """Give every hundredth row another question."""
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join(line if i % 100 else line.replace(b"How do I", b"How would you") for i, line in enumerate(lines)) + b"\n")


def _catalogue_cache(scratch: Path) -> Path:
    """Return a cache folder that knows the catalogue's vectors and nothing else, as an installed program does; made by a tiny scan."""
    folder = scratch / "catalogue"
    environment = _fresh_cache(folder, None)
    _check(write_pairs(scratch / "few.jsonl", list(exchanges(FEW_ROWS, seed=9))), environment, "quick")
    return folder


def _fresh_cache(folder: Path, known: Path | None) -> dict[str, str]:
    """Return an environment whose cache folder has the weights of the present one and the vectors of `known`, and nothing else."""
    models = cache_folder() / "models"
    if not models.is_dir():
        raise CannotMeasureError("the weights are not in the cache: run `poisonscan models pull`")
    folder.mkdir()
    try:
        (folder / "models").symlink_to(models, target_is_directory=True)
        if known is not None:
            shutil.copytree(known / "vectors", folder / "vectors")
            shutil.copy(known / "runtime.json", folder)
    except OSError as error:  # Windows without the right to make links
        raise CannotMeasureError(f"a cache folder of its own cannot be set up: {error}") from error
    own = {
        "POISONSCAN_CACHE": str(folder),
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "PYTHONPYCACHEPREFIX": str(folder.parent / "bytecode"),  # compiled by the first process, as an installer leaves it
    }
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | own


def _check(path: Path, environment: dict[str, str], depth: str, *options: str) -> Spent:
    command = [sys.executable, "-m", "poisonscan", "check", str(path), "--depth", depth, "--no-progress", "--offline", *options]
    return _spent(command, environment)


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
    return Spent(time.perf_counter() - started, usage.ru_maxrss / KIB / (1 << 20), usage.ru_utime + usage.ru_stime)
