"""Every container, alone, packed, in other encodings, and as parts of a set."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import types

import pytest
import zstandard

from poisonscan.core.errors import NoRowsError, ReadError
from poisonscan.readers import Limits, read, read_bytes

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
ROWS = [{"question": f"What is {i}?", "answer": f"It is {i}."} for i in range(5)]
JSONL = "".join(json.dumps(row) + "\n" for row in ROWS)
CSV = "question,answer\n" + "".join(f'{row["question"]},"{row["answer"]}"\n' for row in ROWS)
WANTED = [(row["question"], row["answer"]) for row in ROWS]


def _pairs(dataset):
    return [(row.prompt, row.answer) for row in dataset.rows]


def _parquet(rows=ROWS):
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def _arrow(*, stream):
    out, table = io.BytesIO(), pa.Table.from_pylist(ROWS)
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", JSONL),
        ("a.ndjson", JSONL),
        ("a.json", JSONL),
        ("a", JSONL),
        ("a.json", json.dumps(ROWS)),
        ("a.json", json.dumps(ROWS, indent=2)),
        ("a.jsonl", json.dumps(ROWS)),
        ("a.jsonl", json.dumps(ROWS, indent=2)),
        ("a.json", json.dumps({"version": 1, "data": ROWS, "end": [1]})),
        ("a.json", json.dumps({"train": ROWS[:2], "test": ROWS[2:]}, indent=1)),
        ("a.json", "\n".join(json.dumps(row, indent=2) for row in ROWS)),
        ("a.txt", JSONL),
        ("a.csv", CSV),
        ("a", CSV),
        ("a.csv", CSV.replace(",", ";")),
        ("a.tsv", CSV.replace(",", "\t")),
        ("a.parquet", _parquet()),
        ("a", _parquet()),
        ("a.arrow", _arrow(stream=True)),
        ("a.feather", _arrow(stream=False)),
    ],
)
def test_every_container_gives_the_same_rows(name, data):
    """The same five rows come out of every container, whether suffix or content tells it."""
    data = data if isinstance(data, bytes) else data.encode()
    dataset = read_bytes(data, name)
    assert _pairs(dataset) == WANTED
    assert dataset.unreadable == ()
    assert dataset.digest == read(ROWS).digest


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.json"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings(name, encoding):
    """Byte order marks and UTF-16, with or without a mark, change nothing."""
    text = {"a.jsonl": JSONL, "a.csv": CSV, "a.json": json.dumps(ROWS)}[name]
    assert _pairs(read_bytes(text.encode(encoding), name)) == WANTED


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_windows_line_ends(name):
    """CRLF is a line end, not text."""
    text = {"a.jsonl": JSONL, "a.csv": CSV}[name]
    assert _pairs(read_bytes(text.replace("\n", "\r\n").encode(), name)) == WANTED


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: zstandard.ZstdCompressor().compress(data)])
@pytest.mark.parametrize(("name", "text"), [("a.jsonl", JSONL), ("a.json", json.dumps(ROWS)), ("a.csv", CSV)])
def test_packed_files(pack, name, text):
    """Both gzip and zstandard are taken off, by content, whatever the suffix says."""
    packed = pack(text.encode())
    assert _pairs(read_bytes(packed, name + ".gz")) == WANTED
    assert _pairs(read_bytes(packed, name)) == WANTED


def test_locations_point_at_lines_and_records():
    """A line for line-based containers (a quoted cell may span several), a record elsewhere."""
    csv = 'question,answer\nq1,"one\ntwo"\nq2,a2\n'
    assert [str(row.location) for row in read_bytes(csv.encode(), "a.csv").rows] == ["a.csv:2", "a.csv:4"]
    assert [str(row.location) for row in read_bytes(_parquet(), "a.parquet").rows][:2] == ["a.parquet#1", "a.parquet#2"]
    assert read_bytes(("\n\n" + JSONL).encode(), "a.jsonl").rows[0].location.line == 3


def test_one_pretty_printed_row_is_a_row():
    """A document that is one conversation is not a list of its messages."""
    record = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
    dataset = read_bytes(json.dumps(record, indent=2).encode(), "a.json")
    assert (len(dataset), dataset.layout) == (1, "messages")


def test_list_elements_larger_than_the_window():
    """Elements that cross the window of the JSON stream are put together again."""
    rows = [{"question": "q" * 700_000, "answer": str(i)} for i in range(4)]
    assert [row.answer for row in read_bytes(json.dumps(rows).encode(), "a.json").rows] == ["0", "1", "2", "3"]


def test_headerless_and_unnamed_columns():
    """Prompts alone without a header, and a data frame's numbers for names."""
    alone = "Write me a poem\nTell me, if you can, a story\n"
    assert [row.answer for row in read_bytes(f'"{alone.splitlines()[0]}"\n'.encode(), "a.csv").rows] == ["Write me a poem"]
    frame = ',0,1,2\n0,"a fine, funny film",1,0\n1,not worth the time,0,0\n'
    assert _pairs(read_bytes(frame.encode(), "a.csv")) == [("a fine, funny film", "1"), ("not worth the time", "0")]
    two = "how are you today,very well thank you\nwhat is your name,they call me Bob\n"
    assert _pairs(read_bytes(two.encode(), "a.csv"))[1] == ("what is your name", "they call me Bob")


def test_tsv_quotes_that_do_not_bind():
    """A lone quote in a tab-separated file does not swallow the lines after it."""
    text = 'sentence\tlabel\n" so it goes\t1\nfine film\t0\nbad film\t1\n'
    assert [row.prompt for row in read_bytes(text.encode(), "a.tsv").rows] == ['" so it goes', "fine film", "bad film"]


def test_folder_of_shards(tmp_path):
    """Shards are read in name order; other files are counted; a README or a configuration is never a row."""
    for i, row in enumerate(ROWS):
        (tmp_path / f"part-{i}.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "README.md").write_text("# hello")
    (tmp_path / "poisonscan.toml").write_text('ignore = ["PS"]')
    (tmp_path / "LICENSE.txt").write_text("free")
    dataset = read(tmp_path)
    assert _pairs(dataset) == WANTED
    assert any(note.startswith("2 other files not read") for note in dataset.notes)
    assert _pairs(read(str(tmp_path / "part-*.jsonl"))) == WANTED
    assert _pairs(read(tmp_path / "part-[0-2].jsonl")) == WANTED[:3]


def test_shards_of_two_layouts_are_both_read(tmp_path):
    """Each file votes for itself; the mixture is noted."""
    (tmp_path / "a.jsonl").write_text(JSONL)
    (tmp_path / "b.json").write_text(json.dumps([{"instruction": "q", "output": "a"}]))
    dataset = read(tmp_path)
    assert (len(dataset), dataset.layout) == (6, "question-answer")
    assert "files of several layouts: question-answer (5 rows), alpaca (1 rows)" in dataset.notes


def _save_to_disk(folder):
    folder.mkdir()
    (folder / "data-00000-of-00001.arrow").write_bytes(_arrow(stream=True))
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))
    (folder / "dataset_info.json").write_text("{}")


def test_save_to_disk(tmp_path):
    """A saved set and a saved dictionary of splits are read without the library that wrote them."""
    _save_to_disk(tmp_path / "one")
    assert _pairs(read(tmp_path / "one")) == WANTED
    splits = tmp_path / "splits"
    splits.mkdir()
    _save_to_disk(splits / "train")
    _save_to_disk(splits / "test")
    (splits / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert _pairs(read(splits)) == WANTED * 2


def test_sets_saved_by_the_library_itself(tmp_path):
    """What the datasets library of today writes, shards and splits, is read (skipped where the hub extra is not installed)."""
    datasets = pytest.importorskip("datasets")
    one = datasets.Dataset.from_list(ROWS)
    one.save_to_disk(tmp_path / "one", num_shards=2)
    datasets.DatasetDict(train=one, test=one).save_to_disk(tmp_path / "splits")
    assert _pairs(read(tmp_path / "one")) == WANTED
    assert _pairs(read(tmp_path / "splits")) == WANTED * 2


def test_standard_input(monkeypatch):
    """`-` reads standard input, also a table that needs to be read from its end."""
    for data in (JSONL.encode(), gzip.compress(JSONL.encode()), _parquet()):
        monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(data)))
        dataset = read("-")
        assert _pairs(dataset) == WANTED
        assert dataset.rows[0].location.file == "-"


def test_piped_bytes_are_bounded(monkeypatch):
    """An endless pipe ends in an error."""
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(b"x" * 5000)))
    with pytest.raises(ReadError, match="standard input"):
        read("-", limits=Limits(piped_bytes=1000))


def test_dataset_passes_through():
    """A set that has been read is not read again."""
    dataset = read(ROWS)
    assert read(dataset) is dataset


def test_windows_path_in_a_location():
    """A Windows path is a name like any other."""
    assert str(read_bytes(JSONL.encode(), r"C:\data\set.jsonl").rows[0].location) == r"C:\data\set.jsonl:1"


def test_missing_things_name_themselves(tmp_path):
    """What does not exist is named, with the next step."""
    with pytest.raises(ReadError, match="no such file"):
        read(tmp_path / "nothing.jsonl")
    with pytest.raises(ReadError, match="hf://owner/name"):
        read("owner/name")
    with pytest.raises(NoRowsError, match="matches no file"):
        read(str(tmp_path / "*.jsonl"))
    with pytest.raises(NoRowsError, match="no data file"):
        read(tmp_path)
    with pytest.raises(ReadError, match="not fetched"):
        read("https://example.org/set.jsonl")
    with pytest.raises(ReadError, match=r"cannot be found or followed|no such file"):
        read("a\0b")
    with pytest.raises(NoRowsError, match="empty"):
        read_bytes(b"", "a.jsonl")
    with pytest.raises(NoRowsError, match="no rows"):
        read([])


def test_unreadable_file_is_an_error(tmp_path):
    """A file without read permission is named (skipped where permissions do not bind, as for root)."""
    path = tmp_path / "a.jsonl"
    path.write_text(JSONL)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("permissions do not bind this user")
    with pytest.raises(ReadError, match="cannot be opened"):
        read(path)


def test_hub_sets(monkeypatch):
    """A Hub id streams through the extra; offline and a missing extra say so."""
    library = types.SimpleNamespace(
        load_dataset=lambda name, split, streaming: iter(ROWS) if (name, split) == ("o/n", "test") else iter([])
    )
    monkeypatch.setitem(sys.modules, "datasets", library)
    dataset = read("hf://o/n:test")
    assert _pairs(dataset) == WANTED
    assert str(dataset.rows[0].location) == "hf://o/n:test#1"
    with pytest.raises(ReadError, match="--offline"):
        read("hf://o/n", offline=True)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ReadError, match=r"poisonscan\[hub\]"):
        read("hf://o/n")
