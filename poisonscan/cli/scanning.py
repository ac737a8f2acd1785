"""From paths and settings to reports, with one error line for each set that could not be scanned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from poisonscan.cli.exit_codes import ExitCode, of_error
from poisonscan.cli.run import tell
from poisonscan.core.errors import PoisonscanError, UsageError
from poisonscan.core.protocols import Progress
from poisonscan.core.report import Report
from poisonscan.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Scans:
    """The reports in the order of the paths, and the codes of the sets that gave none."""

    reports: tuple[Report, ...]
    failures: tuple[ExitCode, ...]


def scan_all(paths: Sequence[str], settings: Settings, training_config: Path | None, progress: Progress) -> Scans:
    """Scan each path. Wrong use ends everything; a set that cannot be read is told on stderr and the next one is scanned.

    Raises:
        UsageError: an option does not fit.
    """
    reports, failures = [], []
    for path in paths:
        try:
            reports.append(scan_one(path, settings, training_config, progress))
        except UsageError:
            raise
        except PoisonscanError as error:
            tell(error)
            failures.append(of_error(error))
    return Scans(tuple(reports), tuple(failures))


def scan_one(path: str, settings: Settings, training_config: Path | None, progress: Progress) -> Report:
    """Return the report on one set."""
    from poisonscan.pipeline import scan

    if training_config is None:
        return scan(path, settings, progress=progress)
    from poisonscan.readers import read

    dataset = read(
        path, layout=settings.layout, mapping=settings.mapping, training_config=training_config, offline=settings.offline
    )
    return scan(dataset, settings, progress=progress)
