"""What makes two findings of two scans the same finding: the detector and the content of the rows, never their place.

Why content keys: a delivery that inserts a line above moves every row; the accepted finding must stay accepted, and a new row with
other content must not slip in under its cover.
"""

from __future__ import annotations

from hashlib import blake2b

from poisonscan.core.evidence import Finding
from poisonscan.core.report import Report


def row_keys(report: Report, finding: Finding) -> tuple[str, ...]:
    """Return the sorted content keys of the rows that carry the finding, those the report knows."""
    keys = {row.index: row.key for row in report.rows}
    return tuple(sorted({keys[share.row] for share in finding.rows if keys.get(share.row)}))


def knows_every_row(report: Report, finding: Finding) -> bool:
    """Return True where the report holds the key of every row that carries the finding, and there is one."""
    keyed = {row.index for row in report.rows if row.key}
    return bool(finding.rows) and all(share.row in keyed for share in finding.rows)


def finding_key(report: Report, finding: Finding) -> str:
    """Return the hex blake2b-128 digest of code, detector and row keys; of the set's digest and slice too where a row is not known."""
    keys = row_keys(report, finding)
    if not knows_every_row(report, finding):
        keys += (report.dataset.digest, finding.slice.name)
    digest = blake2b(digest_size=16)
    for part in (finding.code, finding.detector, *keys):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\x1f")
    return digest.hexdigest()
