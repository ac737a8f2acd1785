"""Two tables of the benchmark page: what simple scores reach on the same sets, and how detection falls as poison is diluted."""

from __future__ import annotations

from typing import Any


def baseline_lines(data: dict[str, Any]) -> list[str]:
    """Return the table of baselines of a suite's result; nothing where it has none."""
    baselines = data.get("baselines") or {}
    if not baselines:
        return []
    return [
        "| simple score, same sets | AUC | 95 % interval | TPR at 1 % | TPR at 5 % |",
        "|---|---|---|---|---|",
        *[
            f"| {name}: {b['what']} | {b['auc']:.3f} | {b['auc_low']:.3f} to {b['auc_high']:.3f} | {b['tpr_at_1']['value']:.2f} "
            f"| {b['tpr_at_5']['value']:.2f} |"
            for name, b in baselines.items()
        ],
        "",
    ]


def dilution_section(data: dict[str, Any]) -> str:
    """Return the section of a dilution suite: one line per plan and share."""
    diluted = data["diluted"]
    alarms = diluted["false_alarms"]
    lines = [
        f"## {data['title']}",
        "",
        (f"`poisonscan bench run {data['suite']}`: {len(diluted['mixtures'])} mixtures, {_left_out(diluted['impossible'])}; "
        f"{diluted['minutes']} minutes of measuring, {data['peak_gigabytes']} GiB at the peak. False alarms on benign mixtures: "
        f"{alarms['hits']} of {alarms['of']} ({alarms['low']:.3f} to {alarms['high']:.3f})."),
        "",
        "| plan | poison | found | 95 % interval | above every benign mixture | named right | row precision (by chance) | missed |",
        "|---|---|---|---|---|---|---|---|",
        *[_cell(cell) for cell in diluted["cells"] if cell["found"]["of"]],
        "",
    ]
    return "\n".join(lines)


def _left_out(entries: list[dict[str, Any]]) -> str:
    """Count the mixtures that are not there, by reason."""
    late = sum(entry["reason"].startswith("not measured") for entry in entries)
    few = len(entries) - late
    return f"{few} not possible because an attack or its host has too few rows" + (f", {late} not measured for want of time" if late else "")


def _cell(cell: dict[str, Any]) -> str:
    found, above, naming = cell["found"], cell["above"], cell["naming"]
    precision = "" if cell["mean_precision"] is None else f"{cell['mean_precision']:.2f} ({cell['prevalence']:.2f})"
    return (
        f"| {cell['mode']}, {cell['share']:.0%} | {cell['poison']} of {cell['total']} | {found['hits']} of {found['of']} "
        f"| {found['low']:.2f} to {found['high']:.2f} | {above['hits']} of {above['of']} | {naming['hits']} of {naming['of']} | {precision} "
        f"| {', '.join(cell['missed'])} |"
    )
