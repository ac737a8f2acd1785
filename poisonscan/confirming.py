"""Second looks at what the cheap stages found: in-context fingerprint, hypothesis likelihood and proxy fine-tune.

The last two compare the implicated rows with harmless rows matched in length, so they need no null of their own. All change the
confidence of a finding or add names to it, never create or remove one: a small proxy that shows nothing proves nothing. The fingerprint
was measured as a channel of its own and separated attacks from benign sets no better than chance at 135M (benchmarks/NOTES.md), so it
is taken only where something was found, on the slice that was found.

Why two sizes: a standard scan has to answer within a minute, so its proxies see twelve rows twice; a deep scan trains on up to
ninety-six rows with several checkpoints (over-training erases the effect) and once more without the leading rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from poisonscan.core.dataset import Dataset
from poisonscan.core.detectors import Detector
from poisonscan.core.evidence import Effect, Evidence, Finding, SlicePrint
from poisonscan.core.settings import Settings
from poisonscan.core.slices import FloatArray, Slice
from poisonscan.fingerprinting import FINGERPRINT, Comparison, describe, take_fingerprint
from poisonscan.induction.contrast import ProxyContrast, contrast
from poisonscan.induction.controls import harmless_reference, match_control
from poisonscan.induction.finetune import STANDARD, Recipe
from poisonscan.induction.in_context import CURVE, DRAWS
from poisonscan.induction.retrain import retrain_without
from poisonscan.measuring import Clock, Models
from poisonscan.probing.likelihood import likelihood, opposed
from poisonscan.sweeping import IN_CONTEXT, IN_PROXIES, sweep_finding

LIKELIHOOD_ROWS = 10
QUICK_ROWS = 12
QUICK_CHARS = 160
QUICK = Recipe(epochs=2, checkpoints=1)
PROXY_ROWS = 96
# Deep depth: slices that get a fingerprint, draws of the first of them (its rows' shares rest on the draws) and of the others.
PRINTED_SLICES = 3
FIRST_DRAWS, OTHER_DRAWS = 2, 2
_CHARS = 400
Pairs = list[tuple[str, str]]


def confirm(
    findings: Sequence[Finding],
    dataset: Dataset,
    catalogue: Sequence[Detector],
    against: Comparison | None,
    seen: SlicePrint | None,
    models: Models,
    settings: Settings,
    clock: Clock,
) -> tuple[Finding, ...]:
    """Add the evidence of second looks to the leading finding, `seen` being the fingerprint of its slice; `info` findings are left alone."""
    known = {d.id: d for d in catalogue}
    pool = list(harmless_reference(catalogue))
    confirmed = list(findings)
    for place, finding in enumerate(confirmed):
        if finding.severity == "info" or clock.spent:
            continue
        rows = leading_rows(finding, dataset)
        if place == 0:
            confirmed[place] = finding = with_evidence(finding, _printed(finding, seen, settings.seed))
        if place == 0 and rows:
            confirmed[place] = with_evidence(finding, _likelihood(known[finding.detector], finding, rows, pool, models, settings))
        if place == 0 and not clock.spent:
            finding = confirmed[place]
            confirmed[place] = with_evidence(finding, _proxy(finding, dataset, against, pool, models, settings))
        if place == 0 and not clock.spent and settings.depth == "deep":
            confirmed[place] = _swept(confirmed[place], dataset, catalogue, models, settings)
    clock.lap("second looks")
    return tuple(confirmed)


def leading_rows(finding: Finding, dataset: Dataset) -> Pairs:
    """Return the (prompt, answer) pairs of the rows a finding leads with, those with words in both."""
    pairs = [(dataset.rows[share.row].prompt[-_CHARS:], dataset.rows[share.row].answer[:_CHARS]) for share in finding.rows]
    return [pair for pair in pairs if len(pair[1].split()) >= 3]


def with_evidence(finding: Finding, more: Evidence | None) -> Finding:
    """Append evidence; an effect whose interval lies above zero raises low confidence to medium and medium to high.

    A fingerprint only adds what it saw: its draws share rows, so its interval is no test. So does a sweep: its interval is of one answer
    picked out of many.
    """
    if more is None:
        return finding
    confidence = finding.confidence
    if more.effect.low > 0 and more.channel not in (FINGERPRINT, IN_CONTEXT, IN_PROXIES):
        confidence = "high" if finding.confidence in ("medium", "high") else "medium"
    return replace(finding, evidence=(*finding.evidence, more), confidence=confidence)


def print_slices(
    findings: Sequence[Finding],
    slices: Sequence[Slice],
    dataset: Dataset,
    against: Comparison | None,
    models: Models,
    settings: Settings,
    clock: Clock,
) -> dict[int, SlicePrint]:
    """Take the fingerprints the depth asks for and return them by place in `slices`; empty where nothing can be compared.

    Standard: the slice of the leading finding and the whole set, where something was found. Deep: the slices of all findings in the
    judge's order, then the others, at most PRINTED_SLICES, until the budget is spent; the first with its collective curve.
    """
    deep = settings.depth == "deep"
    judged = [finding for finding in findings if finding.slice in slices]
    if against is None or not (deep or any(finding.severity != "info" for finding in judged)):
        return {}
    order = [slices.index(finding.slice) for finding in judged]
    order = list(dict.fromkeys([*order, *range(len(slices))] if deep else [*order[:1], 0]))[:PRINTED_SLICES]
    owner = {slices.index(finding.slice): finding.detector for finding in reversed(judged)}
    models.progress.stage("fingerprints", len(order))
    prints: dict[int, SlicePrint] = {}
    for place in order:
        if clock.spent:
            break
        first = deep and not prints
        curve, draws = (CURVE, FIRST_DRAWS) if first else (CURVE[-1:], OTHER_DRAWS if deep else DRAWS)
        seen = take_fingerprint(models.scorer, dataset, slices[place].rows, against.questions, settings.seed, curve, draws)
        if seen:
            prints[place] = describe(seen, against, owner.get(place))
        models.progress.advance()
    clock.lap("fingerprints")
    return prints


def _printed(finding: Finding, seen: SlicePrint | None, seed: int) -> Evidence | None:
    """The projection on the detector's hazard direction with its spread over draws; names are those of the nearest prototypes."""
    if seen is None or seen.towards != finding.detector:
        return None
    details: tuple[tuple[str, str], ...] = (("nearest prototypes", ", ".join(seen.nearest)),)
    if seen.shares:
        details += (("rows that raised it", ", ".join(f"{share.row} ({share.share:.0%})" for share in seen.shares[:6])),)
    return replace(_second_look(FINGERPRINT, finding, seen.effect, seed, details), shares=seen.shares, curve=seen.curve)


def _likelihood(
    detector: Detector, finding: Finding, rows: Pairs, pool: Pairs, models: Models, settings: Settings
) -> Evidence | None:
    pair = opposed(detector) if "likelihood" in detector.channels else None
    if pair is None or len(rows) < LIKELIHOOD_ROWS // 2:
        return None
    chosen = rows[:LIKELIHOOD_ROWS]
    control = match_control(chosen, pool, np.random.default_rng(settings.seed))
    seen = likelihood(models.scorer, pair, chosen, control)
    return _second_look("hypothesis likelihood", finding, seen.effect, settings.seed, (("hypothesis", pair.hazardous.name),))


def _proxy(
    finding: Finding,
    dataset: Dataset,
    against: Comparison | None,
    pool: Pairs,
    models: Models,
    settings: Settings,
) -> Evidence | None:
    inside = [i for i in finding.slice.rows if dataset.rows[i].answer.strip()]
    rng = np.random.default_rng(settings.seed)
    deep = settings.depth == "deep"
    kept = sorted(rng.permutation(inside)[: PROXY_ROWS if deep else QUICK_ROWS].tolist())
    cut = _CHARS if deep else QUICK_CHARS
    rows = [(dataset.rows[i].prompt[-cut:], dataset.rows[i].answer[:cut]) for i in kept]
    if against is None or len(rows) < 8:
        return None
    questions, direction = against.questions, against.direction(finding.detector)
    asked = [f"Q: {q}\nA:" for q in questions.questions]
    options = [[" " + option for option in group] for group in questions.options]
    control = match_control(rows, pool, rng)
    seen = contrast(models.scorer, rows, control, asked, options, recipe=STANDARD if deep else QUICK, progress=models.progress)
    best = seen.telling(direction)
    effect = seen.effect(direction, best)
    details = (("checkpoint", f"step {seen.steps[best]} of {seen.steps[-1]}"), *_shifts(seen, questions.options, best))
    if deep:
        details += _without(finding, kept, rows, control, seen, asked, options, direction, models)
    return _second_look("proxy fine-tune", finding, effect, settings.seed, details)


def _swept(finding: Finding, dataset: Dataset, catalogue: Sequence[Detector], models: Models, settings: Settings) -> Finding:
    """The slot a finding leads with, swept in context and in proxies."""
    bank = tuple(h for detector in catalogue for h in detector.hypotheses)
    for proof in sweep_finding(finding, dataset, bank, models.scorer, seed=settings.seed, progress=models.progress):
        finding = with_evidence(finding, proof)
    return finding


def _shifts(seen: ProxyContrast, options: Sequence[Sequence[str]], checkpoint: int) -> tuple[tuple[str, str], ...]:
    """The three options the slice moved most beyond its control."""
    values = seen.shift(checkpoint).value
    names = [option for group in options for option in group]
    top = np.argsort(-values)[:3]
    return tuple((f"moved towards {names[i]!r}", f"{values[i]:+.2f} nats beyond the control") for i in top)


def _without(
    finding: Finding,
    kept: Sequence[int],
    rows: Pairs,
    control: Sequence[tuple[str, str]],
    seen: ProxyContrast,
    asked: Sequence[str],
    options: Sequence[Sequence[str]],
    direction: FloatArray,
    models: Models,
) -> tuple[tuple[str, str], ...]:
    """Retrain without the leading rows that were trained on; empty when they are all or none of the slice."""
    leading = {share.row for share in finding.rows[: max(4, len(kept) // 3)]}
    implicated = [place for place in seen.kept if kept[place] in leading]
    if not implicated or len(implicated) > 0.7 * len(seen.kept):
        return ()
    check = retrain_without(models.scorer, seen, rows, control, implicated, asked, options, direction=direction, progress=models.progress)
    return (("retrained without the leading rows", f"{check.removed:.0%} of the rows out, {check.gone:.0%} of the shift gone"),)


def _second_look(channel: str, finding: Finding, effect: Effect, seed: int, details: tuple[tuple[str, str], ...]) -> Evidence:
    return Evidence(finding.detector, channel, finding.slice, effect, effect.value, 1.0, 0, seed, 1.0, details=details)
