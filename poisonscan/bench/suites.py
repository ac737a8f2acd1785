"""Suites: which sets of a corpora folder a benchmark runs on, and what should be named in them."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from poisonscan.catalogue.find import bundled_suites
from poisonscan.core.errors import ConfigError, UsageError

ROLES = ("poisoned", "control", "benign")


@dataclass(frozen=True, slots=True)
class Entry:
    """One labelled set: `role` poisoned, control or benign; `lookalike` for harmless sets that look dangerous."""

    name: str
    path: Path
    role: str
    family: str
    kind: str
    headline: bool

    @property
    def benign(self) -> bool:
        """Was it built without an attack."""
        return self.role != "poisoned"

    @property
    def calibrates(self) -> bool:
        """May it be part of a null: only harmless sets whose label is beyond dispute."""
        return self.benign and self.headline

    @property
    def lookalike(self) -> bool:
        """A harmless set chosen because it looks dangerous."""
        return self.benign and (self.role == "control" or self.kind.startswith("hard"))


@dataclass(frozen=True, slots=True)
class Suite:
    """`families` empty means all; `headline_only` leaves disputed labels out; `dilute` lists shares of poison to mix; `expect` what to name."""

    name: str
    title: str
    families: tuple[str, ...]
    headline_only: bool
    dilute: tuple[float, ...]
    expect: dict[str, tuple[str, ...]]


def load_suite(name: str) -> Suite:
    """Load a shipped suite by name, or one by path. Raises UsageError naming those that exist."""
    path = Path(name) if name.endswith(".toml") else bundled_suites() / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in bundled_suites().glob("*.toml")))
        raise UsageError(f"no suite {name!r}; the shipped ones are {known}")
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return Suite(
        path.stem, str(data["title"]), tuple(data.get("families", ())), bool(data.get("headline_only", True)),
        tuple(float(share) for share in data.get("dilute", ())), {k: tuple(v) for k, v in data.get("expect", {}).items()},
    )  # fmt: skip


def load_entries(corpora: Path, suite: Suite) -> list[Entry]:
    """Return every set the suite may use: its own attacks, and the undisputed benign sets of the folder, which make the null.

    Raises ConfigError when the folder has no manifest.csv or a listed file is missing.
    """
    manifest = corpora / "manifest.csv"
    if not manifest.is_file():
        raise ConfigError(f"{manifest} is missing: run `poisonscan bench fetch`, or point --corpora at a folder it made")
    with manifest.open(newline="", encoding="utf-8") as file:
        entries = [_entry(corpora, row) for row in csv.DictReader(file)]
    missing = [str(e.path) for e in entries if not e.path.is_file()]
    if missing:
        raise ConfigError(f"{len(missing)} sets of {manifest} are not there, first {missing[0]}; run `poisonscan bench fetch` again")
    return [e for e in entries if e.calibrates or _wanted(e, suite)]


def wanted(entries: Sequence[Entry], suite: Suite) -> list[Entry]:
    """Return the sets a suite reports on (the others only serve the null)."""
    return [e for e in entries if _wanted(e, suite)]


def _wanted(entry: Entry, suite: Suite) -> bool:
    return (entry.headline or not suite.headline_only) and (not suite.families or entry.family in suite.families)


def _entry(corpora: Path, row: dict[str, str]) -> Entry:
    return Entry(
        row["name"], corpora / row["role"] / f"{row['name']}.jsonl", row["role"], row["family"], row["attack_kind"], row["headline"] == "yes"
    )
