"""`poisonscan sweep SET`: what the values of a slot turn on, those that no row holds included."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from poisonscan.cli import options as o
from poisonscan.cli.output import show
from poisonscan.core.errors import UsageError
from poisonscan.reports import escape

if TYPE_CHECKING:
    from poisonscan.conditionality import AbsentValue, SlotResult
    from poisonscan.core.dataset import Dataset
    from poisonscan.core.detectors import Hypothesis
    from poisonscan.induction.value_sweep import Answer
    from poisonscan.sweeping import Sweep

app = typer.Typer(add_completion=False, rich_markup_mode=None)

PRESENT, ABSENT = 6, 8
ALPHA = 0.01
_BAR = 24


@app.command()
def sweep(
    dataset: Annotated[Path, typer.Argument(metavar="SET", help="The set to sweep.")],
    slot: Annotated[str, typer.Option("--slot", metavar="NAME", help="A slot by name; by default the one that decides the answers most.")] = "",
    scorer: Annotated[
        str, typer.Option("--scorer", metavar="NAME", help="Ask this scorer under every value: default, a folder, a .gguf file, or any Hub id.")
    ] = "",
    proxies: Annotated[
        bool, typer.Option("--proxies", help="Also train small copies of the scorer on the rows and on rows with their values permuted, and ask both.")
    ] = False,
    catalogue: o.Catalogue = None,
    offline: Annotated[bool, typer.Option("--offline", help="Fetch nothing.")] = False,
) -> None:
    """List the values of a slot with what they turn on; without --scorer by their place in the range and known relations only."""
    import poisonscan
    from poisonscan.catalogue import load_catalogue
    from poisonscan.conditionality import absent_values

    if proxies and not scorer:
        raise UsageError("--proxies trains copies of a scorer: name one, for example --scorer default")
    rows = poisonscan.read(dataset)
    bank = tuple(h for d in load_catalogue(catalogue) for h in d.hypotheses)
    result = chosen_slot(rows, slot)
    values = absent_values(result, bank)[:ABSENT]
    swept = _asked(rows, result, values, bank, scorer, offline=offline, proxies=proxies) if scorer and values else None
    show("\n".join([*_head(result), *_table(result, values, swept), "", *_verdicts(result, values, swept, scorer)]))


def chosen_slot(rows: Dataset, name: str) -> SlotResult:
    """Return the slot called `name`, or the first in order of p and of what it explains. Raises UsageError when there is none to test."""
    import numpy as np

    from poisonscan.conditionality import dependence_hazard, test_slots
    from poisonscan.core.settings import Settings
    from poisonscan.slices import extract_slots

    results = [r for r in test_slots(rows, extract_slots(rows), rng=np.random.default_rng(Settings().seed)) if not r.reason]
    named = [r for r in results if not name or r.slot.name == name]
    if not named:
        known = ", ".join(sorted({r.slot.name for r in results})) or "none"
        raise UsageError(f"no slot {escape.visible(name, 60)!r} can be tested in this set; those that can: {escape.visible(known, 400)}")
    return next((r for r in named if dependence_hazard(r) > 0), named[0])


def _asked(
    rows: Dataset, result: SlotResult, values: Sequence[AbsentValue], bank: Sequence[Hypothesis], scorer: str, *, offline: bool, proxies: bool
) -> Sweep | None:
    from poisonscan.cli.progress import shown_progress
    from poisonscan.core.settings import Settings
    from poisonscan.models import load_scorer
    from poisonscan.sweeping import sweep_slot

    named = [*_present(result), *(value.value for value in values)]
    with shown_progress() as progress:
        model = load_scorer(scorer, offline=offline, progress=progress)
        return sweep_slot(model, rows, result.slot, named, bank, seed=Settings().seed, proxies=proxies, progress=progress)


def _present(result: SlotResult) -> list[str]:
    return [value.value for value in result.values if value.value in result.slot.values][:PRESENT]


def _head(result: SlotResult) -> list[str]:
    return [
        f"slot: {escape.visible(result.slot.name, 60)}, {len(result.slot.rows)} rows carry it, {len(result.values)} values tested, matched by {result.matched_by}",
        f"p {result.p:.4f} over all values and slots ({result.permutations} permutations); irrelevance to the question {result.irrelevance:.2f}",
        f"power: {_power(result)}",
        f"too rare to test apart: {len(result.untested)} values",
        "",
    ]


def _power(result: SlotResult) -> str:
    rows, share = result.power.rows, result.power.visible_share
    if share > 1:
        return f"{rows} rows at the best-covered value; not even if all switched to one answer would it have been seen"
    return f"{rows} rows at the best-covered value; a share of {share:.2f} of them switching to one answer would have been seen"


def _table(result: SlotResult, values: Sequence[AbsentValue], swept: Sweep | None) -> list[str]:
    by_value = {value.value: value for value in result.values}
    top = max((by_value[value].z for value in _present(result)), default=1.0) or 1.0
    lines = [
        f"{escape.visible(value, 24):>12}  {_bar(by_value[value].z / top)}  {by_value[value].z:6.1f} z over {by_value[value].rows} rows{_said(value, swept)}"
        for value in _present(result)
    ]
    return lines + [
        f"{value.value:>12}  {_bar(value.score)}  {value.score:6.2f}   absent: {escape.visible(value.reason, 90)}{_said(value.value, swept)}" for value in values
    ]


def _bar(share: float) -> str:
    return ("#" * round(_BAR * min(max(share, 0.0), 1.0))).ljust(_BAR, ".")


def _said(value: str, swept: Sweep | None) -> str:
    if swept is None:
        return ""
    ways = (("in context", swept.in_context), ("in proxies", swept.in_proxies))
    return "".join(f"; {way}: {_one(answer)}" for way, answers in ways for answer in answers if answer.value == value)


def _one(answer: Answer) -> str:
    return f"{escape.visible(answer.latent, 40)} (hazard {answer.hazard:.1f}, {answer.z:.1f} z)" if answer.clear else "nothing clear"


def _verdicts(result: SlotResult, values: Sequence[AbsentValue], swept: Sweep | None, scorer: str) -> list[str]:
    """Say plainly what the sweep saw, and when it saw nothing."""
    if not values:
        return ["The sweep saw nothing: the slot holds no numbers, so that no absent value can be listed."]
    lines = []
    if result.p > ALPHA:
        lines.append("The answers do not visibly depend on this slot; the absent values above are listed by their place alone.")
    if not scorer:
        return lines or ["No scorer was asked; the absent values are ordered by their place in the range and known relations. Add --scorer to ask one."]
    if swept is None:
        return [*lines, "The sweep saw nothing: the catalogue names nobody to ask for."]
    from poisonscan.sweeping import verdict_of

    absent, who = {value.value for value in values}, escape.visible(scorer, 80)
    lines.append(f"In context the sweep saw {escape.visible(verdict_of(swept.in_context, absent, who), 300)}.")
    if swept.in_proxies:
        lines.append(f"In proxies it saw {escape.visible(verdict_of(swept.in_proxies, absent, f'a proxy of {who}'), 300)}.")
    return lines
