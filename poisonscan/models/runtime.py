"""Device, number type and thread count, chosen by measuring this machine once.

Why measure: some processors multiply bf16 a hundred times slower than fp32, others twice as fast, and no name or flag tells which.
The answer is cached per machine and torch release. The thread count is measured at every start: beside busy neighbours two threads can
be ten times slower than one, because each waits for the other, and that changes from hour to hour.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args

import orjson

from poisonscan.models.cache import cache_folder

DTypeName = Literal["float32", "bfloat16"]
WIDTHS = (576, 1536)  # hidden width and feed-forward width of the default scorer
THREAD_ROWS, DTYPE_ROWS = 256, 64  # few rows for the type: where bf16 is emulated, one large product takes a second
SECONDS = 0.02  # per candidate and round
ROUNDS = 3
BF16_MARGIN = 1.5  # bf16 must be this much faster: it costs some digits of every score
THREAD_MARGIN = 1.2


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where and how a model runs: torch device, number type by torch's name, CPU threads."""

    device: str
    dtype: DTypeName
    threads: int

    def apply(self) -> None:
        """Set torch's thread count for this process."""
        import torch

        torch.set_num_threads(self.threads)

    @property
    def torch_dtype(self) -> Any:  # noqa: ANN401 - torch is imported late
        """The torch number type."""
        import torch

        return getattr(torch, self.dtype)


def choose_runtime(cache: Path | None = None) -> Runtime:
    """Return the runtime for this machine, measured in under 0.3 s; the number type is remembered where the cache can be written."""
    import torch

    device = _device()
    key = f"{platform.node()}|{platform.machine()}|{torch.__version__}|{device}"
    path = cache_folder(cache) / "runtime.json"
    known = _load(path)
    threads = fastest_threads() if device == "cpu" else torch.get_num_threads()
    if key not in known:
        known[key] = fastest_dtype(device, threads)
        _store(path, known)
    return Runtime(device, known[key], threads)


def known_dtype(cache: Path | None = None) -> DTypeName | None:
    """Return the number type remembered for this machine, None where none or more than one is; torch is not imported."""
    beginning = f"{platform.node()}|{platform.machine()}|{version('torch')}|"
    found = {dtype for key, dtype in _load(cache_folder(cache) / "runtime.json").items() if key.startswith(beginning)}
    return found.pop() if len(found) == 1 else None


def fastest_dtype(device: str, threads: int) -> DTypeName:
    """Return fp32, or bf16 where it is clearly faster."""
    import torch

    with _threads(threads):
        plain, half = (_rate(dtype, device, DTYPE_ROWS) for dtype in (torch.float32, torch.bfloat16))
    return "bfloat16" if half >= BF16_MARGIN * plain else "float32"


def fastest_threads() -> int:
    """Return all processors, or half of them where that is clearly faster (shared cores, a busy machine); OMP_NUM_THREADS is kept."""
    import torch

    if os.environ.get("OMP_NUM_THREADS"):
        return torch.get_num_threads()
    everything = _processors()
    rates = dict.fromkeys((everything, max(1, everything // 2)), 0.0)
    if len(rates) == 1:
        return everything
    for count in list(rates) * ROUNDS:  # the best of interleaved rounds: one hiccup must not decide
        with _threads(count):
            rates[count] = max(rates[count], _rate(torch.float32, "cpu", THREAD_ROWS))
    fewer = min(rates)
    return fewer if rates[fewer] > THREAD_MARGIN * rates[everything] else everything


@contextmanager
def _threads(count: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _rate(dtype: Any, device: str, rows: int) -> float:  # noqa: ANN401
    """Return matrix products per second at the scorer's widths."""
    import torch

    inner, columns = WIDTHS
    left = torch.ones((rows, inner), dtype=dtype, device=device)
    right = torch.ones((inner, columns), dtype=dtype, device=device)
    wait: Callable[[], object] = {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}.get(device, lambda: None)
    torch.mm(left[:16], right)  # wakes the threads
    wait()
    started, count = time.perf_counter(), 0
    while (passed := time.perf_counter() - started) < SECONDS:
        torch.mm(left, right)
        wait()
        count += 1
    return count / passed


def _processors() -> int:
    """Return how many processors this process may use: its affinity, and a container's share of processor time (cgroup 2)."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, min(allowed, -(-int(quota) // int(period))))
    except (OSError, ValueError):  # no cgroup, or "max"
        return allowed


def _load(path: Path) -> dict[str, DTypeName]:
    try:
        known = orjson.loads(path.read_bytes())
        return {key: value for key, value in known.items() if value in get_args(DTypeName)}
    except (OSError, orjson.JSONDecodeError, AttributeError, TypeError):
        return {}


def _store(path: Path, known: dict[str, DTypeName]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        temporary.write_bytes(orjson.dumps(known))
        temporary.replace(path)
    except OSError:  # a cache that cannot be written costs a measurement, not the scan
        return
