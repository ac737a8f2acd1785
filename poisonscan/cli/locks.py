"""poisonscan.lock: which sets were scanned, by digest, and what came out.

Why two digests: the digest of the rows says that the same data were scanned, whatever their file looks like; the digest of the bytes
says so at the speed of the disk, without parsing a line.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b
from pathlib import Path
from typing import Any

from poisonscan.core.detectors import SEVERITIES
from poisonscan.core.errors import ConfigError
from poisonscan.core.report import Report
from poisonscan.reports.escape import visible
from poisonscan.reports.formats import write_text

FILE = "poisonscan.lock"
VERSION = 1
_CHUNK = 1 << 20
_KINDS: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float)}


@dataclass(frozen=True, slots=True)
class Locked:
    """The verdict on one set. `digest` covers the rows, `bytes` the file ("" for folders and pipes); `worst` is "" for no finding."""

    path: str
    digest: str
    bytes: str
    outcome: str
    worst: str
    score: float
    rows: int
    version: str
    catalogue: str
    scorer: str
    encoder: str
    depth: str


def locked(report: Report) -> Locked:
    """Return what the lock file keeps of a report."""
    tool, dataset = report.tool, report.dataset
    worst = max((finding.severity for finding in report.findings), key=SEVERITIES.index, default="")
    path = Path(dataset.path)
    return Locked(
        path=path.as_posix(),
        digest=dataset.digest,
        bytes=byte_digest(path) if path.is_file() else "",
        outcome=report.outcome,
        worst=worst,
        score=report.score,
        rows=dataset.rows,
        version=tool.version,
        catalogue=tool.catalogue,
        scorer=tool.scorer,
        encoder=tool.encoder,
        depth=tool.depth,
    )


def update_lock(place: Path, reports: Sequence[Report]) -> None:
    """Write the verdicts into the lock file; entries of other paths stay. Raises ConfigError where the file is damaged."""
    entries = {entry.path: entry for entry in (load_lock(place) if place.is_file() else ())}
    entries |= {entry.path: entry for entry in map(locked, reports)}
    head = f"# Written by poisonscan. `poisonscan verify` reads it.\nversion = {VERSION}\n"
    write_text(place, head + "".join(_table(entries[path]) for path in sorted(entries)))


def load_lock(place: Path) -> tuple[Locked, ...]:
    """Read a lock file. Raises ConfigError naming file and key."""
    shown = visible(str(place), 300)
    try:
        value = tomllib.loads(place.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{shown}: cannot be read ({error.strerror}). Write one with `poisonscan check --lock {FILE}`") from error
    except ValueError as error:
        raise ConfigError(f"{shown}: not TOML: {visible(str(error), 200)}") from error
    if value.get("version") != VERSION:
        raise ConfigError(f"{shown}: version {visible(str(value.get('version')), 20)} is not read here; scan again with --lock")
    return tuple(_locked(item, shown) for item in value.get("set", []))


def byte_digest(path: Path) -> str:
    """Return the hex blake2b-128 digest of the file's bytes."""
    digest = blake2b(digest_size=16)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _table(entry: Locked) -> str:
    values = [(field.name, getattr(entry, field.name)) for field in fields(Locked)]
    return "\n[[set]]\n" + "".join(f"{name} = {_toml(value)}\n" for name, value in values)


def _toml(value: str | float) -> str:
    """A JSON string is a TOML string, but for DEL and for surrogates, which TOML does not know."""
    if not isinstance(value, str):
        return repr(value)
    known = value.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(known, ensure_ascii=False).replace("\x7f", "\\u007f")


def _locked(item: object, shown: str) -> Locked:
    if not isinstance(item, dict):
        raise ConfigError(f"{shown}: a [[set]] is not a table")
    values: dict[str, Any] = {}
    for field in fields(Locked):
        value = item.get(field.name)
        if not isinstance(value, _KINDS[str(field.type)]):
            raise ConfigError(f"{shown}: {field.name} is missing or of the wrong kind; scan again with --lock")
        values[field.name] = value
    return Locked(**values)
