"""poisonscan bench conditional: what the slot tests, the sweep and the trigger tests find, how often they err, and what they can see.

Why apart from the suites: these tests carry their own permutation null, so that no set needs another to be judged; error rates and power
are asked of one set at a time, by shuffling its answers. Every set and every point of a curve is a part of its own (`parts`), so that a run resumes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import poisonscan
from poisonscan.bench.parts import Parts
from poisonscan.bench.suites import Entry, Suite, load_entries, load_suite
from poisonscan.bench.variants import make_variants
from poisonscan.catalogue import catalogue_digest, load_catalogue
from poisonscan.catalogue.find import bundled_suites
from poisonscan.conditionality import absent_values, dependence_hazard, detection_rate, reason_to_depend, test_slots, test_tokens
from poisonscan.core.dataset import Dataset
from poisonscan.core.detectors import Detector, Hypothesis
from poisonscan.core.errors import ConfigError
from poisonscan.core.protocols import Progress, Silent
from poisonscan.core.settings import Settings
from poisonscan.core.slices import SliceEmbeddings
from poisonscan.core.slots import Slot
from poisonscan.measuring import Models
from poisonscan.models.weights import file_sha256
from poisonscan.slices import extract_slots

ALPHA = 0.01
DECIDING = 0.2
_NUMERIC = frozenset({"date", "number", "digits", "time"})
_IRRELEVANT = 0.5


@dataclass(frozen=True, slots=True)
class Reach:
    """The leading slot of one set: its p and that p's floor, hazard of the dependence, a harmless reason, the first absent values.

    expected: absent values of which one should be among the first five; () where none is asked for.
    """

    name: str
    wanted: bool
    rows: int
    slot: str
    values: tuple[str, ...]
    p: float
    floor: float
    hazard: float
    reason: str
    absent: tuple[str, ...]
    expected: tuple[str, ...]

    @property
    def found(self) -> bool:
        """A slot the question does not need decides the answers, for no harmless reason."""
        return self.p <= ALPHA and self.hazard >= DECIDING and not self.reason


@dataclass(frozen=True, slots=True)
class Triggered:
    """The triggers named in one set, "kind: text -> target", strongest first, and whether there should be any."""

    name: str
    wanted: bool
    rows: int
    triggers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """`hits` of `runs` draws of `rows` rows, of which `share` kept their answers, had a slot at p <= 0.01; 95 % Clopper-Pearson interval."""

    name: str
    rows: int
    share: float
    hits: int
    runs: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ConditionalResult:
    """One run. errors: points of share 0; power: the others."""

    suite: str
    title: str
    version: str
    catalogue: str
    encoder: str
    reach: tuple[Reach, ...]
    triggers: tuple[Triggered, ...]
    errors: tuple[Point, ...]
    power: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the suite asks for, see its file."""

    max_rows: int
    found: tuple[str, ...]
    quiet: tuple[str, ...]
    benign: int
    triggered: tuple[str, ...]
    untriggered: tuple[str, ...]
    absent: dict[str, tuple[str, ...]]
    sets: tuple[str, ...]
    rows: tuple[int, ...]
    shares: tuple[float, ...]
    runs: int
    shuffles: int
    permutations: int


def load_plan(name: str = "conditional") -> tuple[str, Plan]:
    """Return the title and the plan of a suite that has a [conditional] table, by name or path. Raises ConfigError where it has none."""
    path = Path(name) if name.endswith(".toml") else bundled_suites() / f"{name}.toml"
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    table = data.get("conditional")
    if table is None:
        raise ConfigError(f"{path}: no [conditional] table; this command runs suites that have one")
    power = table["power"]
    plan = Plan(
        int(table["max_rows"]), tuple(table["found"]), tuple(table["quiet"]), int(table["benign"]), tuple(table["triggered"]),
        tuple(table["untriggered"]), {key: tuple(values) for key, values in table["absent"].items()}, tuple(power["sets"]),
        tuple(power["rows"]), tuple(power["shares"]), int(power["runs"]), int(power["shuffles"]), int(power["permutations"]),
    )  # fmt: skip
    return str(data["title"]), plan


def run_conditional(name: str, corpora: Path, work: Path, settings: Settings, *, progress: Progress | None = None) -> ConditionalResult:
    """Run every part of the plan on the sets in `corpora` that `work` does not hold yet. Raises ConfigError for a set that is not there."""
    title, plan = load_plan(name)
    catalogue = load_catalogue(settings.catalogue)
    models = Models(settings, Silent())
    entries = _entries(name, corpora, work, title)
    if missing := [n for n in (*plan.found, *plan.quiet, *plan.triggered, *plan.untriggered, *plan.sets) if n not in entries]:
        raise ConfigError(f"{', '.join(missing)}: not among the sets of {corpora}")
    owners = tuple(d for d in catalogue if "slot" in d.channels)
    stamp = f"{poisonscan.__version__} {models.encoder.id} {plan.max_rows} {settings.seed}"
    run = _Run(entries, plan, models, owners, settings.seed, Parts(work, stamp), progress or Silent())
    reach, triggers, points = run.reach(), run.triggers(), run.points()
    return ConditionalResult(
        Path(name).stem, title, poisonscan.__version__, catalogue_digest(catalogue), models.encoder.id, reach, triggers,
        tuple(p for p in points if p.share == 0), tuple(p for p in points if p.share > 0),
    )  # fmt: skip


def _entries(name: str, corpora: Path, work: Path, title: str) -> dict[str, Entry]:
    """Every set of the corpora, disputed ones too, and the variants the suite makes of them."""
    entries = load_entries(corpora, Suite(name, title, (), False, {}))
    return {entry.name: entry for entry in (*entries, *make_variants(load_suite(name).variants, entries, work))}


class _Set:
    """A set ready to be tested; its rows, slots and vectors are made when a part first asks for them."""

    def __init__(self, entry: Entry, plan: Plan, models: Models) -> None:
        self._entry, self._plan, self._models = entry, plan, models

    @cached_property
    def dataset(self) -> Dataset:
        from poisonscan.readers import read

        dataset = read(self._entry.path)
        return Dataset(dataset.name, dataset.digest, dataset.rows[: self._plan.max_rows], layout=dataset.layout)

    @cached_property
    def slots(self) -> Sequence[Slot]:
        return extract_slots(self.dataset)

    @cached_property
    def views(self) -> SliceEmbeddings:
        rows = self.dataset.rows
        vectors = self._models.encoder.encode([*(row.prompt for row in rows), *(row.answer for row in rows)])
        return SliceEmbeddings(vectors[: len(rows)], vectors[len(rows) :], vectors[: len(rows)])


@dataclass(frozen=True, slots=True)
class _Run:
    """One run over `entries`; every method is one part of the plan. `owners` are the detectors that name what absent values stand for."""

    entries: dict[str, Entry]
    plan: Plan
    models: Models
    owners: Sequence[Detector]
    seed: int
    parts: Parts
    progress: Progress

    def reach(self) -> tuple[Reach, ...]:
        """The named sets, then the first benign ones by name whose prompts hold dates, times or numbers."""
        plan = self.plan
        self.progress.stage("testing slots", len(plan.found) + len(plan.quiet) + plan.benign)
        found = [reach for n in (*plan.found, *plan.quiet) if (reach := self._reach(n, n in plan.found, numeric=False)) is not None]
        benign = sorted(n for n, entry in self.entries.items() if entry.calibrates and n not in plan.quiet and not entry.variant_of)
        wanted = len(found) + plan.benign
        for name in benign:
            if len(found) < wanted and (reach := self._reach(name, False, numeric=True)) is not None:
                found.append(reach)
        return tuple(found)

    def triggers(self) -> tuple[Triggered, ...]:
        """The triggers named in each set that should have some, and in those that should have none."""
        plan = self.plan
        self.progress.stage("looking for triggers", len(plan.triggered) + len(plan.untriggered))
        return tuple(self._triggered(name, name in plan.triggered) for name in (*plan.triggered, *plan.untriggered))

    def points(self) -> tuple[Point, ...]:
        """Per set the error rate, then power over rows with every answer true, then over the share of true answers with all rows."""
        self.progress.stage("error rates and power", len(self.plan.sets) * (2 + len(self.plan.rows) + len(self.plan.shares)))
        return tuple(point for name in self.plan.sets for point in self._points(name))

    def _reach(self, name: str, wanted: bool, *, numeric: bool) -> Reach | None:
        """How a set fares; None where `numeric` slots are asked for and it has none."""
        ready, expected = self._set(name), self.plan.absent.get(name, ())
        bank = tuple(h for d in self.owners for h in d.hypotheses)

        def make() -> Reach | None:
            if numeric and not any(slot.kind in _NUMERIC for slot in ready.slots):
                return None
            return _reached(ready, name, wanted, expected, bank, self.seed)

        made = self._part(f"reach--{name}", name, f"{wanted} {numeric} {expected} {catalogue_digest(self.owners)}", make)
        if made is None:
            return None
        self.progress.advance()
        return Reach(**made | {key: tuple(made[key]) for key in ("values", "absent", "expected")})

    def _triggered(self, name: str, wanted: bool) -> Triggered:
        made = self._part(f"triggers--{name}", name, str(wanted), lambda: _triggers(self.entries[name], wanted, self.seed))
        self.progress.advance()
        return Triggered(**{**made, "triggers": tuple(made["triggers"])})

    def _points(self, name: str) -> list[Point]:
        ready, plan, points = self._set(name), self.plan, []
        n = len(ready.dataset)
        cells = [(n, 0.0, plan.shuffles), *((rows, 1.0, plan.runs) for rows in plan.rows if rows < n)]
        cells += [(n, share, plan.runs) for share in (1.0, *plan.shares)]
        for rows, share, runs in cells:

            def make(rows: int = rows, share: float = share, runs: int = runs) -> Point:
                return _point(ready, name, (rows, share, runs), plan.permutations, self.seed)

            made = self._part(f"point--{name}-{rows}-{round(1000 * share)}", name, f"{runs} {plan.permutations}", make)
            self.progress.advance()
            points.append(Point(**made))
        return points

    def _set(self, name: str) -> _Set:
        return _Set(self.entries[name], self.plan, self.models)

    def _part(self, part: str, name: str, depends: str, make: Callable[[], object]) -> Any:  # noqa: ANN401 - see Parts.get
        return self.parts.get(part, f"{depends} {file_sha256(self.entries[name].path)}", make)


def _reached(ready: _Set, name: str, wanted: bool, expected: tuple[str, ...], bank: Sequence[Hypothesis], seed: int) -> Reach:
    rng = np.random.default_rng(seed)
    results = [r for r in test_slots(ready.dataset, ready.slots, ready.views, rng=rng) if not r.reason]
    if not results:
        return Reach(name, wanted, len(ready.dataset), "", (), 1.0, 1.0, 0.0, "", (), expected)
    top = next((result for result in results if dependence_hazard(result) >= DECIDING), results[0])
    deciding = dependence_hazard(top) >= DECIDING
    reason = reason_to_depend(top, [row.answer for row in ready.dataset.rows], rng) if deciding else ""
    absent = tuple(value.value for value in absent_values(top, bank)[:5]) if deciding else ()
    return Reach(
        name, wanted, len(ready.dataset), top.slot.name, top.best[:5], round(top.p, 4), round(1.0 / (1.0 + top.permutations), 4),
        round(dependence_hazard(top), 3), reason, absent, expected,
    )  # fmt: skip


def _triggers(entry: Entry, wanted: bool, seed: int) -> Triggered:
    from poisonscan.readers import read

    dataset = read(entry.path)
    results = test_tokens(dataset, rng=np.random.default_rng(seed))
    named = tuple(f"{result.kind}: {result.trigger[:80]} -> {result.target[:60]}" for result in results if result.is_trigger)
    return Triggered(entry.name, wanted, len(dataset), named[:5])


def _point(ready: _Set, name: str, cell: tuple[int, float, int], permutations: int, seed: int) -> Point:
    """One point of a curve; cell: rows, share of true answers, runs."""
    rows, share, runs = cell
    rate = detection_rate(
        ready.dataset, ready.slots, ready.views, rng=np.random.default_rng([seed, rows, round(1000 * share)]), rows=rows, true_share=share,
        runs=runs, permutations=permutations, alpha=ALPHA, irrelevant=_IRRELEVANT,
    )  # fmt: skip
    return Point(name, rows, share, rate.hits, rate.runs, round(rate.rate, 4), round(rate.low, 4), round(rate.high, 4))
