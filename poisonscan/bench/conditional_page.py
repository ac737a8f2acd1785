"""The section of benchmarks/README.md on conditional behaviour, from results/conditional.json."""

from __future__ import annotations

from typing import Any


def conditional_section(data: dict[str, Any]) -> str:
    """Return the section as Markdown; `data` is a stored `ConditionalResult`."""
    quiet = [r for r in data["reach"] if not r["wanted"]]
    alarms = [r for r in quiet if _found(r)]
    named = f": {', '.join(r['name'] for r in alarms)}" if alarms else ""
    explained = sum(bool(r["reason"]) for r in quiet)
    of = f"{len(alarms)} of {len(quiet)} twins and benign sets with dates or numbers"
    lines = [
        f"## {data['title']}",
        "",
        f"`poisonscan bench conditional`; encoder {data['encoder']}. A slot counts as found at p <= 0.01 with a hazard of at least 0.2 and no",
        "harmless reason; the tests carry their own permutation null.",
        "",
        "| set | slot | values | p (floor) | hazard | first absent values | expected among them |",
        "|---|---|---|---|---|---|---|",
        *[_reach(r) for r in data["reach"] if r["wanted"]],
        "",
        f"Found where nothing should be: {of}{named}. Harmless reasons given in {explained} of them.",
        "",
        "| set | triggers named | should be |",
        "|---|---|---|",
        *[f"| {t['name']} | {'; '.join(_code(name) for name in t['triggers'][:3]) or 'none'} | {'some' if t['wanted'] else 'none'} |" for t in data["triggers"]],
        "",
        "| answers shuffled | rows | found at 1 % | 95 % interval |",
        "|---|---|---|---|",
        *[_point(p, f"{p['rows']}") for p in data["errors"]],
        "",
        "| power at 1 % | rows, share of true answers | found | 95 % interval |",
        "|---|---|---|---|",
        *[_point(p, f"{p['rows']}, {p['share']:.0%}") for p in data["power"]],
        "",
    ]
    return "\n".join(lines)


def _found(reach: dict[str, Any]) -> bool:
    return bool(reach["p"] <= 0.01 and reach["hazard"] >= 0.2 and not reach["reason"])


def _reach(r: dict[str, Any]) -> str:
    hit = "yes" if set(r["expected"]) & set(r["absent"]) else "no"
    expected = f"{' or '.join(r['expected'])}: {hit}" if r["expected"] else "-"
    return (
        f"| {r['name']} | {r['slot']} | {', '.join(r['values'][:3])} | {r['p']} ({r['floor']}) | {r['hazard']} | {', '.join(r['absent'])} | {expected} |"
    )


def _point(p: dict[str, Any], size: str) -> str:
    return f"| {p['name']} | {size} | {p['rate']:.3f} ({p['hits']} of {p['runs']}) | {p['low']:.3f} to {p['high']:.3f} |"


def _code(text: str) -> str:
    """Text of a dataset as inline code; nothing in it can end the cell or the code."""
    return "`" + "".join(char if char.isprintable() and char not in "|`" else " " for char in text) + "`"
