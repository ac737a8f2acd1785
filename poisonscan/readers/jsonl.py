"""jsonl and ndjson: one JSON value a line; a bad line is named and the next one is read."""

from __future__ import annotations

from poisonscan.core.dataset import Location, Unreadable
from poisonscan.readers.blobs import Blob
from poisonscan.readers.encodings import INVALID, lines, text_stream
from poisonscan.readers.json_text import JsonParser
from poisonscan.readers.limits import Limits
from poisonscan.readers.records import Items, MisfitError, Record


def read_jsonl(blob: Blob, limits: Limits) -> Items:
    """Yield one record for each line that is not blank."""
    parser = JsonParser(limits)
    with text_stream(blob, limits) as stream:
        for line in lines(stream, limits):
            location = Location(blob.name, line=line.number)
            if line.too_long:
                yield Unreadable(location, f"line longer than {limits.line_bytes} bytes")
                continue
            text = line.text.lstrip("\ufeff")
            if not text or text.isspace():
                continue
            try:
                parsed = parser.parse(text)
            except MisfitError as error:
                yield Unreadable(location, str(error))
                continue
            yield Record(location, parsed.value, (*parsed.facts, INVALID) if line.invalid else parsed.facts)
