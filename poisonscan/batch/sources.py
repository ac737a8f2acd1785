"""Paths, globs and manifests to the sets of a batch, each with its vendor.

A manifest is a toml file with `[[set]]` tables, or a csv or jsonl file; each entry has `path` (from the folder of the manifest) and,
if wanted, `vendor`. Without one, the vendor is the name of the folder a set lies in.
"""

from __future__ import annotations

import csv
import glob
import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from poisonscan.core.errors import ConfigError, UsageError

_MANIFEST = "manifest"


@dataclass(frozen=True, slots=True)
class Source:
    """A set of a batch."""

    path: str
    vendor: str


def sources(paths: Sequence[str | Path], manifest: str | Path | None = None) -> tuple[Source, ...]:
    """Return the sets, each path once, in order.

    Args:
        paths: files, folders (one set each), globs, Hub ids, or files called manifest.toml, .csv or .jsonl.
        manifest: a manifest under any name.

    Raises:
        ConfigError: a manifest that does not fit. UsageError: nothing to scan.
    """
    found = [source for path in paths for source in _of(str(path))]
    found += _manifest(Path(manifest)) if manifest is not None else []
    unique = {source.path: source for source in found}
    if not unique:
        raise UsageError("no set to scan: name files, folders, globs or a manifest")
    return tuple(unique.values())


def _of(path: str) -> Iterator[Source]:
    place = Path(path)
    if place.is_file() and place.stem.lower() == _MANIFEST:
        yield from _manifest(place)
    elif not place.exists() and any(mark in path for mark in "*?["):
        matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - the pattern may be absolute
        if not matches:
            raise UsageError(f"{path!a}: matches nothing. Check the pattern")
        yield from (Source(match, vendor_of(match)) for match in matches)
    else:
        yield Source(path, vendor_of(path))


def vendor_of(path: str) -> str:
    """Return the owner of a Hub id, else the name of the folder a path lies in."""
    if path.startswith("hf://"):
        return path.removeprefix("hf://").split("/")[0]
    return Path(path).resolve().parent.name or "unknown"


def _manifest(place: Path) -> list[Source]:
    try:
        entries = list(_entries(place))
    except OSError as error:
        raise ConfigError(f"{str(place)!a}: cannot be read ({error.strerror}). Check the path") from error
    except (ValueError, csv.Error) as error:
        raise ConfigError(f"{str(place)!a}: not a manifest in toml, csv or jsonl") from error
    found = []
    for number, entry in enumerate(entries, start=1):
        path = entry.get("path") if isinstance(entry, dict) else None
        if not isinstance(path, str) or not path:
            raise ConfigError(f"{str(place)!a}: entry {number} has no path")
        whole = path if path.startswith("hf://") else str(place.parent / path)
        found.append(Source(whole, str(entry.get("vendor") or vendor_of(whole))))
    return found


def _entries(place: Path) -> Iterator[dict[str, object]]:
    text = place.read_text(encoding="utf-8-sig")
    if place.suffix.lower() == ".toml":
        yield from tomllib.loads(text).get("set", [])
    elif place.suffix.lower() == ".csv":
        yield from csv.DictReader(text.splitlines())
    else:
        yield from (json.loads(line) for line in text.splitlines() if line.strip())
