"""Who delivers what: sets and vendors with intervals, and false discoveries held down over all of them.

A set's p is 10 ** -score. Sets: Benjamini-Hochberg over all sets that were looked at. Vendors: the Bonferroni minimum over a vendor's
sets, then Benjamini-Hochberg over vendors.

Why incomplete and failed sets stand apart: they were not looked at, and a vendor must not look better for delivering what cannot be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from poisonscan.batch.jobs import p_of
from poisonscan.batch.ledger import Record
from poisonscan.stats.intervals import clopper_pearson
from poisonscan.stats.multiplicity import benjamini_hochberg, bonferroni_min

_LOOKED_AT = ("found", "none-found")


@dataclass(frozen=True, slots=True)
class SetLine:
    """A set: `p` and `q` in (0, 1], both 1 where it was not looked at; `flagged` where q is at most the level."""

    path: str
    vendor: str
    outcome: str
    score: float
    p: float
    q: float
    flagged: bool
    rows: int
    digest: str
    report: str
    error: str


@dataclass(frozen=True, slots=True)
class VendorLine:
    """A vendor: sets delivered, looked at, flagged; rate of flagged sets with its exact 95 % interval; p, q; highest score."""

    vendor: str
    sets: int
    looked_at: int
    flagged: int
    rate: float
    low: float
    high: float
    p: float
    q: float
    worst: float


@dataclass(frozen=True, slots=True)
class VendorTable:
    """Vendors by q, sets by q, and the false-discovery rate both are held to."""

    vendors: tuple[VendorLine, ...]
    sets: tuple[SetLine, ...]
    level: float


def vendor_table(records: Sequence[Record], level: float = 0.05) -> VendorTable:
    """Return the table over the last line of each path."""
    last = list({record.path: record for record in sorted(records, key=lambda record: record.finished)}.values())
    seen = [record for record in last if record.outcome in _LOOKED_AT]
    q_values = dict(zip((record.path for record in seen), benjamini_hochberg([p_of(record.score) for record in seen]), strict=True))
    sets = [_set_line(record, float(q_values.get(record.path, 1.0)), level) for record in last]
    names = sorted({line.vendor for line in sets})
    plain = [_vendor_line(name, [line for line in sets if line.vendor == name]) for name in names]
    q_vendors = benjamini_hochberg([line.p for line in plain])
    vendors = [replace(line, q=float(q)) for line, q in zip(plain, q_vendors, strict=True)]
    return VendorTable(
        tuple(sorted(vendors, key=lambda line: (line.q, -line.worst, line.vendor))),
        tuple(sorted(sets, key=lambda line: (line.q, -line.score, line.path))),
        level,
    )


def _set_line(record: Record, q: float, level: float) -> SetLine:
    looked_at = record.outcome in _LOOKED_AT
    return SetLine(
        path=record.path,
        vendor=record.vendor,
        outcome=record.outcome,
        score=record.score,
        p=p_of(record.score) if looked_at else 1.0,
        q=q,
        flagged=looked_at and q <= level,
        rows=record.rows,
        digest=record.digest,
        report=record.report,
        error=record.error,
    )


def _vendor_line(vendor: str, lines: Sequence[SetLine]) -> VendorLine:
    seen = [line for line in lines if line.outcome in _LOOKED_AT]
    flagged = sum(line.flagged for line in seen)
    low, high = clopper_pearson(flagged, len(seen))
    p = bonferroni_min([line.p for line in seen])
    rate = flagged / len(seen) if seen else float("nan")
    worst = max((line.score for line in seen), default=0.0)
    return VendorLine(vendor, len(lines), len(seen), flagged, rate, low, high, p, 1.0, worst)

