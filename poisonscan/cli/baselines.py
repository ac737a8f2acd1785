"""Accepted findings: kept by the content of their rows, with a reason and, if wanted, a day on which they lapse.

Why strict: a finding is only covered where every row that carries it was accepted. A delivery that moves rows stays covered; one that
brings new rows under the same finding does not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from poisonscan.core.errors import ConfigError
from poisonscan.core.evidence import Finding
from poisonscan.core.report import Report
from poisonscan.reports.escape import visible
from poisonscan.reports.formats import write_text
from poisonscan.reports.identity import finding_key, knows_every_row, row_keys

SCHEMA = "poisonscan.baseline/1"
FILE = "poisonscan.baseline.json"


@dataclass(frozen=True, slots=True)
class Accepted:
    """One accepted finding. `rows` are content keys; `expires` is an ISO day, "" for never; `key` is `identity.finding_key`."""

    code: str
    detector: str
    key: str
    rows: tuple[str, ...]
    reason: str
    added: str
    expires: str = ""

    def covers(self, report: Report, finding: Finding) -> bool:
        """Return True where code and detector are the same and no row of the finding is new."""
        if (self.code, self.detector) != (finding.code, finding.detector):
            return False
        if knows_every_row(report, finding):
            return set(row_keys(report, finding)) <= set(self.rows)
        return self.key == finding_key(report, finding)

    def lapsed(self, today: date) -> bool:
        """Return True after the day of expiry."""
        return bool(self.expires) and date.fromisoformat(self.expires) < today


@dataclass(frozen=True, slots=True)
class Baseline:
    """All accepted findings."""

    entries: tuple[Accepted, ...] = ()


def accepted_findings(report: Report, baseline: Baseline, today: date) -> list[tuple[Finding, Accepted]]:
    """Return the findings of the report that are accepted today, each with its entry."""
    alive = [entry for entry in baseline.entries if not entry.lapsed(today)]
    matches = []
    for finding in report.findings:
        entry = next((entry for entry in alive if entry.covers(report, finding)), None)
        if entry is not None:
            matches.append((finding, entry))
    return matches


def accept(report: Report, baseline: Baseline, codes: Sequence[str], reason: str, expires: str, today: date) -> Baseline:
    """Return the baseline with the findings of the report added; those already covered keep their reason."""
    covered = {id(finding) for finding, _ in accepted_findings(report, baseline, today)}
    wanted = [f for f in report.findings if id(f) not in covered and (not codes or f.code in codes)]
    added = tuple(
        Accepted(f.code, f.detector, finding_key(report, f), row_keys(report, f), reason, today.isoformat(), expires) for f in wanted
    )
    return Baseline((*baseline.entries, *added))


def prune(baseline: Baseline, reports: Sequence[Report], today: date) -> Baseline:
    """Return the baseline without what has lapsed and, where reports are given, without what none of them shows any more."""
    kept = [entry for entry in baseline.entries if not entry.lapsed(today)]
    if reports:
        kept = [entry for entry in kept if any(entry.covers(report, f) for report in reports for f in report.findings)]
    return Baseline(tuple(kept))


def load_baseline(path: Path) -> Baseline:
    """Read a baseline. Raises ConfigError naming file and entry."""
    shown = visible(str(path), 300)
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{shown}: cannot be read ({error.strerror}). Make one with `poisonscan baseline create REPORT`") from error
    except ValueError as error:
        raise ConfigError(f"{shown}: not JSON. Make one with `poisonscan baseline create REPORT`") from error
    if not isinstance(value, dict) or value.get("schema") != SCHEMA or not isinstance(value.get("accepted"), list):
        raise ConfigError(f'{shown}: not a baseline: no "schema": "{SCHEMA}"')
    return Baseline(tuple(_entry(item, f"{shown}: accepted[{i}]") for i, item in enumerate(value["accepted"])))


def save_baseline(baseline: Baseline, path: Path) -> None:
    """Write a baseline under a temporary name and rename it."""
    value = {"schema": SCHEMA, "accepted": [asdict(entry) for entry in baseline.entries]}
    write_text(path, json.dumps(value, indent=2) + "\n")


def day(text: str, where: str) -> str:
    """Return an ISO day, "" for none. Raises ConfigError for anything else."""
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError as error:
        raise ConfigError(f"{where}: {visible(text, 40)!r} is not a day; write YYYY-MM-DD") from error


def _entry(item: object, where: str) -> Accepted:
    if not isinstance(item, dict):
        raise ConfigError(f"{where}: not an object")
    try:
        code, detector, key, rows, reason = (item[name] for name in ("code", "detector", "key", "rows", "reason"))
    except KeyError as error:
        raise ConfigError(f"{where}: {error.args[0]} is missing") from error
    texts = [code, detector, key, reason, item.get("added", ""), item.get("expires", "")]
    if not isinstance(rows, list) or not all(isinstance(text, str) for text in [*texts, *rows]):
        raise ConfigError(f"{where}: texts and a list of row keys are expected")
    if not reason.strip():
        raise ConfigError(f"{where}: a reason is needed")
    return Accepted(code, detector, key, tuple(rows), reason, item.get("added", ""), day(item.get("expires", ""), f"{where}: expires"))
