"""`scan_many`: all sets of a batch, resumable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from poisonscan.batch.engines import Engine, engine_of
from poisonscan.batch.jobs import Done, Job, scan_job, settings_digest
from poisonscan.batch.ledger import Ledger, stamp_of
from poisonscan.batch.sources import Source, sources
from poisonscan.core.protocols import Progress, Silent
from poisonscan.core.settings import Settings


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The results in the order of the sets, and the folder that holds a json report for each."""

    sets: tuple[Done, ...]
    out: Path

    @property
    def failed(self) -> tuple[Done, ...]:
        """The sets without a report."""
        return tuple(done for done in self.sets if done.outcome == "failed")


def scan_many(
    paths: Sequence[str | Path],
    engine: str | Engine = "local",
    out: str | Path = "runs/",
    settings: Settings | None = None,
    workers: int = 1,
    *,
    manifest: str | Path | None = None,
    progress: Progress | None = None,
) -> BatchResult:
    """Scan every set and keep one json report for each under `out`; sets that are done, by ledger and report, are not scanned again.

    Args:
        paths: files, folders, globs, Hub ids, or a manifest.
        engine: "local", "ray", or an engine of one's own.
        out: folder of the reports and the ledger.
        settings: as for `scan`.
        workers: how many sets at a time; each loads its own models.
        manifest: a manifest under any name.
        progress: told of each set.

    Raises:
        UsageError: nothing to scan, an unknown engine, a damaged ledger.
    """
    chosen, place, said = settings or Settings(), Path(out), progress or Silent()
    wanted = sources(paths, manifest)
    runner = engine_of(engine, workers) if isinstance(engine, str) else engine
    digest = settings_digest(chosen)
    ledger = Ledger(place)
    stamps = {source.path: stamp_of(source.path) for source in wanted}
    results = _already(ledger, wanted, stamps, digest, place)
    said.stage("sets", len(wanted))
    said.advance(len(results))
    jobs = [Job(source.path, source.vendor, chosen, digest, place) for source in wanted if source.path not in results]
    for done in runner.run(scan_job, jobs):
        ledger.keep(done, stamps[done.path])
        results[done.path] = done
        said.advance()
    return BatchResult(tuple(results[source.path] for source in wanted), place)


def _already(ledger: Ledger, wanted: Sequence[Source], stamps: dict[str, str], digest: str, out: Path) -> dict[str, Done]:
    """Return the sets whose files have not changed since a report that is still there; failed ones are tried again."""
    records = {record.path: record for record in ledger.records(digest)}
    found = {}
    for source in wanted:
        record = records.get(source.path)
        if record is None or not record.report or not stamps[source.path] or record.stamp != stamps[source.path]:
            continue
        if (out / record.report).is_file():
            found[source.path] = record.done(source.vendor)
    return found
