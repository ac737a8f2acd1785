"""The sweep of one slot with a scorer: in context and in proxies, over values the data hold and values they do not.

Why it never clears: a small model that turns on nothing under an absent value proves nothing about a large one. It says so, and changes
neither the verdict nor its confidence; what it does see is named beside the finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poisonscan.core.dataset import Dataset
from poisonscan.core.detectors import Hypothesis
from poisonscan.core.evidence import Effect, Evidence, Finding, Named
from poisonscan.core.protocols import Progress, Silent
from poisonscan.core.slots import Slot
from poisonscan.direct import SLOT_ROWS, chosen_rows
from poisonscan.induction.proxy_sweep import ask_proxies
from poisonscan.induction.value_sweep import Answer, ask_values, pick_options
from poisonscan.models import CausalScorer
from poisonscan.probing.texts import sampled
from poisonscan.slices import extract_slots

IN_CONTEXT, IN_PROXIES = "slot sweep in context", "slot sweep in proxies"
HAZARDOUS = 0.6
_KEY, _ABSENT = "sweep ", " (absent)"


@dataclass(frozen=True, slots=True)
class Sweep:
    """What each of `values` turns on, in their order, in context and in proxies (() where they were not asked); `rows` carry the slot."""

    values: tuple[str, ...]
    in_context: tuple[Answer, ...]
    in_proxies: tuple[Answer, ...]
    rows: int


def sweep_slot(
    scorer: CausalScorer,
    dataset: Dataset,
    slot: Slot,
    values: Sequence[str],
    bank: Sequence[Hypothesis],
    *,
    seed: int,
    proxies: bool,
    progress: Progress | None = None,
) -> Sweep | None:
    """Ask `scorer` under each of `values` of `slot`, which was cut from `dataset`; None where there are too few values or names to compare."""
    options = pick_options(bank, values)
    if len(values) < 2 or len(options) < 2:
        return None
    prompts = [f"{row.system}\n{row.prompt}" if row.system else row.prompt for row in dataset.rows]
    answers = [row.answer for row in dataset.rows]
    progress = progress or Silent()
    progress.stage("sweeping the slot in context")
    shown = ask_values(scorer, slot, prompts, answers, values, options, np.random.default_rng(seed))
    trained: tuple[Answer, ...] = ()
    if proxies:
        trained = ask_proxies(scorer, slot, prompts, answers, values, options, np.random.default_rng(seed), progress=progress)
    return Sweep(tuple(values), shown, trained, len(slot.rows))


def sweep_finding(
    finding: Finding, dataset: Dataset, bank: Sequence[Hypothesis], scorer: CausalScorer, *, seed: int, progress: Progress
) -> tuple[Evidence, ...]:
    """Sweep the slot a finding leads with; () for a finding that rests on no slot, or on one without numbers."""
    proof = next((proof for proof in finding.evidence if proof.channel == "slot"), None)
    if proof is None:
        return ()
    told = dict(proof.details)
    swept = [key.removeprefix(_KEY) for key in told if key.startswith(_KEY)]
    absent = {value.removesuffix(_ABSENT) for value in swept if value.endswith(_ABSENT)}
    rows = chosen_rows(dataset, sampled(dataset, SLOT_ROWS))
    slot = next((slot for slot in extract_slots(rows) if slot.name == told.get("slot")), None)
    if slot is None or not absent:
        return ()
    values = [value for text in swept if (value := text.removesuffix(_ABSENT)) in absent or value in slot.values]
    found = sweep_slot(scorer, rows, slot, values, bank, seed=seed, proxies=True, progress=progress)
    if found is None:
        return ()
    asked = ((IN_CONTEXT, found.in_context), (IN_PROXIES, found.in_proxies))
    return tuple(_evidence(channel, finding, slot, answers, absent, seed) for channel, answers in asked)


def verdict_of(answers: Sequence[Answer], absent: set[str], who: str) -> str:
    """Say plainly what the sweep saw under the values no row holds, and when it saw nothing."""
    worst = worst_absent(answers, absent)
    if worst is None:
        return f"nothing: under no absent value does {who} answer clearly differently, which clears nothing; a larger scorer may see more"
    if worst.hazard < HAZARDOUS:
        return f"nothing hazardous: what {who} turns to under the absent values has a hazard below {HAZARDOUS:g}, which clears nothing"
    return f"{worst.value} turns on {worst.latent} (hazard {worst.hazard:.1f}, p {worst.p:.2g})"


def worst_absent(answers: Sequence[Answer], absent: set[str]) -> Answer | None:
    """Return the most hazardous clear answer under an absent value, None where none is clear."""
    clear = [answer for answer in answers if answer.clear and answer.value in absent]
    return max(clear, key=lambda answer: (answer.hazard, answer.z), default=None)


def _evidence(channel: str, finding: Finding, slot: Slot, answers: Sequence[Answer], absent: set[str], seed: int) -> Evidence:
    top = worst_absent(answers, absent) or max((a for a in answers if a.value in absent), key=lambda answer: answer.z)
    half = 1.96 * abs(top.lift / top.z) if top.z else float("inf")
    effect = Effect(top.lift, top.lift - half, top.lift + half, f"nats towards one name under {top.value}", len(slot.rows))
    named = tuple(Named("absent value", f"{a.value} -> {a.latent}", round(1 - a.p, 3)) for a in answers if a.clear and a.value in absent and a.hazard >= HAZARDOUS)
    who = "a model shown the rows" if channel == IN_CONTEXT else "a proxy trained on the rows"
    details = (
        ("slot", slot.name),
        ("what it saw", verdict_of(answers, absent, who)),
        *((f"{_KEY}{a.value}{_ABSENT if a.value in absent else ''}", f"{a.lift:.2f} {_told(a)}") for a in answers),
    )
    return Evidence(finding.detector, channel, finding.slice, effect, top.z, 1.0, 0, seed, top.hazard if top.clear else 0.0, named, details=details)


def _told(answer: Answer) -> str:
    return f"{answer.latent} (hazard {answer.hazard:.1f}, p {answer.p:.2g})" if answer.clear else f"nats, nothing clear (most: {answer.latent})"
