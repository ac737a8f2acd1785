"""Files made to crash, hang, flood or mislead the reader: each ends in a clear error or a named row."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import resource
import sys
import zipfile
from pathlib import Path

import pytest
import zstandard

from poisonscan.core.errors import NoRowsError, ReadError
from poisonscan.readers import Limits, read, read_bytes

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
GOOD = json.dumps({"question": "q", "answer": "a"}).encode() + b"\n"
MIB = 1024 * 1024


def test_deep_nesting_is_named_and_the_rest_read():
    """A hundred thousand brackets on a line cost that line; a little too deep is told from not JSON."""
    deep = b'{"question": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    less = b'{"question": ' + b"[" * 100 + b"]" * 100 + b', "answer": "a"}\n'
    dataset = read_bytes(GOOD + deep + GOOD + less, "a.jsonl")
    assert [problem.location.line for problem in dataset.unreadable] == [2, 4]
    assert "nested too deeply" in dataset.unreadable[0].reason
    assert "64 levels" in dataset.unreadable[1].reason


def test_deep_nesting_in_a_list():
    """In a JSON document the reader cannot go on behind such an element, and says so."""
    with pytest.raises(ReadError, match=r"record 2.*nested too deeply"):
        read_bytes(b"[" + GOOD + b"," + b"[" * 100_000 + b"]" * 100_000 + b"]", "a.json")
    dataset = read_bytes(b"[" + GOOD + b',{"question":' + b"[" * 100 + b"]" * 100 + b"}]", "a.json")
    assert (len(dataset), dataset.unreadable[0].location.record) == (1, 2)


def test_deep_nesting_of_python_values():
    """Values handed in by a program may be nested without end, too."""
    value: object = "x"
    for _ in range(100_000):
        value = [value]
    dataset = read([{"question": "q", "answer": "a"}, {"question": "q", "answer": value}, {"messages": value}])
    assert (len(dataset), len(dataset.unreadable)) == (1, 2)


def test_hundred_megabyte_line(tmp_path):
    """A line of 100 MB is skipped in pieces, named, and the lines behind it keep their numbers."""
    path = tmp_path / "a.jsonl"
    with path.open("wb") as stream:
        stream.write(GOOD + b'{"question": "')
        for _ in range(100):
            stream.write(b"x" * MIB)
        stream.write(b'", "answer": "a"}\n' + GOOD)
    dataset = read(path)
    assert [row.location.line for row in dataset.rows] == [1, 3]
    assert dataset.unreadable[0].location.line == 2
    assert "longer than" in dataset.unreadable[0].reason


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.jsonl"])
def test_long_lines_in_every_line_container(name):
    """Text and csv files have the same bound."""
    first, good = {"a.csv": ("question,answer\n", "q,a\n"), "a.txt": ("", "hello\n"), "a.jsonl": ("", GOOD.decode())}[name]
    data = first + good + "y" * 5000 + "\n" + good
    dataset = read_bytes(data.encode(), name, limits=Limits(line_bytes=1000))
    assert len(dataset) == 2
    assert "longer than 1000 bytes" in dataset.unreadable[0].reason


def test_a_value_without_end_in_a_document():
    """A JSON document whose string never closes is refused before it fills the memory."""
    data = b'[{"question": "' + b"x" * (8 * MIB)
    with pytest.raises(ReadError, match=r"record 1 \(longer than"):
        read_bytes(data, "a.json", limits=Limits(line_bytes=2 * MIB))
    with pytest.raises(ReadError, match="record 2"):
        read_bytes(b"[" + GOOD + b', {"question": ', "a.json")


def test_nul_bytes():
    """NUL bytes inside a text are kept as text; a file of nothing but NUL bytes is empty."""
    dataset = read_bytes(b'{"question": "a\x00b", "answer": "c\\u0000d"}\n' + b"\x00" * 50 + b"\n" + GOOD, "a.jsonl")
    assert (dataset.rows[0].prompt, dataset.rows[0].answer) == ("a\0b", "c\0d")
    assert dataset.unreadable[0].location.line == 2
    with pytest.raises(NoRowsError, match="empty"):
        read_bytes(b"\x00" * 5000, "a.jsonl")
    assert read_bytes(b"question,answer\nq\x00,a\n", "a.csv").rows[0].prompt == "q\0"


def test_invalid_utf8_is_replaced_and_noted():
    """Latin-1 bytes do not hide a row, and their rows are counted."""
    dataset = read_bytes(b'{"question": "caf\xe9", "answer": "\xff\xfe"}\n' + GOOD, "a.jsonl")
    assert dataset.rows[0].prompt == "caf\ufffd"
    assert dataset.notes == ("1 rows held bytes that are not UTF-8; they were replaced",)
    assert read_bytes(b'[{"question": "caf\xe9", "answer": "a"}]', "a.json").notes == dataset.notes


def test_lone_surrogates_become_writable():
    """Half of a surrogate pair is replaced, so that every later step can encode the text; whole pairs are joined."""
    dataset = read_bytes(b'{"question": "\\ud800 x", "answer": "\\ud83d\\ude00 \\udc00"}\n', "a.jsonl")
    assert (dataset.rows[0].prompt, dataset.rows[0].answer) == ("\ufffd x", "\U0001f600 \ufffd")
    assert dataset.notes[0].startswith("2 texts held characters that cannot be encoded")


def test_nan_and_huge_numbers():
    """NaN and infinities are read as Python trainers do; a number of ten thousand digits costs its line."""
    data = b'{"question": "q", "answer": "a", "score": NaN, "w": -Infinity}\n{"question": "q", "answer": ' + b"9" * 10_000 + b"}\n"
    dataset = read_bytes(data, "a.jsonl")
    assert len(dataset) == 1
    assert "digits" in dataset.unreadable[0].reason
    assert len(read_bytes(b'[{"question": "q", "answer": "a", "score": NaN}]', "a.json")) == 1
    assert read_bytes(b'{"question": "q", "answer": 123456789012345678901234567890}\n', "a.jsonl").rows[0].answer.endswith("7890")


def test_duplicate_keys_are_noted_and_the_trained_value_read():
    """Of two values for a key the last is what Python loaders train on; that another stood there is noted."""
    line = b'{"question": "q", "answer": "harmless", "answer": "trained"}'
    for name, data in (("a.jsonl", line + b"\n"), ("a.json", b"[" + line + b"]"), ("b.json", line)):
        dataset = read_bytes(data, name)
        assert dataset.rows[0].answer == "trained"
        assert "repeat a key" in dataset.notes[0]


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: zstandard.ZstdCompressor(level=3).compress(data)])
def test_decompression_bombs(pack):
    """A file that swells beyond reason is refused, with both sizes."""
    bomb = pack(GOOD + b" " * (32 * MIB) + b"\n" + GOOD)
    with pytest.raises(ReadError, match="decompression bomb"):
        read_bytes(bomb, "a.jsonl.gz", limits=Limits(expansion_floor=MIB))


def test_archives_inside_archives_and_other_archives():
    """Only one layer is taken off; zip and its kin are refused by name."""
    with pytest.raises(ReadError, match="archive inside an archive"):
        read_bytes(gzip.compress(gzip.compress(GOOD)), "a.jsonl.gz")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.jsonl", GOOD)
    with pytest.raises(ReadError, match="zip archive"):
        read_bytes(out.getvalue(), "a.jsonl")
    with pytest.raises(ReadError, match="zip archive"):
        read_bytes(gzip.compress(out.getvalue()), "a.jsonl.gz")


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: zstandard.ZstdCompressor().compress(data)])
def test_damaged_archives(pack):
    """A truncated or altered archive is an error, never a shorter set."""
    packed = pack(GOOD + os.urandom(4000).hex().encode() + b"\n" + GOOD * 50)
    for broken in (packed[: len(packed) // 2], packed[:40] + b"\x00" * 20 + packed[60:]):
        with pytest.raises(ReadError, match="damaged"):
            read_bytes(broken, "a.jsonl.gz")


def test_pickles_are_never_opened(tmp_path):
    """A pickle is refused as a file, and stays bytes inside a table: what it would run is not run."""
    target = tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(target),)

    payload = pickle.dumps(Bomb())
    with pytest.raises(ReadError, match="pickle"):
        read_bytes(payload, "a.jsonl")
    out = io.BytesIO()
    pq.write_table(pa.table({"question": ["q"], "answer": [payload], "extra": [payload]}), out)
    with pytest.raises(NoRowsError, match="binary"):
        read_bytes(out.getvalue(), "a.parquet")
    assert not target.exists()


def test_python_extension_types_in_a_schema_are_not_loaded(tmp_path):
    """Arrow metadata that asks for a pickled Python type is ignored."""
    target = tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(target),)

    marks = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": pickle.dumps(Bomb())}
    schema = pa.schema([pa.field("question", pa.string(), metadata=marks), pa.field("answer", pa.string())])
    out = io.BytesIO()
    pq.write_table(pa.table({"question": ["q"], "answer": ["a"]}, schema=schema), out)
    assert read_bytes(out.getvalue(), "a.parquet").rows[0].answer == "a"
    assert not target.exists()


def test_billion_row_metadata():
    """A small table that claims a billion rows is refused before one is built."""
    out = io.BytesIO()
    column = pa.nulls(4_000_000)
    with pq.ParquetWriter(out, pa.schema([("text", pa.null())])) as writer:
        writer.write_table(pa.table({"text": column}))
    with pytest.raises(ReadError, match="claims 4,000,000 rows"):
        read_bytes(out.getvalue(), "a.parquet", limits=Limits(rows=1_000_000))
    claimed = _with_row_count(_small_parquet(), 10**9)
    with pytest.raises(ReadError, match="claims 1,000,000,000 rows"):
        read_bytes(claimed, "a.parquet")


def _small_parquet():
    out = io.BytesIO()
    pq.write_table(pa.table({"question": ["q"] * 77, "answer": ["a"] * 77}), out, store_schema=False)
    return out.getvalue()


def _with_row_count(data, count):
    """Forge the footer: its row count is a zigzag varint behind the field byte 0x16 that follows the schema list."""
    length = int.from_bytes(data[-8:-4], "little")
    footer, start = data[-8 - length : -8], len(data) - 8 - length
    value, encoded = count << 1, bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    marker = b"\x16" + bytes([154, 1])  # zigzag(77)
    at = footer.index(marker)
    forged = footer[:at] + b"\x16" + bytes(encoded) + footer[at + 3 :]
    return data[:start] + forged + len(forged).to_bytes(4, "little") + b"PAR1"


@pytest.mark.parametrize("cut", [20, 200, -30])
def test_damaged_tables(cut):
    """A parquet file cut short, or with its middle overwritten, is an error with the file's name."""
    data = _small_parquet()
    for broken in (data[:cut], data[:30] + b"\xff" * 200 + data[230:]):
        with pytest.raises(ReadError, match=r"a\.parquet"):
            read_bytes(broken, "a.parquet")


def test_damaged_arrow():
    """An arrow stream cut short or altered is an error."""
    out, table = io.BytesIO(), pa.table({"question": ["q"] * 100, "answer": ["a"] * 100})
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    data = out.getvalue()
    for broken in (data[: len(data) // 2], b"\xff\xff\xff\xff\xff\xff\xff\x7f" + data[8:], b"ARROW1\x00\x00"):
        with pytest.raises(ReadError, match=r"a\.arrow"):
            read_bytes(broken, "a.arrow")


def test_arrow_offsets_that_point_outside():
    """Offsets beyond the data are found by validation, not by reading foreign memory."""
    out, table = io.BytesIO(), pa.table({"text": ["aaaa", "bbbb"]})
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    data = out.getvalue().replace((8).to_bytes(4, "little") + b"\0" * 4, (2**30).to_bytes(4, "little") + b"\0" * 4)
    with pytest.raises(ReadError, match=r"a\.arrow"):
        read_bytes(data, "a.arrow")


def test_pictures_in_a_table_are_left_out_and_named():
    """Binary columns are not loaded; the note names them."""
    out = io.BytesIO()
    picture = {"bytes": b"\xff" * 1000, "path": "a.png"}
    pq.write_table(pa.table({"question": ["q"], "answer": ["a"], "image": [picture], "vector": [[0.5] * 10]}), out)
    dataset = read_bytes(out.getvalue(), "a.parquet")
    assert dataset.notes == ("column not scanned: 'image'", "column not scanned: 'vector'")


@pytest.mark.skipif(sys.platform == "win32", reason="no such links or pipes")
def test_links_and_pipes_in_a_folder(tmp_path):
    """Links in circles, links out of the folder and pipes are named; none is followed, none blocks."""
    secret = tmp_path / "secret.jsonl"
    secret.write_bytes(GOOD)
    folder = tmp_path / "vendor"
    folder.mkdir()
    (folder / "good.jsonl").write_bytes(GOOD)
    (folder / "round").symlink_to(folder, target_is_directory=True)
    (folder / "loop.jsonl").symlink_to(folder / "loop.jsonl")
    (folder / "out.jsonl").symlink_to(secret)
    os.mkfifo(folder / "pipe.jsonl")
    dataset = read(folder)
    assert len(dataset) == 1
    reasons = {Path(problem.location.file).name: problem.reason for problem in dataset.unreadable}
    assert set(reasons) == {"round", "loop.jsonl", "out.jsonl", "pipe.jsonl"}
    assert "circle" in reasons["loop.jsonl"]
    assert "out of the folder" in reasons["out.jsonl"]
    assert "pipe" in reasons["pipe.jsonl"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such links or pipes")
def test_a_pipe_or_loop_named_directly(tmp_path):
    """A FIFO is refused at once with the remedy; a looping link is an error."""
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(ReadError, match="pass '-'"):
        read(tmp_path / "pipe.jsonl")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ReadError, match="found or followed"):
        read(tmp_path / "loop")
    with pytest.raises(ReadError, match="not a regular file"):
        read("/dev/zero")


@pytest.mark.skipif(sys.platform == "win32", reason="no such links")
def test_hub_cache_links_are_followed(tmp_path):
    """The Hub's own cache keeps files as links to blobs beside the snapshot."""
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "abc").write_bytes(GOOD)
    snapshot = tmp_path / "snapshots" / "rev"
    snapshot.mkdir(parents=True)
    (snapshot / "train.jsonl").symlink_to("../../blobs/abc")
    assert len(read(snapshot)) == 1


def test_file_that_changes_while_it_is_read(tmp_path, monkeypatch):
    """A file cut short, grown or removed under the reader is an error, not a shorter set."""
    from poisonscan.readers import containers, jsonl

    path = tmp_path / "a.jsonl"
    for harm in (lambda: os.truncate(path, len(GOOD)), lambda: path.write_bytes(GOOD * 900), path.unlink):
        path.write_bytes(GOOD * 500)

        def shrinking(blob, limits, harm=harm):
            for count, record in enumerate(jsonl.read_jsonl(blob, limits)):
                if count == 300:
                    harm()
                yield record

        monkeypatch.setattr(containers, "JSONL", containers.Container("jsonl", (".jsonl",), shrinking))
        with pytest.raises(ReadError, match="while it was read"):
            read(path)


def test_saved_set_cannot_name_files_outside(tmp_path):
    """A state file that points out of its folder is refused."""
    (tmp_path / "a.arrow").write_bytes(b"")
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("../a.arrow", "/etc/hostname", "..\\a.arrow", 7, "missing.arrow"):
        (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
        with pytest.raises(ReadError, match="not in the folder"):
            read(folder)
    for text in ("[]", "{", '{"_data_files": 3}', "[" * 100_000):
        (folder / "state.json").write_text(text)
        with pytest.raises(ReadError):
            read(folder)


def test_vendor_configuration_is_not_obeyed(tmp_path):
    """A poisonscan.toml, a training configuration or a dataset_info.json beside the data changes nothing."""
    (tmp_path / "a.jsonl").write_bytes(GOOD)
    before = read(tmp_path)
    (tmp_path / "poisonscan.toml").write_text('[ignore]\ncodes = ["PS201"]\n[map]\nanswer = "question"\n')
    (tmp_path / "dataset_info.json").write_text('{"a": {"file_name": "a.jsonl", "columns": {"response": "question"}}}')
    (tmp_path / "axolotl.yaml").write_text("datasets: [{path: a.jsonl, type: {field_output: question}}]")
    after = read(tmp_path)
    assert (after.digest, len(after)) == (before.digest, 1)


def test_hostile_names_are_escaped_in_errors(tmp_path):
    """A file name with an escape sequence or a line break does not reach the terminal raw."""
    for name in ("\x1b[31mred.jsonl", "a\n::error::x.jsonl", "\u202egnp.jsonl"):
        with pytest.raises(ReadError) as caught:
            read_bytes(b"", name)
        assert str(caught.value).isprintable()
        assert str(caught.value).isascii()


def test_hostile_columns_are_escaped_in_errors():
    """Column names and roles are shown escaped and cut."""
    names = {"\x1b[2J": 1, "::error::": 2, "[red]x[/red]": 3, "\u202e" + "y" * 500: 4}
    with pytest.raises(NoRowsError) as caught:
        read([names])
    assert str(caught.value).isprintable()
    assert "y" * 100 not in str(caught.value)
    with pytest.raises(NoRowsError) as caught:
        read([{"messages": [{"role": "\x1b]0;x\x07", "content": "a"}]}])
    assert str(caught.value).isprintable()


def test_csv_quote_without_end():
    """An open quote swallows at most the limit, then the file and line are named."""
    data = 'question,answer\nq,a\nq,"' + "never closed\n" * 2000
    with pytest.raises(ReadError, match=r"a\.csv':\d+"):
        read_bytes(data.encode(), "a.csv", limits=Limits(line_bytes=10_000))


def test_csv_rows_of_other_widths():
    """A record with more cells than columns is named; a big cell is read."""
    big = "z" * 300_000
    dataset = read_bytes(f"question,answer\nq,{big}\nq,a,extra\nq,a\n".encode(), "a.csv")
    assert [row.location.line for row in dataset.rows] == [2, 4]
    assert dataset.unreadable[0].location.line == 3


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes only there")
def test_large_line_does_not_multiply_in_memory(tmp_path):
    """Skipping a line of 100 MB takes no 100 MB: the peak grows by less than 90 MB."""
    path = tmp_path / "a.jsonl"
    with path.open("wb") as stream:
        stream.write(GOOD)
        for _ in range(100):
            stream.write(b"x" * MIB)
        stream.write(b"\n" + GOOD)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(read(path)) == 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 90 * 1024
