"""poisonscan bench conditional: what the slot tests, the sweep and the trigger tests find, how often they err, and what they can see.

Why apart from the suites: these tests carry their own permutation null, so that no set needs another to be judged; error rates and power
are asked of one set at a time, by shuffling its answers.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import poisonscan
from poisonscan.bench.suites import Entry, Suite, load_entries
from poisonscan.catalogue import load_catalogue
from poisonscan.catalogue.find import bundled_suites
from poisonscan.conditionality import absent_values, dependence_hazard, detection_rate, reason_to_depend, test_slots, test_tokens
from poisonscan.core.dataset import Dataset
from poisonscan.core.detectors import Hypothesis
from poisonscan.core.errors import ConfigError
from poisonscan.core.protocols import Progress, Silent
from poisonscan.core.settings import Settings
from poisonscan.core.slices import SliceEmbeddings
from poisonscan.core.slots import Slot
from poisonscan.measuring import Models
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


@dataclass(frozen=True, slots=True)
class _Set:
    """A set ready to be tested."""

    dataset: Dataset
    slots: Sequence[Slot]
    views: SliceEmbeddings


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


def run_conditional(name: str, corpora: Path, settings: Settings, *, progress: Progress | None = None) -> ConditionalResult:
    """Run every part of the plan on the sets in `corpora`. Raises ConfigError for a set that is not there."""
    title, plan = load_plan(name)
    reporter = progress or Silent()
    models = Models(settings, reporter)
    every = Suite(name, title, (), False, {})
    entries = {entry.name: entry for entry in load_entries(corpora, every)}
    if missing := [n for n in (*plan.found, *plan.quiet, *plan.triggered, *plan.untriggered, *plan.sets) if n not in entries]:
        raise ConfigError(f"{', '.join(missing)}: not among the sets of {corpora}")
    bank = tuple(h for d in load_catalogue(settings.catalogue) if "slot" in d.channels for h in d.hypotheses)
    reporter.stage("testing slots", len(plan.found) + len(plan.quiet) + plan.benign)
    reach = [_reach(_read(entries[n], plan, models), n, n in plan.found, plan, bank, settings.seed) for n in (*plan.found, *plan.quiet)]
    reach += _benign(entries, plan, models, bank, settings.seed)
    triggers = [_triggered(entries[n], n in plan.triggered, settings.seed) for n in (*plan.triggered, *plan.untriggered)]
    points = [point for n in plan.sets for point in _points(n, _read(entries[n], plan, models), plan, settings.seed)]
    return ConditionalResult(
        Path(name).stem, title, poisonscan.__version__, models.encoder.id, tuple(reach), tuple(triggers),
        tuple(p for p in points if p.share == 0), tuple(p for p in points if p.share > 0),
    )  # fmt: skip


def _read(entry: Entry, plan: Plan, models: Models) -> _Set:
    from poisonscan.readers import read

    dataset = read(entry.path)
    dataset = Dataset(dataset.name, dataset.digest, dataset.rows[: plan.max_rows], layout=dataset.layout)
    vectors = models.encoder.encode([*(row.prompt for row in dataset.rows), *(row.answer for row in dataset.rows)])
    prompt, answer = vectors[: len(dataset)], vectors[len(dataset) :]
    return _Set(dataset, extract_slots(dataset), SliceEmbeddings(prompt, answer, prompt))


def _reach(ready: _Set, name: str, wanted: bool, plan: Plan, bank: Sequence[Hypothesis], seed: int) -> Reach:
    rng = np.random.default_rng(seed)
    results = [r for r in test_slots(ready.dataset, ready.slots, ready.views, rng=rng) if not r.reason]
    expected = plan.absent.get(name, ())
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


def _benign(entries: dict[str, Entry], plan: Plan, models: Models, bank: Sequence[Hypothesis], seed: int) -> list[Reach]:
    """The first sets by name that are benign beyond dispute and whose prompts hold dates, times or numbers."""
    found: list[Reach] = []
    for name, entry in sorted(entries.items()):
        if len(found) == plan.benign:
            break
        if entry.calibrates and name not in plan.quiet:
            from poisonscan.readers import read

            if any(slot.kind in _NUMERIC for slot in extract_slots(read(entry.path))):
                found.append(_reach(_read(entry, plan, models), name, False, plan, bank, seed))
    return found


def _triggered(entry: Entry, wanted: bool, seed: int) -> Triggered:
    from poisonscan.readers import read

    dataset = read(entry.path)
    results = test_tokens(dataset, rng=np.random.default_rng(seed))
    named = tuple(f"{result.kind}: {result.trigger[:80]} -> {result.target[:60]}" for result in results if result.is_trigger)
    return Triggered(entry.name, wanted, len(dataset), named[:5])


def _points(name: str, ready: _Set, plan: Plan, seed: int) -> list[Point]:
    """The error rate, then power over rows with every answer true, then over the share of true answers with all rows."""
    n = len(ready.dataset)
    cells = [(n, 0.0, plan.shuffles), *((rows, 1.0, plan.runs) for rows in plan.rows if rows < n)]
    cells += [(n, share, plan.runs) for share in (1.0, *plan.shares)]
    points = []
    for rows, share, runs in cells:
        rate = detection_rate(
            ready.dataset, ready.slots, ready.views, rng=np.random.default_rng([seed, rows, round(1000 * share)]), rows=rows, true_share=share,
            runs=runs, permutations=plan.permutations, alpha=ALPHA, irrelevant=_IRRELEVANT,
        )  # fmt: skip
        points.append(Point(name, rows, share, rate.hits, rate.runs, round(rate.rate, 4), round(rate.low, 4), round(rate.high, 4)))
    return points
