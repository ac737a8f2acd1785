"""The vendor table: its arithmetic by hand, and its three forms."""

import math

import pytest

from poisonscan.batch.ledger import Record
from poisonscan.batch.vendor_formats import table_html, table_text, write_table
from poisonscan.batch.vendors import vendor_table

HOSTILE = "<script>\x1b[31m\u202e"


def record(path, vendor, score, outcome="none-found", error=""):
    return Record(path, "s", "d" * 32, "", vendor, outcome, score, 10, "r.json", error, 1.0, "2026-01-01")


RECORDS = (
    record("a1", "acme", 4.0, "found"),
    record("a2", "acme", 0.1),
    record("b1", "best", 0.3),
    record("b2", "best", 0.0, "failed", "no rows"),
    record("c1", "curt", 0.0, "incomplete"),
)


def test_arithmetic_by_hand():
    """Over three sets looked at, p = 1e-4, 0.5, 0.79: q of the first is 3e-4; acme's p is 2e-4 and its q 6e-4 over three vendors."""
    table = vendor_table(RECORDS)
    sets = {line.path: line for line in table.sets}
    assert sets["a1"].q == pytest.approx(3e-4)
    assert [sets[name].flagged for name in ("a1", "a2", "b1", "b2", "c1")] == [True, False, False, False, False]
    acme = table.vendors[0]
    assert (acme.vendor, acme.sets, acme.looked_at, acme.flagged) == ("acme", 2, 2, 1)
    assert acme.p == pytest.approx(2e-4)
    assert acme.q == pytest.approx(6e-4)
    assert (acme.low, acme.high) == (pytest.approx(0.0126, abs=1e-3), pytest.approx(0.9874, abs=1e-3))


def test_sets_not_looked_at_do_not_help_a_vendor():
    """A vendor whose sets could not be read has no rate, and the widest interval."""
    curt = next(line for line in vendor_table(RECORDS).vendors if line.vendor == "curt")
    assert math.isnan(curt.rate)
    assert (curt.low, curt.high, curt.looked_at) == (0.0, 1.0, 0)
    assert "not looked at" in table_text(vendor_table(RECORDS))


def test_the_last_line_of_a_path_counts():
    """A set scanned again stands in the table once, as it was last."""
    older = record("a1", "acme", 0.0)
    newer = Record(**{name: getattr(older, name) for name in Record.__slots__} | {"score": 3.0, "finished": "2026-02-01"})
    assert [line.score for line in vendor_table([newer, older]).sets] == [3.0]


def test_nothing_at_all():
    """An empty batch gives an empty table."""
    assert vendor_table([]).vendors == ()


def test_forms(tmp_path):
    """Text, page and Parquet hold the same sets; hostile names stay text."""
    import pyarrow.parquet as pq

    table = vendor_table([*RECORDS, record(HOSTILE, HOSTILE, 1.0)])
    for text in (table_text(table), table_html(table)):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "<script>" not in table_html(table)
    write_table(table, tmp_path / "t.parquet")
    assert pq.read_table(tmp_path / "t.parquet").column("q").to_pylist() == [line.q for line in table.sets]
    write_table(table, tmp_path / "t.html")
    assert "default-src &#39;none&#39;" in (tmp_path / "t.html").read_text()
