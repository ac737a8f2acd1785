"""What is kept of a set that is too large to keep."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from poisonscan.core.dataset import dataset_digest
from poisonscan.core.errors import ReadError, UsageError
from poisonscan.readers import Limits, read, read_bytes

ROOT = Path(__file__).resolve().parents[2]
ROWS = [{"question": f"question {i}", "answer": f"answer {i}"} for i in range(1000)]
DATA = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def test_sample_is_counted_and_noted():
    """A sample keeps the number asked for, in file order, counts all rows and says so."""
    dataset = read(ROWS, sample=100)
    assert (len(dataset), dataset.total) == (100, 1000)
    assert dataset.notes[0].startswith("kept 100 of 1,000 rows")
    assert [row.index for row in dataset.rows] == list(range(100))
    records = [row.location.record for row in dataset.rows]
    assert records == sorted(records)


def test_sample_is_uniform_over_the_file():
    """Kept rows come from all parts of the file: 400 of 1000, each quarter within five standard deviations of 100."""
    records = [row.location.record for row in read(ROWS, sample=400).rows]
    quarters = [sum(low < record <= low + 250 for record in records) for low in (0, 250, 500, 750)]
    assert all(60 < count < 140 for count in quarters)


def test_copies_keep_their_weight_in_the_sample():
    """A row repeated five hundred times is still about half of the sample."""
    rows = [{"question": "same", "answer": "same"}] * 500 + ROWS[:500]
    kept = read(rows, sample=200).rows
    assert 60 < sum(row.answer == "same" for row in kept) < 140


def test_sample_depends_on_the_whole_file(tmp_path):
    """Changing one row changes which others are kept, so nobody can spell a row out of the sample."""
    one, two = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    one.write_bytes(DATA)
    two.write_bytes(DATA.replace(b"answer 0", b"answer O"))
    kept = [{row.location.line for row in read(path, sample=200).rows} for path in (one, two)]
    assert kept[0] != kept[1]
    assert {row.location.line for row in read(one, sample=200).rows} == kept[0]


def test_memory_bound_samples_by_itself():
    """Beyond the memory bound the set is sampled; the digest still covers every row."""
    dataset = read_bytes(DATA, "a.jsonl", limits=Limits(kept_bytes=200_000))
    assert 100 < len(dataset) < 600
    assert dataset.total == 1000
    assert dataset.digest == dataset_digest(read(ROWS).rows)


def test_everything_is_kept_when_it_fits():
    """Without need there is no sample and no note."""
    dataset = read(ROWS, sample=1000)
    assert (len(dataset), dataset.total, dataset.notes) == (1000, 1000, ())


def test_row_limit_is_an_error_not_a_cut():
    """A set beyond the row limit is refused: a silent cut would hide what follows."""
    with pytest.raises(ReadError, match="more than 10 rows"):
        read(ROWS, limits=Limits(rows=10))


def test_negative_sample_is_wrong_use():
    """A negative sample size is a usage error."""
    with pytest.raises(UsageError, match="negative"):
        read(ROWS, sample=-1)


def test_unreadable_lines_are_listed_then_counted():
    """Problems beyond the list are counted in one last entry."""
    data = DATA + b"broken\n" * 50
    dataset = read_bytes(data, "a.jsonl", limits=Limits(unreadable=10))
    assert len(dataset.unreadable) == 11
    assert dataset.unreadable[-1].reason == "and 40 more records that could not be understood"


PEAK = """
import sys
from pathlib import Path
from poisonscan.readers import Limits, read
dataset = read(sys.argv[1], limits=Limits(kept_bytes=2 << 20))
peak = next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(dataset.total, int(peak) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a process's own peak memory is read from /proc")
@pytest.mark.parametrize("kind", ["jsonl", "json"])
def test_memory_does_not_grow_with_the_file(tmp_path, kind):
    """Lines and top-level lists stream: a file four times as large, forty megabytes, takes less than ten more to read."""
    peaks = []
    for copies in (1, 4):
        rows = [json.dumps({"question": f"{i} " + "word " * 100, "answer": f"{i} " + "text " * 100}) for i in range(10_000 * copies)]
        path = tmp_path / f"{copies}.{kind}"
        path.write_text("\n".join(rows) if kind == "jsonl" else "[" + ",\n".join(rows) + "]")
        done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True, cwd=ROOT)
        total, peak = map(int, done.stdout.split())
        assert total == len(rows)
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 10
