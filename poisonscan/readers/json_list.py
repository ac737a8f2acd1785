"""A JSON document: a list of rows, an object that holds lists of rows, or objects one after the other.

Why not ijson: its parser stops at NaN, hides repeated keys and repairs lone surrogates without saying so. Decoding one element at a
time from a sliding window of text streams just as well and shares the parser of jsonl.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from poisonscan.core.dataset import Location, Unreadable
from poisonscan.core.errors import ReadError
from poisonscan.readers.blobs import Blob
from poisonscan.readers.encodings import INVALID, text_stream
from poisonscan.readers.json_text import REPEATED, HopelessError, JsonParser, Parsed
from poisonscan.readers.limits import Limits
from poisonscan.readers.records import Items, MisfitError, Record, quoted

# Lists that belong to one row; any other list of objects at the top of a document is a list of rows.
ROW_LISTS = frozenset(
    {
        "messages",
        "conversations",
        "conversation",
        "segments",
        "contents",
        "instances",
        "choices",
        "history",
        "chosen",
        "rejected",
        "prompt",
        "completion",
        "system",
        "tools",
        "functions",
        "images",
        "preferred_output",
        "non_preferred_output",
        "reply",
        "dialog",
        "dialogue",
        "turns",
    }
)
_CHUNK = 1 << 20
_SPACE = " \t\r\n\ufeff"


def read_json(blob: Blob, limits: Limits) -> Items:
    """Yield one record for each row of the document.

    Raises:
        ReadError: the document breaks off or is not JSON; names the record.
    """
    with text_stream(blob, limits) as stream:
        window = _Window(stream, limits)
        count = 0
        try:
            for parsed in _document(window):
                count += 1
                location = Location(blob.name, record=count)
                if parsed.problem:
                    yield Unreadable(location, parsed.problem)
                    continue
                facts = (*parsed.facts, INVALID) if window.invalid else parsed.facts
                window.invalid = False
                yield Record(location, parsed.value, facts)
        except MisfitError as error:
            raise ReadError(
                f"{quoted(blob.name, 200)}: the JSON breaks at record {count + 1} ({error}). Repair it or save one record a line (jsonl)."
            ) from error


def _document(window: _Window) -> Iterator[Parsed]:
    while mark := window.peek():
        if mark == "[":
            window.skip()
            yield from _elements(window)
        elif mark == "{":
            yield from _object(window)
        else:
            yield window.value()


def _elements(window: _Window) -> Iterator[Parsed]:
    while (mark := window.peek()) != "]":
        if not mark:
            raise MisfitError("the list is not closed")
        if mark == ",":
            window.skip()
            continue
        yield window.value()
    window.skip()


def _object(window: _Window) -> Iterator[Parsed]:
    """Yield the elements of the object's lists of rows, or the object itself where it holds none."""
    window.skip()
    own: dict[str, object] = {}
    facts: tuple[str, ...] = ()
    listed = False
    while (mark := window.peek()) != "}":
        if mark == ",":
            window.skip()
            continue
        key = window.value().value
        if not isinstance(key, str) or window.peek() != ":":
            raise MisfitError("a key without a value")
        window.skip()
        if key not in ROW_LISTS and window.peek() == "[" and window.peek(after=True) in "[{":
            window.skip()
            listed = True
            yield from _elements(window)
        else:
            parsed = window.value()
            facts += parsed.facts + ((REPEATED,) if key in own else ())
            own[key] = parsed.value
    window.skip()
    if not listed and own:
        yield Parsed(own, 0, facts)


class _Window:
    """A sliding piece of the text, extended until the value that starts in it is complete."""

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self._parser = JsonParser(limits)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._at = 0
        self._ended = False
        self.invalid = False

    def peek(self, *, after: bool = False) -> str:
        """Return the next character that is not white space ("" at the end), or the one after it."""
        at = self._next(self._at)
        if after and at < len(self._text):
            at = self._next(at + 1)
            return self._text[at] if at < len(self._text) else ""
        self._at = at
        return self._text[at] if at < len(self._text) else ""

    def skip(self) -> None:
        """Go past the character that `peek` returned."""
        self._at += 1

    def value(self) -> Parsed:
        """Return the value at the window's position and go past it."""
        self.peek()
        wanted = _CHUNK
        while True:
            try:
                parsed = self._parser.parse_at(self._text, self._at)
            except HopelessError:
                raise
            except MisfitError as error:
                if len(self._text) - self._at > self._limits.line_bytes:
                    raise MisfitError(f"longer than {self._limits.line_bytes} bytes, or not JSON") from error
                if not self._extend(wanted):
                    raise
                wanted *= 2
                continue
            # A number that touches the window's edge may go on behind it.
            if parsed.end == len(self._text) and self._extend(_CHUNK):
                continue
            self._at = parsed.end
            return parsed

    def _next(self, at: int) -> int:
        while True:
            while at < len(self._text) and self._text[at] in _SPACE:
                at += 1
            before = self._at
            if at < len(self._text) or not self._extend(_CHUNK):
                return at
            at -= before - self._at

    def _extend(self, size: int) -> bool:
        """Drop what is behind, read `size` bytes more; False at the end."""
        if self._ended:
            return False
        data = self._stream.read(size)
        self._ended = not data
        more = self._decoder.decode(data, self._ended)
        self.invalid = self.invalid or ("\ufffd" in more and b"\xef\xbf\xbd" not in data)
        self._text = self._text[self._at :] + more
        self._at = 0
        return bool(more) or not self._ended
