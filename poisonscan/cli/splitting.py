"""One file into two, by the place of its records.

Line containers (jsonl, csv, tsv, text) are copied byte for byte, packed ones unpacked, UTF-16 as UTF-8; a JSON document becomes two
lists; parquet and arrow keep their schema.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from poisonscan.core.dataset import Unreadable
from poisonscan.core.errors import UsageError
from poisonscan.readers.blobs import Blob
from poisonscan.readers.containers import ARROW, DELIMITED, JSON, PARQUET, Container, container_of
from poisonscan.readers.encodings import encodable, text_stream
from poisonscan.readers.limits import DEFAULT
from poisonscan.reports.escape import visible

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Place:
    """Line or record of a record in its file, counted from 1."""

    line: int | None
    record: int | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records went where."""

    passed: int
    held: int


def split_file(blob: Blob, places: frozenset[Place], clean: Path, held: Path) -> Counts:
    """Copy the records of `blob` at `places` to `held` and the others to `clean`, each under a temporary name and renamed.

    Raises:
        UsageError: a file cannot be written.
    """
    container = container_of(blob, DEFAULT)
    with _written(clean) as passing, _written(held) as holding:
        if container in (PARQUET, ARROW):
            return _split_table(blob, container, places, passing, holding)
        if container is JSON:
            return _split_document(blob, places, passing, holding)
        return _split_lines(blob, container, places, passing, holding)


def _split_lines(blob: Blob, container: Container, places: frozenset[Place], passing: BinaryIO, holding: BinaryIO) -> Counts:
    """A record reaches from its first line to the line before the next record; what comes before the first one is a header."""
    starts = {line for item in container.read(blob, DEFAULT) if (line := item.location.line) is not None}
    held_lines = {place.line for place in places}
    mark = _mark(blob)
    passing.write(mark)
    holding.write(mark)
    passed = held = 0
    target: tuple[BinaryIO, ...] = (passing, holding) if container is DELIMITED else (passing,)
    with text_stream(blob, DEFAULT) as stream:
        for number, text in enumerate(_whole_lines(stream), start=1):
            if number in starts:
                held, passed = (held + 1, passed) if number in held_lines else (held, passed + 1)
                target = (holding,) if number in held_lines else (passing,)
            for out in target:
                out.write(text)
    return Counts(passed, held)


def _whole_lines(stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline():
        yield line


def _mark(blob: Blob) -> bytes:
    """The byte order mark a plain UTF-8 file begins with: the stream of text leaves it out."""
    with blob.open() as raw:
        return _BOM if raw.read(3) == _BOM else b""


def _split_document(blob: Blob, places: frozenset[Place], passing: BinaryIO, holding: BinaryIO) -> Counts:
    counts = {True: 0, False: 0}
    for out in (passing, holding):
        out.write(b"[")
    for item in JSON.read(blob, DEFAULT):
        if isinstance(item, Unreadable):
            continue  # it has no value that could be copied; it stays in the original
        is_held = Place(item.location.line, item.location.record) in places
        out = holding if is_held else passing
        text = encodable(json.dumps(item.value, ensure_ascii=False))
        out.write((b",\n" if counts[is_held] else b"\n") + text.encode("utf-8"))
        counts[is_held] += 1
    for out in (passing, holding):
        out.write(b"\n]\n")
    return Counts(counts[False], counts[True])


def _split_table(blob: Blob, container: Container, places: frozenset[Place], passing: BinaryIO, holding: BinaryIO) -> Counts:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with blob.open() as stream:
        if container is PARQUET:
            table = pq.read_table(stream)
        else:
            magic = stream.read(6)
            stream.seek(0)
            table = (pa.ipc.open_file(stream) if magic == b"ARROW1" else pa.ipc.open_stream(stream)).read_all()
    records = {place.record for place in places}
    chosen = pa.array([number in records for number in range(1, table.num_rows + 1)], type=pa.bool_())
    parts = (table.filter(pc.invert(chosen)), passing), (table.filter(chosen), holding)
    for part, out in parts:
        if container is PARQUET:
            pq.write_table(part, out)
        else:
            with pa.ipc.new_file(out, part.schema) as writer:
                writer.write_table(part)
    return Counts(table.num_rows - len(records), len(records))


@contextmanager
def _written(place: Path) -> Iterator[BinaryIO]:
    temporary = place.with_name(f".{place.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            yield stream
        temporary.replace(place)
    except OSError as error:
        raise UsageError(f"{visible(str(place), 300)}: cannot be written ({error.strerror}). Choose another place") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
