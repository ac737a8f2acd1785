"""The coverage-guided target: any bytes, read as any container, then scanned as text.

Run it for longer by hand (new inputs are kept in the first folder):

    python tests/fuzz/fuzz_readers.py my-corpus tests/fuzz/corpus -max_total_time=600

The first byte of an input chooses the suffix, the rest is the file. Anything but rows or a `ReadError` is a crash.
"""

from __future__ import annotations

import contextlib
import sys

import atheris

with atheris.instrument_imports(include=["poisonscan.readers", "poisonscan.probing.hygiene"]):
    from poisonscan.core.errors import ReadError
    from poisonscan.probing.hygiene import scan_text
    from poisonscan.readers import Limits, read_bytes

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".txt", "", ".jsonl.gz", ".json.zst")
LIMITS = Limits(line_bytes=10_000, rows=10_000, expansion_floor=1_000_000)


def read_one(data: bytes) -> None:
    """Read one input; raises only when the readers do what they must not."""
    if not data:
        return
    with contextlib.suppress(ReadError):
        dataset = read_bytes(data[1:], "a" + SUFFIXES[data[0] % len(SUFFIXES)], limits=LIMITS)
        for row in dataset.rows:
            "".join(turn.content for turn in row.turns).encode()
        scan_text(dataset)


if __name__ == "__main__":
    atheris.Setup(sys.argv, read_one)
    atheris.Fuzz()
