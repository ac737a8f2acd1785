"""One set to one report file: what a worker does, here or on another machine.

Why the report is the mark: it is written under a temporary name and renamed, so a file that is there is whole. A worker that finds
it has nothing to do, whoever wrote it.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, fields
from hashlib import blake2b
from pathlib import Path

from poisonscan.core.errors import PoisonscanError
from poisonscan.core.report import Outcome
from poisonscan.core.settings import Settings

# they change where and when things are kept or how the result is read, never what is measured
_NOT_MEASURED = ("cache", "offline", "fail_on")


@dataclass(frozen=True, slots=True)
class Job:
    """A set to scan: its path, whose it is, the settings and their digest, and the folder of the reports."""

    path: str
    vendor: str
    settings: Settings
    settings_digest: str
    out: Path


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a job: a report, or an error (then `outcome` is "failed" and `digest` may be "").

    `p` = 10 ** -score, in (0, 1]; `resumed` says that the report was there already; `seconds` is the time of this run.
    """

    path: str
    vendor: str
    settings_digest: str
    digest: str
    outcome: Outcome | str
    score: float
    rows: int
    report: str
    error: str
    seconds: float
    resumed: bool

    @property
    def p(self) -> float:
        """The calibrated p of the most suspicious evidence."""
        return p_of(self.score)


def scan_job(job: Job) -> Done:
    """Scan one set and write its report; an error of any kind is a result, so that one bad set never ends a batch."""
    began = time.monotonic()
    try:
        return _scan(job, began)
    except PoisonscanError as error:
        return _failed(job, str(error), began)
    except Exception as error:  # noqa: BLE001 - the other sets of the batch must still be scanned; the error is kept in the ledger
        return _failed(job, f"internal error: {type(error).__name__}: {error}", began)


def p_of(score: float) -> float:
    """Return 10 ** -score, in (0, 1]."""
    return math.pow(10.0, -max(score, 0.0))


def settings_digest(settings: Settings) -> str:
    """Return the hex blake2b-64 digest of all that fixes a measurement: settings, version and catalogue."""
    from poisonscan import __version__
    from poisonscan.catalogue import catalogue_digest, load_catalogue

    digest = blake2b(digest_size=8)
    for part in (__version__, catalogue_digest(load_catalogue(settings.catalogue))):
        digest.update(part.encode() + b"\x1f")
    for field in fields(settings):
        if field.name not in _NOT_MEASURED:
            digest.update(f"{field.name}={getattr(settings, field.name)!r}\x1f".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def report_place(out: Path, digest: str, settings: str) -> Path:
    """Return where the report on the set with that digest lies."""
    return out / f"{digest}-{settings}.json"


def _scan(job: Job, began: float) -> Done:
    from poisonscan.pipeline import scan
    from poisonscan.readers import read
    from poisonscan.reports import load_report, write

    settings = job.settings
    dataset = read(job.path, layout=settings.layout, mapping=settings.mapping, offline=settings.offline)
    place = report_place(job.out, dataset.digest, job.settings_digest)
    resumed = place.is_file()
    report = load_report(place) if resumed else scan(dataset, settings)
    if not resumed:
        write(report, place, "json")
    return Done(
        path=job.path,
        vendor=job.vendor,
        settings_digest=job.settings_digest,
        digest=dataset.digest,
        outcome=report.outcome,
        score=report.score,
        rows=report.dataset.rows,
        report=place.name,
        error="",
        seconds=time.monotonic() - began,
        resumed=resumed,
    )


def _failed(job: Job, error: str, began: float) -> Done:
    return Done(job.path, job.vendor, job.settings_digest, "", "failed", 0.0, 0, "", error, time.monotonic() - began, resumed=False)
