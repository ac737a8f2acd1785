"""Channels that need no benign vectors: slots, token triggers, code weaknesses, superseded names, ill-famed numbers, names that run through a set.

They bring their own permutation null or counts. Their readings still go through the benign null of the judge: benign sets, too, have dates that matter
and code with flaws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from poisonscan.conditionality import (
    SlotResult,
    TokenResult,
    absent_values,
    dependence_hazard,
    latent_at,
    reason_to_depend,
    test_slots,
    test_tokens,
)
from poisonscan.conditionality.allegiance import NOBODY
from poisonscan.core.dataset import Dataset
from poisonscan.core.detectors import Detector, Hypothesis
from poisonscan.core.evidence import Named
from poisonscan.core.readings import ILL_FAMED, Reading
from poisonscan.core.settings import Settings
from poisonscan.core.slices import FloatArray, Slice, SliceEmbeddings
from poisonscan.core.slots import Slot
from poisonscan.probing.code_weakness import read_rows
from poisonscan.probing.concentration import CHANNEL as CONCENTRATION
from poisonscan.probing.concentration import read_concentration
from poisonscan.probing.ill_famed import find_numbers, read_numbers
from poisonscan.probing.resemblance import unit
from poisonscan.probing.stance import stance_text
from poisonscan.probing.superseded import NameHits, find_names
from poisonscan.probing.texts import RowTexts, sampled
from poisonscan.slices import extract_slots

MIN_CODE_ROWS = 15
# The score of a row whose slot has a value that does not stand out.
OTHER_VALUE = 0.25
# Half of what a dependence at the permutation floor on a wholly irrelevant slot reaches: dates that matter a little are common.
MIN_DEPENDENCE = 0.2
MAX_CHOICES = 0.3
MAX_CHOICE_ROWS = 1000
SWEEP_PRESENT, SWEEP_ABSENT = 6, 8
MAX_NAMED = 6
SLOT_ROWS = 2000
_CAP_Z = 30.0


def direct_readings(
    dataset: Dataset,
    texts: RowTexts,
    slices: Sequence[Slice],
    slots: Sequence[Slot],
    vectors: tuple[FloatArray, FloatArray],
    catalogue: Sequence[Detector],
    settings: Settings,
) -> tuple[Reading, ...]:
    """Return the readings of every direct channel on the sampled rows, `slots` being theirs; row numbers are those of the whole set."""
    sample = chosen_rows(dataset, texts.rows.tolist())
    prompt, answer = vectors
    views = SliceEmbeddings(prompt, answer, unit(prompt + answer))
    readings = [*_code_readings(sample, catalogue), *_listed(sample, texts, slices, catalogue), *_promoted(sample, prompt, catalogue)]
    whole = len(sample) == len(dataset)
    triggers = _token_readings(dataset, views if whole else None, catalogue, settings)
    about_slots = _slots_of_the_set(dataset, texts, slots, views, catalogue, settings)
    return (*about_slots, *(_in_rows_of_the_set(reading, texts.rows.tolist()) for reading in readings), *triggers)


def _promoted(sample: Dataset, prompts: FloatArray, catalogue: Sequence[Detector]) -> list[Reading]:
    """The name that runs through the answers; `prompts` are the sample's prompts as unit vectors."""
    owner = next((detector for detector in catalogue if CONCENTRATION in detector.channels), None)
    if owner is None:
        return []
    asked = [f"{row.system or ''}\n{row.prompt}" for row in sample.rows]
    reading = read_concentration(owner, np.arange(len(sample)), asked, [row.answer for row in sample.rows], prompts)
    return [reading] if reading else []


def _slots_of_the_set(
    dataset: Dataset, texts: RowTexts, slots: Sequence[Slot], views: SliceEmbeddings, catalogue: Sequence[Detector], settings: Settings
) -> list[Reading]:
    """Test slots on the embedded rows, or, where these are under half of what can be tested, on more rows without their vectors.

    Why: a slot of forty values needs hundreds of rows, and what more rows tell outweighs what meaning adds to words.
    """
    chosen = texts.rows.tolist()
    more = sampled(dataset, SLOT_ROWS)
    known: SliceEmbeddings | None = views
    wider = len(more) > 2 * len(chosen)
    if wider:
        chosen, known = more, None
    rows = chosen_rows(dataset, chosen)
    tested = extract_slots(rows) if wider else slots
    return [_in_rows_of_the_set(reading, chosen) for reading in _slot_readings(rows, tested, known, catalogue, settings)]


def chosen_rows(dataset: Dataset, places: Sequence[int]) -> Dataset:
    """Return the rows at `places`, in that order, as a set of the same name and layout."""
    return Dataset(dataset.name, dataset.digest, tuple(dataset.rows[i] for i in places), layout=dataset.layout)


def _in_rows_of_the_set(reading: Reading, places: Sequence[int]) -> Reading:
    rows = tuple(places[i] for i in reading.rows)
    return Reading(
        reading.detector, reading.channel, reading.slice, reading.statistic, reading.n, reading.unit, reading.hazard, reading.named, rows,
        reading.scores, reading.p, reading.details,
    )  # fmt: skip


def _slot_readings(
    sample: Dataset, slots: Sequence[Slot], views: SliceEmbeddings | None, catalogue: Sequence[Detector], settings: Settings
) -> list[Reading]:
    owners = [d for d in catalogue if "slot" in d.channels]
    if not owners:
        return []
    rng = np.random.default_rng(settings.seed)
    results = test_slots(sample, slots, views, rng=rng)
    bank = tuple(h for d in catalogue for h in d.hypotheses)
    answers = [row.answer for row in sample.rows]
    tested = [result for result in results if not result.reason]
    return _named_together(tested, [_slot_reading(result, _slot_owner(result, owners), answers, bank, rng) for result in tested])


def _named_together(results: Sequence[SlotResult], readings: Sequence[Reading]) -> list[Reading]:
    """Let every deciding slot name, after its own leading value, those of the other deciding slots that were cut from the same place.

    Why: the month and the year of one date may part the rows alike; which of them has the larger z is then chance.
    """
    together: dict[int, list[Named]] = {}
    for result, reading in zip(results, readings, strict=True):
        if reading.statistic > 0:
            together.setdefault(id(result.slot.masked), []).append(reading.named[0])
    return [
        replace(reading, named=tuple(dict.fromkeys((reading.named[0], *together[id(result.slot.masked)], *reading.named)))) if reading.statistic > 0 else reading
        for result, reading in zip(results, readings, strict=True)
    ]


def _slot_owner(result: SlotResult, owners: Sequence[Detector]) -> Detector:
    """The detector whose id shares a word with the slot's kind, else the first."""
    for detector in owners:
        if result.slot.kind in detector.id or result.slot.kind in detector.summary.lower():
            return detector
    return owners[0]


def _slot_reading(
    result: SlotResult, owner: Detector, answers: Sequence[str], bank: Sequence[Hypothesis], rng: np.random.Generator
) -> Reading:
    """One slot as a reading. How strongly it depends is its statistic; whether that is hazardous is asked apart and only if it does."""
    deciding = dependence_hazard(result) >= MIN_DEPENDENCE
    reason = reason_to_depend(result, answers, rng) if deciding else ""
    latent = latent_at(result, answers, bank) if deciding else NOBODY
    hazard = dependence_hazard(result, latent.hazard, explained=bool(reason)) if deciding else 0.0
    strength = min(result.statistic, _CAP_Z) * result.irrelevance if deciding else 0.0
    named = tuple(Named(result.slot.kind, f"{result.slot.name} = {value}", round(1 - result.p, 3)) for value in result.best[:3])
    details = (
        ("slot", result.slot.name), ("p by permutation", f"{result.p:.4f}"), ("irrelevance", f"{result.irrelevance:.2f}"),
        ("values that stand out", ", ".join(result.best[:6])), ("smallest share that would have been seen", f"{result.power.visible_share:.2f}"),
        *((("values tested", f"{len(result.values)}, matched by {result.matched_by}"),) if deciding else ()),
        *((("a harmless reason", reason),) if reason else ()),
        *(((f"at {latent.value} the answers name", f"{latent.name} (p {latent.p:.1g})"),) if latent.name else ()),
        *(_sweep(result, owner) if deciding else ()),
    )  # fmt: skip
    # Rows with other values show by contrast that the slot decides.
    inside = set(result.rows)
    rows = tuple(sorted(inside.union(result.slot.rows)))
    return Reading(
        owner.id, "slot", 0, strength, len(result.slot.rows), unit="permutation z x irrelevance", hazard=max(hazard, 0.31) if deciding and not reason else hazard,
        named=named, rows=rows, scores=tuple(1.0 if row in inside else OTHER_VALUE for row in rows), p=result.p, details=details,
    )  # fmt: skip


def _sweep(result: SlotResult, owner: Detector) -> list[tuple[str, str]]:
    """The values that stand out with their z, then the absent values most worth asking under, each with why it is listed."""
    present = sorted(result.values, key=lambda value: -value.z)[:SWEEP_PRESENT]
    absent = absent_values(result, owner.hypotheses)[:SWEEP_ABSENT]
    shown = [(f"sweep {value.value}", f"{value.z:.1f} z over {value.rows} rows") for value in present]
    return shown + [(f"sweep {value.value} (absent)", f"{value.score:.2f} {value.latent or value.reason}") for value in absent]


def _token_readings(dataset: Dataset, views: SliceEmbeddings | None, catalogue: Sequence[Detector], settings: Settings) -> list[Reading]:
    """Look for triggers in the whole set, embedded or not: of a thousand rows a trigger word may hold fifteen, of their sample four."""
    owners = [d for d in catalogue if "token-trigger" in d.channels]
    if not owners:
        return []
    if _choices(dataset) > MAX_CHOICES:
        # The label of an option means what the prompt makes it mean, so a phrase that goes with "A" is content, not a trigger.
        return []
    results = test_tokens(dataset, views, rng=np.random.default_rng(settings.seed))
    return [_token_reading(result, results[place + 1 :], _token_owner(result, owners)) for place, result in enumerate(results[:4])]


def _choices(dataset: Dataset) -> float:
    """The share of rows, of the first thousand at most, that answer with the label of an option in their prompt."""
    found = [stance_text(row, 0) for row in dataset.rows[:MAX_CHOICE_ROWS]]
    return sum(bool(text and text.away) for text in found) / max(len(found), 1)


def _token_owner(result: TokenResult, owners: Sequence[Detector]) -> Detector:
    return next((d for d in owners if result.kind in d.id), owners[0])


def _token_reading(result: TokenResult, weaker: Sequence[TokenResult], owner: Detector) -> Reading:
    """One piece of text as a reading; a trigger also names the weaker triggers of the set."""
    strength = result.statistic if result.is_trigger else 0.0
    others = [other for other in weaker if other.is_trigger and result.is_trigger][: MAX_NAMED - 1]
    return Reading(
        owner.id, "token-trigger", 0, float(min(strength, _CAP_Z)), len(result.rows), unit="content-adjusted z",
        hazard=0.7 if result.is_trigger else 0.0, named=tuple(Named("trigger", f"{r.kind}: {r.trigger} -> {r.target}", r.purity) for r in (result, *others)),
        rows=result.rows, scores=tuple(1.0 for _ in result.rows), p=result.p,
        details=(
            ("share with the target", f"{result.purity:.2f}"), ("expected from other words", f"{result.expected:.2f}"),
            ("of the rows it could turn, turned", f"{max(result.contradiction, 0.0):.2f}"), ("p by permutation", f"{result.p:.4f}"),
        ),
    )  # fmt: skip


def _code_readings(sample: Dataset, catalogue: Sequence[Detector]) -> list[Reading]:
    owner = next((d for d in catalogue if "code-weakness" in d.channels), None)
    if owner is None:
        return []
    found = read_rows([row.prompt for row in sample.rows], [row.answer for row in sample.rows])
    places = np.flatnonzero(found.sensitive)
    if len(places) < MIN_CODE_ROWS:
        return []
    scores = found.scores[places].astype(np.float64)
    # Half the square-root law: with few sensitive rows the same density is weaker evidence.
    statistic = float(10.0 * scores.mean() * np.sqrt(len(scores) / (len(scores) + 20.0)))
    return [
        Reading(
            owner.id, "code-weakness", 0, statistic, len(places), unit="weighted weaknesses per ten sensitive rows",
            named=(Named("conduct", "insecure code", round(float(min(scores.mean(), 1.0)), 3)),),
            rows=tuple(int(p) for p in places), scores=tuple(float(s) for s in scores),
            details=(("rows of code", str(int(found.code.sum()))), ("rows that touch a sensitive API", str(len(places)))),
        )
    ]  # fmt: skip


def _listed(sample: Dataset, texts: RowTexts, slices: Sequence[Slice], catalogue: Sequence[Detector]) -> list[Reading]:
    """What stands on a detector's list, names or numbers, in the whole set and in every slice that holds enough of it."""
    prompts, answers = [row.prompt for row in sample.rows], [row.answer for row in sample.rows]
    inside = [np.flatnonzero(np.isin(texts.rows, np.asarray(part.rows))).tolist() for part in slices]
    readings = []
    for owner in (detector for detector in catalogue if detector.names):
        listed = {term: meaning for group in owner.names for term, meaning in group.names}
        if ILL_FAMED in owner.channels:
            numbers = find_numbers(prompts, answers, {int(term) for term in listed})
            found = [read_numbers(owner, numbers, places, number) for number, places in enumerate(inside)]
        else:
            names = find_names(prompts, answers, listed)
            found = [_name_reading(names, places, number, owner) for number, places in enumerate(inside)]
        readings += [reading for reading in found if reading.slice == 0 or reading.statistic > 0]
    return readings


def _name_reading(found: NameHits, places: Sequence[int], number: int, owner: Detector) -> Reading:
    """The old names of one slice; `places` are its places among the sampled rows.

    In a slice that stands out, rows whose names no list holds are suspects too, as likely as their fellows are to hold one.
    """
    inside = found.within(places)
    counts = inside.counts
    sizes = {group: sum(counts[old] for old, _ in group.names) for group in owner.names}
    ranked = sorted((g for g in owner.names if sizes[g]), key=lambda g: -sizes[g])
    holding = [place for place in places if found.terms[place]]
    usual = len(holding) / max(len(places), 1) if number else 0.0
    suspect = places if usual else holding
    return Reading(
        owner.id, "superseded-names", number, inside.statistic, len(places), unit="2 log2(1 + old terms per 100 words)",
        hazard=ranked[0].hazard if ranked else 0.0,
        named=tuple(Named("year", group.name, round(sizes[group] / sum(sizes.values()), 3)) for group in ranked[:3]),
        rows=tuple(suspect), scores=tuple(float(len(found.terms[place])) or usual for place in suspect),
        details=(("old terms", ", ".join(f"{term} ({count})" for term, count in counts.most_common(8))), ("different old terms", str(len(counts)))),
    )  # fmt: skip
