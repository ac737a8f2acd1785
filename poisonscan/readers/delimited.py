"""csv and tsv: delimiter, quoting and header found from the beginning of the file.

Why the header is guessed: sets of bare prompts come without one, and sets written by data frames come with numbers for names.
Columns without usable names are told apart by what stands in them: text columns become prompt and completion, a number beside a text
its label.
"""

from __future__ import annotations

import csv
import itertools
import re
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from poisonscan.core.dataset import Location, Unreadable
from poisonscan.core.errors import ReadError
from poisonscan.readers.blobs import Blob
from poisonscan.readers.column_names import KNOWN_COLUMNS
from poisonscan.readers.encodings import INVALID, Line, lines, text_stream
from poisonscan.readers.limits import Limits
from poisonscan.readers.records import Items, Record, quoted

_SAMPLE_LINES = 200
_DELIMITERS = ",\t;|"
_BARE_NAME = re.compile(r"\s*(unnamed: ?)?\d*\s*", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[\w .()/\-]{1,40}")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is cut into cells: the delimiter, whether quotes bind, the column names, whether the first record is a header."""

    delimiter: str
    quoted: bool
    names: tuple[str, ...]
    header: bool


def read_delimited(blob: Blob, limits: Limits) -> Items:
    """Yield one record for each line (or quoted run of lines), located at the line it starts on.

    Raises:
        ReadError: a quoted cell has no end within the limits.
    """
    dialect = _dialect(_sample(blob, limits), blob.suffix, limits)
    with text_stream(blob, limits) as stream:
        feed = _Feed(lines(stream, limits))
        start = 1
        for number, cells in enumerate(_cells(feed, dialect, limits, blob)):
            location, start = Location(blob.name, line=start), feed.number + 1
            if feed.too_long:
                feed.too_long = False
                yield Unreadable(location, f"line longer than {limits.line_bytes} bytes")
            elif any(cells) and not (dialect.header and number == 0):
                yield _record(cells, dialect, location, feed)


def looks_delimited(line: str) -> bool:
    """Return True where `line` is a header: at least two cells, most of which are known column names."""
    for delimiter in _DELIMITERS:
        cells = [cell.strip().strip('"').lower() for cell in line.split(delimiter)]
        if len(cells) > 1 and sum(cell in KNOWN_COLUMNS for cell in cells) * 2 >= len(cells):
            return True
    return False


def _record(cells: Sequence[str], dialect: Dialect, location: Location, feed: _Feed) -> Record | Unreadable:
    facts = (INVALID,) if feed.invalid else ()
    feed.invalid = False
    if len(cells) > len(dialect.names):
        return Unreadable(location, f"{len(cells)} cells where there are {len(dialect.names)} columns")
    return Record(location, {name: cell for name, cell in zip(dialect.names, cells, strict=False) if name}, facts)


class _Feed:
    """The lines of a file as the csv module wants them, remembering what happened to them."""

    def __init__(self, source: Iterator[Line]) -> None:
        self._source = source
        self.number = 0
        self.invalid = False
        self.too_long = False

    def __iter__(self) -> Iterator[str]:
        for line in self._source:
            self.number = line.number
            self.invalid = self.invalid or line.invalid
            self.too_long = self.too_long or line.too_long
            yield line.text + "\n"


def _cells(feed: _Feed, dialect: Dialect, limits: Limits, blob: Blob) -> Iterator[list[str]]:
    reader = csv.reader(feed, delimiter=dialect.delimiter, quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE)
    while True:
        try:
            with _wide_cells(limits):
                batch = list(itertools.islice(reader, 1))
        except csv.Error as error:
            raise ReadError(
                f"{quoted(blob.name, 200)}:{feed.number}: {quoted(error)}; a quote may be open without end. Close it or save as jsonl."
            ) from error
        if not batch:
            return
        yield from batch


@contextmanager
def _wide_cells(limits: Limits) -> Iterator[None]:
    """Raise the csv module's process-wide cell limit only while one record is cut."""
    before = csv.field_size_limit(limits.line_bytes)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _sample(blob: Blob, limits: Limits) -> list[str]:
    with text_stream(blob, limits) as stream:
        return [line.text for line in itertools.islice(lines(stream, limits), _SAMPLE_LINES) if line.text.strip()]


def _dialect(sample: Sequence[str], suffix: str, limits: Limits) -> Dialect:
    if not sample:
        return Dialect(",", quoted=True, names=(), header=False)
    delimiter = _delimiter(sample, suffix)
    bound = _parse(sample, delimiter, limits, quoting=True)
    loose = _parse(sample, delimiter, limits, quoting=False)
    binds = delimiter == "," or _even(bound) >= _even(loose)
    table = bound if binds else loose
    first = table[0]
    names = tuple(name.strip() for name in first)
    if _is_header(names):
        return Dialect(delimiter, binds, names, header=True)
    bare = len(first) > 1 and all(_BARE_NAME.fullmatch(name) for name in names)
    body = table[1:] if bare and len(table) > 1 else table
    width = max(len(cells) for cells in table)
    return Dialect(delimiter, binds, _names_by_content(body, width), header=bare)


def _delimiter(sample: Sequence[str], suffix: str) -> str:
    if suffix == ".tsv":
        return "\t"
    head = [cells.strip().strip('"').lower() for cells in sample[0].split(",")]
    if any(cell in KNOWN_COLUMNS for cell in head):
        return ","
    for other in "\t;|":
        cells = [cell.strip().strip('"').lower() for cell in sample[0].split(other)]
        if len(cells) > 1 and any(cell in KNOWN_COLUMNS for cell in cells):
            return other
    counts = {mark: min(line.count(mark) for line in sample) for mark in "\t;"}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] > 0 and "," not in sample[0] else ","


def _parse(sample: Sequence[str], delimiter: str, limits: Limits, *, quoting: bool) -> list[list[str]]:
    text = [line + "\n" for line in sample]
    try:
        reader = csv.reader(text, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE)
        with _wide_cells(limits):
            return [cells for cells in reader if any(cells)] or [[""]]
    except csv.Error:
        return [[""]]


def _even(table: Sequence[Sequence[str]]) -> float:
    """Return how many records of `table` are as wide as its first one: the better reading has more of them."""
    return sum(len(cells) == len(table[0]) for cells in table)


def _is_header(names: Sequence[str]) -> bool:
    lowered = [name.lower() for name in names]
    if len(set(lowered)) != len(lowered):
        return False
    if any(name in KNOWN_COLUMNS for name in lowered):
        return True
    return len(names) > 1 and all(_HEADER_NAME.fullmatch(name) and len(name.split()) <= 3 and not name.isdigit() for name in names)


def _names_by_content(body: Sequence[Sequence[str]], width: int) -> tuple[str, ...]:
    """Name the columns after what they hold: prompt and completion, text and label, or text alone; others stay unnamed."""
    columns = [[cells[i] for cells in body if i < len(cells)] for i in range(width)]
    texts = [i for i, column in enumerate(columns) if _is_text(column)]
    names = [""] * width
    if len(texts) >= 2:
        names[texts[0]], names[texts[1]] = "prompt", "completion"
    elif width == 1 or not texts:
        names[texts[0] if texts else 0] = "text"
    else:
        names[texts[0]] = "text"
        if texts[0] + 1 < width:
            names[texts[0] + 1] = "label"
    return tuple(names)


def _is_text(column: Sequence[str]) -> bool:
    return bool(column) and statistics.median(len(cell.split()) for cell in column) >= 3
