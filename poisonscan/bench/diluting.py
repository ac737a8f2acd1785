"""The dilution suite: attacks mixed into ordinary benign rows, judged by a null that knows neither the attack nor the host.

Why the host is left out of the null, and why benign mixtures are judged as well: the benign families are dealt into two halves, and
a mixture draws on one of them. Its references and nulls exclude the families of that half and of the attack, so that no row of it was
seen by what judges it; that gives the outcome a user would get on unseen data. But the shipped null is made of single sets, and a
mixture of thousands of rows of many sets offers more slices to search than any of them. So equally large benign-only mixtures are
drawn from both halves and judged in the same way: their false alarms are reported, and an attack also has to score above all of them
to count as `above`. Twelve mixtures of a size cannot show a rate of 1 %; the table says how many there were.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from poisonscan.bench.attributing import row_precision
from poisonscan.bench.calibrate import parts_of
from poisonscan.bench.crossfit import Parts, Sample, cross_read, nulls_of
from poisonscan.bench.dilution import Mix, mix
from poisonscan.bench.hosts import HALVES, Host, halves, is_host, seeded
from poisonscan.bench.metrics import Rate, rate
from poisonscan.bench.naming import is_right, leading_names
from poisonscan.bench.store import Stored, load, save
from poisonscan.bench.suites import Dilution, Entry, Suite
from poisonscan.catalogue.calibration import Calibration, Null
from poisonscan.channels import Reference, fit_reference, read_all
from poisonscan.core.dataset import Row
from poisonscan.core.detectors import Detector
from poisonscan.core.errors import UsageError
from poisonscan.core.protocols import Progress
from poisonscan.core.readings import Reading
from poisonscan.core.settings import Settings
from poisonscan.judge import Key, Ladder, Verdict, judge
from poisonscan.measuring import Clock, Models, measure


@dataclass(frozen=True, slots=True)
class Recipe:
    """One mixture to make: `attack` "" for benign rows only; `half` the host it draws on; `draw` numbers those of one size."""

    attack: str
    poison: int
    total: int
    half: int
    draw: int = 0


@dataclass(frozen=True, slots=True)
class Impossible:
    """A mixture that cannot be made of the rows there are, or was not measured within the time given."""

    attack: str
    poison: int
    total: int
    reason: str


@dataclass(frozen=True, slots=True)
class MixResult:
    """One mixture's result; `precision` is the average precision of the poison rows (None without any, or without anything else)."""

    attack: str
    family: str
    poison: int
    total: int
    half: int
    outcome: str
    score: float
    p: float
    named: tuple[str, ...]
    detectors: tuple[str, ...]
    right: bool | None
    precision: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Cell:
    """One share of one plan: how many attacks were found, scored above every benign mixture of that total, and how well rows were ranked.

    prevalence: share of poison, the average precision of a random order. precision: per attack. nulls: benign mixtures of that total.
    """

    mode: str
    share: float
    poison: int
    total: int
    found: Rate
    above: Rate
    nulls: int
    naming: Rate
    prevalence: float
    mean_precision: float | None
    missed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diluted:
    """All mixtures of a suite, its table, and what could not be made."""

    cells: tuple[Cell, ...]
    false_alarms: Rate
    alarms: tuple[str, ...]
    mixtures: tuple[MixResult, ...]
    impossible: tuple[Impossible, ...]
    minutes: float


@dataclass
class Bench:
    """What every mixture is made of and judged with; references are fitted once per (half, family of the attack)."""

    suite: Suite
    entries: dict[str, Entry]
    hosts: tuple[Host, ...]
    rows: dict[str, tuple[Row, ...]]
    samples: list[Sample]
    readings: dict[str, list[Reading]]
    parts: Parts
    catalogue: Sequence[Detector]
    ids: tuple[str, str]
    fitted: dict[tuple[int, str], tuple[Reference, Calibration, dict[tuple[str, tuple[Key, ...]], Ladder]]] = field(default_factory=dict)

    def family(self, attack: str) -> str:
        """The family of an attack, "" for none."""
        return self.entries[attack].family if attack else ""


def run_dilution(
    suite: Suite, entries: Sequence[Entry], work: Path, settings: Settings, models: Models, catalogue: Sequence[Detector], progress: Progress,
    minutes: float = float("inf"),
) -> Diluted:
    """Make, measure (resumable, under `work`/mixtures) and judge every mixture of a suite; the single sets lie measured in `work`.

    After so many `minutes` only mixtures that were measured before are judged; the others are listed with that reason.

    Raises UsageError where the suite names an attack that the corpora do not hold.
    """
    if suite.dilution is None:
        raise UsageError(f"{suite.name} says nothing about dilution")
    bench = _bench(suite, suite.dilution, entries, work, models, catalogue)
    recipes, impossible = plan_recipes(suite.dilution, {name: len(bench.rows[name]) for name in suite.dilution.attacks})
    progress.stage("measuring mixtures", len(recipes))
    results = []
    end = time.monotonic() + 60 * minutes
    for recipe in recipes:
        try:
            mixed = make(recipe, bench)
        except ValueError as error:
            impossible.append(Impossible(recipe.attack, recipe.poison, recipe.total, str(error)))
            continue
        if time.monotonic() < end or (work / "mixtures" / f"{_name(recipe, mixed)}.json").is_file():
            results.append(_result(recipe, mixed, bench, work / "mixtures", settings, models))
        else:
            impossible.append(Impossible(recipe.attack, recipe.poison, recipe.total, f"not measured within {minutes:g} minutes"))
        progress.advance()
    benign = [r for r in results if not r.attack]
    alarms = tuple(f"benign mixture {n} of {r.total} rows" for n, r in enumerate(benign) if r.outcome == "found")
    return Diluted(
        cells_of(suite.dilution, results), rate([r.outcome == "found" for r in benign]), alarms, tuple(results), tuple(impossible),
        round(sum(r.seconds for r in results) / 60, 2),
    )  # fmt: skip


def plan_recipes(dilution: Dilution, sizes: dict[str, int]) -> tuple[list[Recipe], list[Impossible]]:
    """Return every mixture once, benign-only ones of each total first, and the cells that an attack of so many rows cannot fill."""
    recipes: dict[Recipe, None] = {}
    impossible = {}
    for number, attack in enumerate(dilution.attacks):
        for plan in dilution.plans:
            for share in plan.shares:
                poison, total = plan.sizes(share)
                if poison > sizes[attack]:
                    impossible[attack, poison, total] = Impossible(attack, poison, total, f"{attack} has {sizes[attack]} rows")
                else:
                    recipes[Recipe(attack, poison, total, number % HALVES)] = None
    totals = sorted({recipe.total for recipe in recipes})
    nulls = [Recipe("", 0, total, draw % HALVES, draw) for total in totals for draw in range(dilution.nulls)]
    return [*nulls, *recipes], list(impossible.values())


def cells_of(dilution: Dilution, results: Sequence[MixResult]) -> tuple[Cell, ...]:
    """Return one cell per plan and share, with the attacks that could fill it."""
    cells = []
    for plan in dilution.plans:
        for share in plan.shares:
            poison, total = plan.sizes(share)
            inside = [r for r in results if r.attack and (r.poison, r.total) == (poison, total)]
            null = [r.score for r in results if not r.attack and r.total == total]
            known = [r.precision for r in inside if r.precision is not None]
            top = max(null, default=float("inf"))
            cells.append(
                Cell(
                    plan.mode, share, poison, total, rate([r.outcome == "found" for r in inside]), rate([r.score > top for r in inside]),
                    len(null), rate([bool(r.right) for r in inside if r.outcome == "found" and r.right is not None]), round(poison / total, 4),
                    round(float(np.mean(known)), 3) if known else None, tuple(r.attack for r in inside if r.outcome != "found"),
                )
            )  # fmt: skip
    return tuple(cells)


def make(recipe: Recipe, bench: Bench) -> Mix:
    """Return the mixture of a recipe, the same on every machine. Raises ValueError where the host has too few rows."""
    rng = seeded(recipe.attack, recipe.poison, recipe.total, recipe.half, recipe.draw)
    host = bench.hosts[recipe.half]
    wanted = recipe.total - recipe.poison
    family_of = {name: entry.family for name, entry in bench.entries.items()}
    benign = host.draw(wanted, rng, bench.family(recipe.attack), family_of) if wanted else []
    poison = bench.rows[recipe.attack] if recipe.attack else ()
    return mix(poison, benign, poison=recipe.poison, total=recipe.total, name=recipe.attack or "benign", rng=rng)


def _bench(
    suite: Suite, dilution: Dilution, entries: Sequence[Entry], work: Path, models: Models, catalogue: Sequence[Detector]
) -> Bench:
    from poisonscan.readers import read

    known = {entry.name: entry for entry in entries}
    if missing := [name for name in dilution.attacks if name not in known]:
        raise UsageError(f"{suite.name}: {', '.join(missing)}: not among the corpora")
    rows = {e.name: read(e.path).rows for e in entries if e.name in dilution.attacks or e.role == "benign"}
    hosts = halves({n: r for n, r in rows.items() if is_host(known[n], r)}, {n: e.family for n, e in known.items()})
    parts = parts_of(catalogue, models, work)
    samples = [Sample(e.name, e.family, True, load(work, e.name).measured) for e in entries if e.calibrates]
    return Bench(suite, known, hosts, rows, samples, cross_read(samples, parts), parts, catalogue, (models.scorer.id, models.encoder.id))


def _result(recipe: Recipe, mixed: Mix, bench: Bench, work: Path, settings: Settings, models: Models) -> MixResult:
    stored = _measured(recipe, mixed, bench, work, settings, models)
    verdict = _judged(recipe, stored, bench)
    findings = [f for f in verdict.findings if f.severity != "info"]
    named = leading_names(findings)
    right = is_right(named, bench.suite.expect.get(recipe.attack))
    return MixResult(
        recipe.attack, bench.family(recipe.attack), recipe.poison, recipe.total, recipe.half, "found" if findings else "none-found",
        round(verdict.score, 4), round(verdict.p, 5), named[:6], tuple(f.detector for f in findings), right,
        row_precision(verdict, stored.measured, mixed.poison), round(sum(seconds for _, seconds in stored.timings), 1),
    )  # fmt: skip


def _name(recipe: Recipe, mixed: Mix) -> str:
    return f"{recipe.attack or 'benign'}-{recipe.poison}-of-{recipe.total}-{mixed.dataset.digest[:12]}"


def _measured(recipe: Recipe, mixed: Mix, bench: Bench, work: Path, settings: Settings, models: Models) -> Stored:
    name = _name(recipe, mixed)
    if not (work / f"{name}.json").is_file():
        clock = Clock()
        save(work, Stored(name, measure(mixed.dataset, settings, models, bench.catalogue, bench.parts.stuff, clock), len(mixed.dataset), tuple(clock.stages)))
    return load(work, name)


def _judged(recipe: Recipe, stored: Stored, bench: Bench) -> Verdict:
    family = bench.family(recipe.attack)
    if (recipe.half, family) not in bench.fitted:
        left_out = bench.hosts[recipe.half].families | {family}
        kept = [s for s in bench.samples if s.family not in left_out]
        nulls: dict[Key, Null] = nulls_of(kept, bench.readings)
        calibration = Calibration(*bench.ids, nulls, Null(np.zeros(0), (), ()), {}, {})
        reference = fit_reference([s.measured for s in kept], bench.parts.stuff, bench.parts.prototypes, bench.parts.probe)
        bench.fitted[recipe.half, family] = (reference, calibration, {})
    reference, calibration, ladders = bench.fitted[recipe.half, family]
    readings = read_all(stored.measured, bench.parts.stuff, reference)
    return judge(readings, stored.measured.slices, bench.catalogue, calibration, gaps=stored.measured.gaps, ladders=ladders)
