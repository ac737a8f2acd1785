"""The table of containers, and which one a file is: first by its leading bytes, then by its suffix, then by its first line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from poisonscan.core.errors import NoRowsError
from poisonscan.readers.arrow_tables import read_arrow, read_parquet
from poisonscan.readers.blobs import Blob
from poisonscan.readers.delimited import looks_delimited, read_delimited
from poisonscan.readers.encodings import text_stream
from poisonscan.readers.json_list import read_json
from poisonscan.readers.json_text import JsonParser
from poisonscan.readers.jsonl import read_jsonl
from poisonscan.readers.limits import Limits
from poisonscan.readers.records import Items, MisfitError, quoted
from poisonscan.readers.text_lines import read_text

_HEAD = 1 << 16


@dataclass(frozen=True, slots=True)
class Container:
    """A file format: its name, its suffixes, and the generator that reads it in bounded memory."""

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Blob, Limits], Items]


JSONL = Container("jsonl", (".jsonl", ".ndjson", ".jsonlines"), read_jsonl)
JSON = Container("json", (".json",), read_json)
DELIMITED = Container("delimited", (".csv", ".tsv"), read_delimited)
PARQUET = Container("parquet", (".parquet", ".pq"), read_parquet)
ARROW = Container("arrow", (".arrow", ".feather"), read_arrow)
TEXT = Container("text", (".txt",), read_text)
CONTAINERS: tuple[Container, ...] = (JSONL, JSON, DELIMITED, PARQUET, ARROW, TEXT)
SUFFIXES = frozenset(suffix for container in CONTAINERS for suffix in container.suffixes)


def container_of(blob: Blob, limits: Limits) -> Container:
    """Return the container of `blob`.

    Raises:
        NoRowsError: the file is empty.
        ReadError: an archive that is not read, or a damaged one.
    """
    table = _table(blob)
    if table is not None:
        return table
    with text_stream(blob, limits) as stream:
        head = stream.read(_HEAD)
    if not head.strip(b"\x00\r\n\t "):
        raise NoRowsError(f"{quoted(blob.name, 200)}: empty, or nothing but blank lines. Check that it was fetched whole.")
    if blob.suffix in DELIMITED.suffixes:
        return DELIMITED
    return _by_text(head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n"), blob.suffix, limits)


def _table(blob: Blob) -> Container | None:
    with blob.open() as stream:
        magic = stream.read(6)
    if magic[:4] == b"PAR1":
        return PARQUET
    if magic == b"ARROW1":
        return ARROW
    return next((container for container in (PARQUET, ARROW) if blob.suffix in container.suffixes), None)


def _by_text(head: str, suffix: str, limits: Limits) -> Container:
    if head[:1] in ("{", "["):
        return _json_kind(head, suffix, limits) if suffix != ".txt" or _parses(head.split("\n", 1)[0], limits) else TEXT
    if suffix in JSONL.suffixes:
        return JSONL
    if suffix in JSON.suffixes:
        return JSON
    return DELIMITED if suffix != ".txt" and looks_delimited(head.split("\n", 1)[0]) else TEXT


def _json_kind(head: str, suffix: str, limits: Limits) -> Container:
    """Tell one value a line from a document: a jsonl file has a second line that opens like the first, and a first that is complete."""
    lines = [line.strip() for line in head.split("\n") if line.strip()]
    if suffix in JSONL.suffixes:
        # Some people save a whole list, or indented objects, under this name.
        return JSON if lines[0] in ("[", "{") or (lines[0][0] == "[" and len(lines) == 1) else JSONL
    several = len(lines) > 1 and lines[1][0] == head[0] and _parses(lines[0], limits)
    return JSONL if several else JSON


def _parses(line: str, limits: Limits) -> bool:
    try:
        JsonParser(limits).parse(line)
    except MisfitError:
        return False
    return True
