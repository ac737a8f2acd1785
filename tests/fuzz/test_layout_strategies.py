"""Generated sets: what is well-formed comes back whole, what is not ends in a `ReadError` or a named row."""

from __future__ import annotations

import contextlib
import csv
import gzip
import importlib.util
import io
import json
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poisonscan.core.errors import ReadError
from poisonscan.probing.hygiene import scan_text
from poisonscan.readers import LAYOUT_NAMES, read, read_bytes

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
_SPEC = importlib.util.spec_from_file_location("fuzz_strategies", Path(__file__).with_name("strategies.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
strategies = importlib.util.module_from_spec(_SPEC)
sys.modules["fuzz_strategies"] = strategies
_SPEC.loader.exec_module(strategies)

FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
MORE = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".txt", ".parquet", ".arrow", ".jsonl.gz", ".json.zst", "")


def _jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _json(rows):
    return json.dumps(rows, indent=1, ensure_ascii=False).encode()


def _parquet(rows):
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def _arrow(rows):
    out, table = io.BytesIO(), pa.Table.from_pylist(rows)
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


WRITERS = {
    "a.jsonl": _jsonl,
    "a.json": _json,
    "a.parquet": _parquet,
    "a.arrow": _arrow,
    "a.jsonl.gz": lambda rows: gzip.compress(_jsonl(rows)),
}


def test_every_layout_has_a_builder():
    """A layout added to the table without a strategy here would go unfuzzed."""
    assert set(strategies.BUILDERS) == set(LAYOUT_NAMES)


@pytest.mark.parametrize("layout", LAYOUT_NAMES)
@FEW
@given(pairs=strategies.PAIRS, name=st.sampled_from(sorted(WRITERS)))
def test_rows_in_are_rows_out(layout, pairs, name):
    """In every layout and container: as many rows out as in, in order, with the same texts, under the layout's name."""
    rows = [strategies.BUILDERS[layout](question, answer) for question, answer in pairs]
    dataset = read_bytes(WRITERS[name](rows), name)
    assert (dataset.layout, len(dataset), dataset.unreadable) == (layout, len(rows), ())
    if layout not in strategies.NO_QUESTION:
        assert [row.prompt for row in dataset.rows] == [question for question, _ in pairs]
    if layout not in strategies.NO_ANSWER:
        assert [row.answer for row in dataset.rows] == [answer for _, answer in pairs]
    assert dataset.digest == read(rows).digest


@FEW
@given(pairs=strategies.PAIRS)
def test_csv_rows_in_are_rows_out(pairs):
    """Files of csv keep texts with commas, quotes and line breaks (bare carriage returns and NUL aside, which csv cannot tell)."""
    pairs = [tuple(text.replace("\r", " ").replace("\0", "") + "." for text in pair) for pair in pairs]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["question", "answer"])
    writer.writerows(pairs)
    dataset = read_bytes(out.getvalue().encode(), "a.csv")
    assert [(row.prompt, row.answer) for row in dataset.rows] == pairs


@MORE
@given(records=st.lists(strategies.RECORDS, min_size=1, max_size=6), name=st.sampled_from(["a.jsonl", "a.json"]))
def test_any_json_is_counted_or_refused(records, name):
    """Records of known keys and any values: each is a row or named, or the whole is a `ReadError`; the scan never fails."""
    with contextlib.suppress(ReadError):
        dataset = read_bytes(_jsonl(records) if name == "a.jsonl" else _json([{"x": 0, **record} for record in records]), name)
        assert len(dataset) + len(dataset.unreadable) == len(records)
        assert all(problem.reason.isprintable() for problem in dataset.unreadable)
        scan_text(dataset)


@MORE
@given(records=st.lists(strategies.ANYTHING, min_size=1, max_size=6))
def test_any_values_from_a_program(records):
    """An iterable of anything is read or refused."""
    with contextlib.suppress(ReadError):
        dataset = read(records)
        assert len(dataset) + len(dataset.unreadable) == len(records)


@MORE
@given(data=st.binary(max_size=300), suffix=st.sampled_from(SUFFIXES))
def test_any_bytes(data, suffix):
    """Random bytes under any suffix are rows or a `ReadError`."""
    with contextlib.suppress(ReadError):
        assert len(read_bytes(data, "a" + suffix)) > 0


@MORE
@given(
    name=st.sampled_from(sorted(WRITERS)),
    at=st.floats(0, 1),
    cut=st.integers(0, 20),
    put=st.binary(max_size=20),
)
def test_damaged_files(name, at, cut, put):
    """A valid file with a few bytes cut out and others put in is rows or a `ReadError`."""
    data = WRITERS[name]([{"question": f"q{i}", "answer": f"a{i}"} for i in range(20)])
    place = int(at * len(data))
    with contextlib.suppress(ReadError):
        assert len(read_bytes(data[:place] + put + data[place + cut :], name)) <= 60
