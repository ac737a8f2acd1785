"""Suites: which sets of a corpora folder a benchmark runs on, and what should be named in them."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poisonscan.catalogue.find import bundled_suites
from poisonscan.core.errors import ConfigError, UsageError

ROLES = ("poisoned", "control", "benign")


@dataclass(frozen=True, slots=True)
class Entry:
    """One labelled set: `role` poisoned, control or benign; `control_of` the attack it is the twin of; `variant_of` the set it was made from."""

    name: str
    path: Path
    role: str
    family: str
    kind: str
    headline: bool
    control_of: str = ""
    variant_of: str = ""

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
class Plan:
    """One way to dilute: every share in (0, 1] with the `total` rows fixed, or, where that is 0, with `poison` rows fixed."""

    shares: tuple[float, ...]
    total: int = 0
    poison: int = 0

    @property
    def mode(self) -> str:
        """What stays the same over the shares."""
        return f"total {self.total} fixed" if self.total else f"{self.poison} poison rows fixed"

    def sizes(self, share: float) -> tuple[int, int]:
        """Return (poison rows, all rows) at a share."""
        return (round(self.total * share), self.total) if self.total else (self.poison, round(self.poison / share))


@dataclass(frozen=True, slots=True)
class Dilution:
    """What is diluted and how; `nulls` benign-only mixtures of every total are measured beside them."""

    attacks: tuple[str, ...]
    plans: tuple[Plan, ...]
    nulls: int


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """One changed copy of a set: `make` names the change, `of` the set, `like` the set whose template is borrowed, `wordings` new prompts."""

    make: str
    of: str
    like: str = ""
    wordings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suite:
    """Which sets are reported on, and what is made of them.

    families: empty means all. headline_only: leave disputed labels out. expect: what a finding should name, per set.
    max_rows: rows read of each set at most; 0 leaves it to the command. sets: a folder of sets of the suite's own, with a manifest.csv
    like that of the corpora; where there is one, they alone are reported on.
    """

    name: str
    title: str
    families: tuple[str, ...]
    headline_only: bool
    expect: dict[str, tuple[str, ...]]
    max_rows: int = 0
    dilution: Dilution | None = None
    variants: tuple[VariantSpec, ...] = ()
    sets: Path | None = None


def load_suite(name: str) -> Suite:
    """Load a shipped suite by name, or one by path. Raises UsageError naming those that exist."""
    path = Path(name) if name.endswith(".toml") else bundled_suites() / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in bundled_suites().glob("*.toml")))
        raise UsageError(f"no suite {name!r}; the shipped ones are {known}")
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    expect = {k: tuple(v) for k, v in data.get("expect", {}).items()}
    return Suite(
        path.stem, str(data["title"]), tuple(data.get("families", ())), bool(data.get("headline_only", True)), expect,
        int(data.get("max_rows", 0)), _dilution(path, data.get("dilution")),
        tuple(spec for table in data.get("variant", ()) for spec in _variants(path, table)),
        path.parent / str(data["sets"]) if "sets" in data else None,
    )  # fmt: skip


def _variants(path: Path, table: Mapping[str, Any]) -> list[VariantSpec]:
    """One table may name several sets that are changed in the same way."""
    wordings = tuple(map(str, table.get("wordings", ())))
    if (table["make"] == "reword") != bool(wordings) or (table["make"] == "wear") != bool(table.get("like")):
        raise ConfigError(f"{path}: a variant that rewords has `wordings`, one that wears a template has `like`, no other has either")
    return [VariantSpec(str(table["make"]), str(name), str(table.get("like", "")), wordings) for name in table["of"]]


def _dilution(path: Path, table: Mapping[str, Any] | None) -> Dilution | None:
    if table is None:
        return None
    plans = tuple(Plan(tuple(map(float, p["shares"])), int(p.get("total", 0)), int(p.get("poison", 0))) for p in table["plan"])
    for plan in plans:
        if bool(plan.total) == bool(plan.poison) or not all(0 < share <= 1 for share in plan.shares):
            raise ConfigError(f"{path}: a plan fixes either `total` or `poison`, and its shares lie above 0 and at most at 1")
    return Dilution(tuple(table["attacks"]), plans, int(table["nulls"]))


def load_entries(corpora: Path, suite: Suite) -> list[Entry]:
    """Return every set the suite may use: those it reports on, and the undisputed benign sets of the folder, which make the null.

    Raises ConfigError when the folder has no manifest.csv, a listed file is missing, or sets of the suite's own would be part of a null.
    """
    entries = _listed(corpora)
    own = _listed(suite.sets) if suite.sets else []
    if joining := [e.name for e in own if e.calibrates]:
        raise ConfigError(f"{suite.sets}: {joining[0]} must be listed with headline = no: sets that come with a suite are no part of a null")
    return [e for e in [*entries, *own] if e.calibrates or _wanted(e, suite)]


def _listed(corpora: Path) -> list[Entry]:
    manifest = corpora / "manifest.csv"
    if not manifest.is_file():
        raise ConfigError(f"{manifest} is missing: run `poisonscan bench fetch`, or point --corpora at a folder it made")
    with manifest.open(newline="", encoding="utf-8") as file:
        entries = [_entry(corpora, row) for row in csv.DictReader(file)]
    missing = [str(e.path) for e in entries if not e.path.is_file()]
    if missing:
        raise ConfigError(f"{len(missing)} sets of {manifest} are not there, first {missing[0]}; run `poisonscan bench fetch` again")
    return entries


def wanted(entries: Sequence[Entry], suite: Suite) -> list[Entry]:
    """Return the sets a suite reports on (the others only serve the null)."""
    return [e for e in entries if _wanted(e, suite)]


def _wanted(entry: Entry, suite: Suite) -> bool:
    if suite.sets:
        return entry.path.is_relative_to(suite.sets)
    if suite.variants:
        return bool(entry.variant_of) or any(entry.name in (spec.of, spec.like) for spec in suite.variants)
    return (entry.headline or not suite.headline_only) and (not suite.families or entry.family in suite.families)


def _entry(corpora: Path, row: dict[str, str]) -> Entry:
    return Entry(
        row["name"], corpora / row["role"] / f"{row['name']}.jsonl", row["role"], row["family"], row["attack_kind"], row["headline"] == "yes",
        row.get("control_of", ""),
    )
