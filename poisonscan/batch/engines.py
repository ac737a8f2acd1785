"""Where jobs run: in this process, in a pool of processes, or on a Ray cluster.

Why processes and not threads: a scan holds the interpreter and sets the thread count of torch. Why spawn: a forked copy of torch's
threads hangs. Why a pool is made anew after a death: a worker the kernel killed for memory takes the whole pool with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Protocol

from poisonscan.batch.jobs import Done, Job
from poisonscan.core.errors import UsageError

Work = Callable[[Job], Done]
ENGINES = ("local", "ray")


class Engine(Protocol):
    """Runs jobs in any order and yields each result as it comes."""

    def run(self, work: Work, jobs: Sequence[Job]) -> Iterator[Done]:
        """Yield one result for each job."""


def engine_of(name: str, workers: int) -> Engine:
    """Return the engine called `name`. Raises UsageError for an unknown one, or where its library is missing."""
    if workers < 1:
        raise UsageError("workers: at least 1")
    if name == "local":
        return InProcess() if workers == 1 else LocalPool(workers)
    if name == "ray":
        return RayEngine(workers)
    raise UsageError(f"engine {name!r} is not known; there are {', '.join(ENGINES)}")


class InProcess:
    """One job after the other: models are loaded once."""

    def run(self, work: Work, jobs: Sequence[Job]) -> Iterator[Done]:
        """Yield in the order of the jobs."""
        yield from map(work, jobs)


class LocalPool:
    """Several processes on this machine."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def run(self, work: Work, jobs: Sequence[Job]) -> Iterator[Done]:
        """Yield as they finish; after the death of a worker the jobs it took along are tried once more, one process each."""
        lost: list[Job] = []
        for job, done in self._round(work, jobs, self._workers):
            if done is None:
                lost.append(job)
            else:
                yield done
        for job in lost:
            for _, done in self._round(work, [job], 1):
                yield done if done is not None else _dead(job)

    def _round(self, work: Work, jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, Done | None]]:
        with ProcessPoolExecutor(min(workers, max(len(jobs), 1)), mp_context=get_context("spawn")) as pool:
            futures: dict[Future[Done], Job] = {}
            for job in jobs:
                try:
                    futures[pool.submit(work, job)] = job
                except BrokenProcessPool:
                    yield job, None
            for future in as_completed(futures):
                try:
                    yield futures[future], future.result()
                except BrokenProcessPool:
                    yield futures[future], None


class RayEngine:
    """A Ray cluster, or one that Ray starts here; paths and the output folder must be reachable from every node."""

    def __init__(self, workers: int) -> None:
        try:
            import ray
        except ImportError as error:
            raise UsageError("--engine ray needs Ray: pip install 'poisonscan[ray]', or use --engine local") from error
        self._ray = ray
        self._workers = workers

    def run(self, work: Work, jobs: Sequence[Job]) -> Iterator[Done]:
        """Yield as they finish, at most `workers` at a time."""
        if not self._ray.is_initialized():
            self._ray.init(log_to_driver=False)
        remote = self._ray.remote(max_retries=1)(work)
        waiting = list(jobs)[::-1]
        running: dict[object, Job] = {}
        while waiting or running:
            while waiting and len(running) < self._workers:
                job = waiting.pop()
                running[remote.remote(job)] = job
            ready, _ = self._ray.wait(list(running), num_returns=1)
            for reference in ready:
                job = running.pop(reference)
                try:
                    yield self._ray.get(reference)
                except self._ray.exceptions.RayError:
                    yield _dead(job)


def _dead(job: Job) -> Done:
    why = "the worker died, most likely for want of memory; use fewer --workers or a smaller --max-rows"
    return Done(job.path, job.vendor, job.settings_digest, "", "failed", 0.0, 0, "", why, 0.0, resumed=False)
