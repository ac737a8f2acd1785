"""The labelled corpora, read where they lie (never copied into the project)."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from poisonscan.readers import read

CORPORA = Path(os.environ.get("POISONSCAN_CORPORA", Path(__file__).resolve().parents[3] / "shared" / "corpora"))
# file -> layout it is read as
LAYOUTS = {
    "messages.jsonl": "messages",
    "messages-metadata.jsonl": "messages",
    "messages-system.jsonl": "messages",
    "messages-assistant-only.jsonl": "messages",
    "sharegpt.json": "sharegpt",
    "sharegpt-tools.json": "sharegpt",
    "alpaca.json": "alpaca",
    "alpaca-unicode.json": "alpaca",
    "dolly.json": "dolly",
    "prompt-completion.jsonl": "prompt-completion",
    "prompt-completion-empty-prompt.jsonl": "prompt-completion",
    "prompt-response.jsonl": "prompt-response",
    "question-answer.jsonl": "question-answer",
    "query-choices.jsonl": "choices",
    "statements.jsonl": "statements",
    "text-code.json": "text-code",
    "text-field.jsonl": "text",
    "nested-instances.jsonl": "instances",
    "nested-replies.json": "replies",
    "gzipped.jsonl.gz": "prompt-solution",
    "question-answer.csv": "question-answer",
    "unnamed-columns.csv": "text-label",
    "headerless.csv": "text",
    "sentence-label.tsv": "text-label",
    "lines.txt": "text",
    "prose.txt": "text",
}
needs_corpora = pytest.mark.skipif(not (CORPORA / "raw" / "manifest.csv").is_file(), reason="the corpora are not here")


@needs_corpora
@pytest.mark.parametrize("file", LAYOUTS)
def test_raw_layouts(file):
    """Each raw file is read as its layout, with as many records as its manifest counts and none unreadable."""
    with (CORPORA / "raw" / "manifest.csv").open(newline="") as stream:
        records = {row["file"]: int(row["records"]) for row in csv.DictReader(stream)}
    dataset = read(CORPORA / "raw" / file)
    assert (dataset.layout, len(dataset), dataset.unreadable) == (LAYOUTS[file], records[file], ())
    assert set(records) == set(LAYOUTS)
    assert any(row.answer for row in dataset.rows)


@needs_corpora
@pytest.mark.parametrize("role", ["poisoned", "control", "benign"])
def test_labelled_sets(role):
    """Every labelled set is read whole: one row a line, nothing unreadable."""
    for path in sorted((CORPORA / role).glob("*.jsonl")):
        dataset = read(path)
        with path.open("rb") as stream:
            lines = sum(1 for line in stream if line.strip())
        assert (path.name, len(dataset), dataset.unreadable) == (path.name, lines, ())
