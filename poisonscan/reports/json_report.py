"""json: the frozen, versioned report. Every other program reads this one.

Why non-finite numbers become null: JSON has no word for them, and a reader that meets `NaN` refuses the whole file.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence

from poisonscan.core.dataset import Location
from poisonscan.core.evidence import Effect, Evidence, Finding, Named, RowShare, Skipped, SlicePrint
from poisonscan.core.report import Report
from poisonscan.core.slices import Slice
from poisonscan.reports.escape import json_text

SEVERAL = "poisonscan.reports/1"
JsonObject = dict[str, object]
# a list of whole numbers over several lines, which no string can hold: JSON strings have no line breaks
_WHOLE_NUMBERS = re.compile(r"\[\n\s*((?:\d+,\n\s*)*\d+)\n\s*\]")


def render_json(reports: Sequence[Report]) -> str:
    """Return one report as an object; several as `{"schema": "poisonscan.reports/1", "reports": [...]}`."""
    objects = [to_json_dict(report) for report in reports]
    whole: JsonObject = objects[0] if len(objects) == 1 else {"schema": SEVERAL, "reports": objects}
    return dumped(whole, indent=2) + "\n"


def dumped(value: object, indent: int | None = None) -> str:
    """Return strict ASCII JSON that holds nothing a terminal or a CI runner obeys."""
    text = json.dumps(value, indent=indent, allow_nan=False, ensure_ascii=True)
    return json_text(_WHOLE_NUMBERS.sub(lambda found: "[" + ", ".join(found[1].replace(",", " ").split()) + "]", text))


def to_json_dict(report: Report) -> JsonObject:
    """Return the report as plain JSON values, in the frozen order of keys (report.schema.json)."""
    tool, dataset = report.tool, report.dataset
    return {
        "schema": report.schema,
        "tool": {
            "version": tool.version,
            "catalogue": tool.catalogue,
            "scorer": tool.scorer,
            "encoder": tool.encoder,
            "depth": tool.depth,
            "seed": tool.seed,
            "calibrated": tool.calibrated,
        },
        "dataset": {
            "path": dataset.path,
            "digest": dataset.digest,
            "rows": dataset.rows,
            "unreadable": dataset.unreadable,
            "layout": dataset.layout,
            "notes": list(dataset.notes),
        },
        "outcome": report.outcome,
        "score": finite(report.score),
        "findings": [finding_dict(finding, report) for finding in report.findings],
        "cleared": [
            {"code": c.code, "detector": c.detector, "p": finite(c.p), "visible_effect": finite(c.visible_effect), "unit": c.unit}
            for c in report.cleared
        ],
        "skipped": [skipped_dict(entry) for entry in report.skipped],
        "unreadable": [{"location": str(u.location), **_place(u.location), "reason": u.reason} for u in report.unreadable],
        "rows": [
            {"index": r.index, "location": str(r.location), **_place(r.location), "key": r.key, "excerpt": r.excerpt} for r in report.rows
        ],
        "slices": [
            {"name": s.name, "found_by": s.found_by, "rows": s.rows, "terms": list(s.terms), "fingerprint": _print(s.fingerprint)}
            for s in report.slices
        ],
        "points": [{"index": index, "x": finite(x), "y": finite(y), "slice": name} for index, x, y, name in report.points],
        "timings": {name: finite(seconds) for name, seconds in report.timings},
    }


def finding_dict(finding: Finding, report: Report) -> JsonObject:
    """Return one finding as plain JSON values."""
    locations = {row.index: str(row.location) for row in report.rows}
    return {
        "code": finding.code,
        "detector": finding.detector,
        "title": finding.title,
        "message": finding.message,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "scope": finding.scope,
        "stage": finding.stage,
        "named": _named(finding.named),
        "p": finite(finding.p),
        "effect": _effect(finding.effect),
        "rows": [{"index": s.row, "location": locations.get(s.row), "share": finite(s.share), "method": s.method} for s in finding.rows],
        "slice": _slice(finding.slice),
        "evidence": [_evidence(proof) for proof in finding.evidence],
    }


def skipped_dict(entry: Skipped) -> JsonObject:
    """Return one skipped detector as plain JSON values."""
    return {"code": entry.code, "detector": entry.detector, "reason": entry.reason, "limits": entry.limits}


def finite(value: float) -> float | None:
    """Return `value`, None where it is infinite or not a number."""
    return float(value) if math.isfinite(value) else None


def _evidence(proof: Evidence) -> JsonObject:
    return {
        "detector": proof.detector,
        "channel": proof.channel,
        "slice": _slice(proof.slice),
        "effect": _effect(proof.effect),
        "statistic": finite(proof.statistic),
        "p": finite(proof.p),
        "null_n": proof.null_n,
        "seed": proof.seed,
        "hazard": finite(proof.hazard),
        "named": _named(proof.named),
        "shares": _shares(proof.shares),
        "details": [[key, value] for key, value in proof.details],
        "curve": [[rows, finite(value)] for rows, value in proof.curve],
    }


def _print(seen: SlicePrint | None) -> JsonObject | None:
    if seen is None:
        return None
    return {
        "nearest": list(seen.nearest),
        "towards": seen.towards,
        "effect": _effect(seen.effect),
        "curve": [[rows, finite(value)] for rows, value in seen.curve],
        "shares": _shares(seen.shares),
    }


def _named(named: Sequence[Named]) -> list[JsonObject]:
    return [{"kind": n.kind, "value": n.value, "score": finite(n.score)} for n in named]


def _shares(shares: Sequence[RowShare]) -> list[JsonObject]:
    return [{"index": s.row, "share": finite(s.share), "method": s.method} for s in shares]


def _effect(effect: Effect) -> JsonObject:
    return {"value": finite(effect.value), "low": finite(effect.low), "high": finite(effect.high), "unit": effect.unit, "n": effect.n}


def _slice(slice_: Slice) -> JsonObject:
    return {"name": slice_.name, "found_by": slice_.found_by, "rows": list(slice_.rows), "terms": list(slice_.terms)}


def _place(location: Location) -> JsonObject:
    return {"file": location.file, "line": location.line, "record": location.record}
