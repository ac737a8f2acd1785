"""Floor 1: bytes to `Dataset`. One file per container, one table of layouts, bounds against hostile input.

- places: which files a source stands for
- blobs: one file, a name and a way to open it
- archives, encodings: packed bytes to UTF-8 text
- containers: jsonl, json, csv and tsv, parquet, arrow, text: bytes to records
- layouts: records to turns (the table), by majority vote
- assembly: rows, the sample, unreadable records, notes
"""

from __future__ import annotations

from poisonscan.readers.entry import read, read_bytes
from poisonscan.readers.layouts import LAYOUTS, Layout
from poisonscan.readers.layouts import NAMES as LAYOUT_NAMES
from poisonscan.readers.limits import Limits

__all__ = ["LAYOUTS", "LAYOUT_NAMES", "Layout", "Limits", "read", "read_bytes"]
