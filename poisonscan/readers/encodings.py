"""Bytes to text: byte order marks, UTF-16 and UTF-32, line ends, invalid bytes, lines without end.

Why invalid bytes are replaced and noted, not refused: a trainer that reads with `errors="replace"` would learn the row, so it is scanned.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from poisonscan.readers.archives import unpacked
from poisonscan.readers.blobs import Blob
from poisonscan.readers.limits import Limits

INVALID = "invalid UTF-8"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end. `number` counts from 1; `invalid` says bytes were replaced; `too_long` that the text was not kept."""

    number: int
    text: str
    invalid: bool = False
    too_long: bool = False


def text_stream(blob: Blob, limits: Limits) -> BinaryIO:
    """Return the unpacked bytes of `blob` as UTF-8 without a byte order mark (invalid bytes are left in).

    Raises:
        ReadError: as `archives.unpacked`.
    """
    stream = unpacked(blob, limits)
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream), _CHUNK)
    encoding, mark = _encoding(buffered.peek(_CHUNK)[:4096])
    buffered.read(mark)
    if encoding == "utf-8":
        return cast("BinaryIO", buffered)
    return cast("BinaryIO", io.BufferedReader(_Transcoded(cast("BinaryIO", buffered), encoding), _CHUNK))


def lines(stream: BinaryIO, limits: Limits) -> Iterator[Line]:
    """Yield the lines of a UTF-8 stream; a line over `limits.line_bytes` is skipped in pieces and reported."""
    number = 0
    while data := stream.readline(limits.line_bytes + 1):
        number += 1
        if len(data) > limits.line_bytes:
            while data and not data.endswith(b"\n"):
                data = stream.readline(_CHUNK)
            yield Line(number, "", too_long=True)
            continue
        data = data.rstrip(b"\r\n")
        try:
            yield Line(number, data.decode())
        except UnicodeDecodeError:
            yield Line(number, data.decode("utf-8", "replace"), invalid=True)


def encodable(text: str) -> str:
    """Return `text` with surrogate pairs joined and lone surrogates replaced, so that it can be written as UTF-8."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _encoding(head: bytes) -> tuple[str, int]:
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, len(mark)
    sample = head[:400]
    if len(sample) >= 4 and not sample.startswith(b"\x00\x00"):
        even, odd = sample[::2].count(0) / len(sample[::2]), sample[1::2].count(0) / len(sample[1::2])
        if odd > 0.8 and even < 0.2:
            return "utf-16-le", 0
        if even > 0.8 and odd < 0.2:
            return "utf-16-be", 0
    return "utf-8", 0


class _Transcoded(io.RawIOBase):
    """A readable raw stream that turns another encoding into UTF-8 a piece at a time."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._pending = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._pending and not self._ended:
            data = self._stream.read(_CHUNK)
            self._ended = not data
            self._pending = self._decoder.decode(data, self._ended).encode("utf-8", "replace")
        piece, self._pending = self._pending[: len(view)], self._pending[len(view) :]
        view[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
