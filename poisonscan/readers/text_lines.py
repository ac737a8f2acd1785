"""Plain text: every line that is not blank is a row of text."""

from __future__ import annotations

from poisonscan.core.dataset import Location, Unreadable
from poisonscan.readers.blobs import Blob
from poisonscan.readers.encodings import INVALID, lines, text_stream
from poisonscan.readers.limits import Limits
from poisonscan.readers.records import Items, Record


def read_text(blob: Blob, limits: Limits) -> Items:
    """Yield one record {"text": line} for each line that is not blank."""
    with text_stream(blob, limits) as stream:
        for line in lines(stream, limits):
            location = Location(blob.name, line=line.number)
            if line.too_long:
                yield Unreadable(location, f"line longer than {limits.line_bytes} bytes")
            elif line.text.strip():
                yield Record(location, {"text": line.text.strip()}, (INVALID,) if line.invalid else ())
