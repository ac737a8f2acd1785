"""benchmarks/sources.toml: which public files the development sets are made of. Facts only; an unknown key is an error.

Why so strict about names and paths: they become addresses and file names on the user's disk.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

from poisonscan.bench.suites import ROLES
from poisonscan.catalogue.find import bundled_suites
from poisonscan.core.errors import ConfigError

Conversion = Literal[
    "chat", "rejected", "shuffled-answers", "before-fix", "after-fix", "dialogues", "unwrapped", "without-system"
]  # fmt: skip
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_REPO = re.compile(r"[\w.-]+/[\w.-]+")
_HEX = re.compile(r"[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Source:
    """One set and the file it is made of.

    rows: rows kept at most. keep: only prompts that start so. columns: (role, column) pairs where our readers do not know the names.
    into, share: the file is poison, and replaces that share of the rows of the set called `into`.
    """

    name: str
    role: str
    family: str
    attack_kind: str
    headline: bool
    rows: int
    repo: str
    commit: str
    path: str
    sha256: str
    licence: str
    control_of: str = ""
    convert: Conversion = "chat"
    keep: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    into: str = ""
    share: float = 0.0

    @property
    def place(self) -> str:
        """Path of the file below a mirror: repo/commit/path."""
        return f"{self.repo}/{self.commit}/{self.path}"


@dataclass(frozen=True, slots=True)
class NotFetchable:
    """A set that cannot be had from one pinned file, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything sources.toml says."""

    sets: tuple[Source, ...]
    not_fetchable: tuple[NotFetchable, ...]


def bundled_sources() -> Path:
    """Return the shipped sources.toml: beside the shipped suites, in a checkout and in an installed package alike."""
    return bundled_suites().parent / "sources.toml"


def load_sources(path: Path) -> Sources:
    """Read a sources file.

    Raises:
        ConfigError: the file is missing, is not TOML, or an entry is wrong; names the entry and the key.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}; reinstall poisonscan, or pass --sources a file of its shape") from error
    sets = tuple(_source(entry, repository) for repository in data.get("repository", ()) for entry in repository.get("sets", ()))
    names = [source.name for source in sets]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"{path}: {', '.join(twice)}: named more than once")
    for source in sets:
        if source.into and source.into not in names:
            raise ConfigError(f"{source.name}: into names {source.into!r}, which is no set of this file")
    return Sources(sets, tuple(NotFetchable(str(e["name"]), str(e["reason"])) for e in data.get("not_fetchable", ())))


def _source(entry: Mapping[str, Any], repository: Mapping[str, Any]) -> Source:
    name = str(entry.get("name", "?"))
    values = {**entry, **{key: repository[key] for key in ("repo", "commit", "licence") if key in repository}}
    if unknown := sorted(set(values) - {field.name for field in fields(Source)}):
        raise ConfigError(f"{name}: {unknown[0]} is no key of a source")
    values["columns"] = tuple((str(k), str(v)) for k, v in dict(entry.get("columns", {})).items())
    try:
        source = Source(**values)
    except TypeError as error:
        raise ConfigError(f"{name}: a source needs name, role, family, attack_kind, headline, rows, path, sha256 ({error})") from error
    return _checked(source)


def _checked(source: Source) -> Source:
    path = PurePosixPath(source.path)
    sound = {
        "name": bool(_NAME.fullmatch(source.name)),
        "role": source.role in ROLES,
        "repo": bool(_REPO.fullmatch(source.repo)) and ".." not in source.repo,
        "commit": len(source.commit) == 40 and bool(_HEX.fullmatch(source.commit)),
        "sha256": len(source.sha256) == 64 and bool(_HEX.fullmatch(source.sha256)),
        "path": not path.is_absolute() and ".." not in path.parts and "\\" not in source.path and bool(source.path),
        "convert": source.convert in get_args(Conversion),
        "rows": source.rows > 0,
        "share": bool(source.into) == (source.share > 0) and source.share < 1,
    }
    for key, good in sound.items():
        if not good:
            raise ConfigError(f"{source.name}: {key} = {getattr(source, key)!r} does not validate")
    return source
