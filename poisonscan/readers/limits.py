"""How much of a hostile file is believed: one frozen value, so that a scan can be repeated with the same bounds."""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one read.

    nesting: levels of lists and objects in one record.
    line_bytes: bytes of one line, one record of a JSON document, or one cell of a table.
    expansion: bytes out for each byte in of a gzip or zstandard file, once `expansion_floor` bytes have come out.
    rows: records read from one set; a file that claims more is refused.
    kept_bytes: memory that rows may take; beyond it a uniform sample is kept.
    unreadable: problems listed one by one; the rest are counted in one last entry.
    piped_bytes: bytes taken from standard input.
    vote: records of each file that decide on its layout.
    files: files read from one folder or glob.
    """

    nesting: int = 64
    line_bytes: int = 32 * _MIB
    expansion: int = 200
    expansion_floor: int = 64 * _MIB
    rows: int = 50_000_000
    kept_bytes: int = 384 * _MIB
    unreadable: int = 10_000
    piped_bytes: int = 64 * 1024 * _MIB
    vote: int = 200
    files: int = 100_000


DEFAULT = Limits()
