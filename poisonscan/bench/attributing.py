"""How well a verdict ranks the poison rows of a set whose poison is known."""

from __future__ import annotations

from collections.abc import Sequence

from poisonscan.attribution import neighbours, suspicion
from poisonscan.core.readings import Measured, Reading
from poisonscan.judge import HAZARDOUS, SUPPORTING, Verdict
from poisonscan.stats.ranking import average_precision

# A control that shares so many of an attack's rows is the attack before it was poisoned.
SAME_BASE = 0.8


def telling_readings(verdict: Verdict) -> list[Reading]:
    """Return the readings a verdict rests on: those of its findings, else the most surprising one that carries rows."""
    found = [(f.detector, f.stage) for f in verdict.findings if f.severity != "info"]
    if found:
        return [w.reading for w in verdict.weighed if (w.reading.detector, w.reading.channel) in found and w.reading.rows]
    carrying = [w.reading for w in verdict.weighed if w.reading.rows]
    decisive = [r for r in carrying if r.hazard >= HAZARDOUS and r.channel not in SUPPORTING]
    return (decisive or carrying)[:1]


def row_precision(verdict: Verdict, measured: Measured, poison: Sequence[bool]) -> float | None:
    """Return the average precision of the rows' ranking, in [0, 1], ties in the worst order; None where all rows or none are poison.

    All rows are ranked, not the fifty a report shows. The ranking of a random order is the share of poison; every finding counts alike, so
    what is found beside the poison costs precision.
    """
    if all(poison) or not any(poison):
        return None
    scores = suspicion(telling_readings(verdict), measured, neighbours(measured), len(poison))
    return round(average_precision(poison, scores), 4)


def known_poison(attack: Sequence[str], control: Sequence[str]) -> tuple[bool, ...] | None:
    """Return per row of `attack` (content keys) whether it is missing in `control`; None unless the two have most rows in common."""
    base = set(control)
    flags = tuple(key not in base for key in attack)
    return flags if attack and 1 - sum(flags) / len(flags) >= SAME_BASE else None
