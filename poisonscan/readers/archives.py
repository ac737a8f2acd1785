"""gzip and zstandard, unpacked as a stream with a bound on how far they may swell.

Why a ratio and not a size: a real delivery may be large, but text hardly ever shrinks two-hundredfold; a bomb does.
Other archives (zip, tar, bzip2, xz, 7z) are refused by name: a set inside them has no line to point at.
"""

from __future__ import annotations

import gzip
import io
import zlib
from typing import BinaryIO, cast

import zstandard

from poisonscan.core.errors import ReadError
from poisonscan.readers.blobs import Blob
from poisonscan.readers.limits import Limits
from poisonscan.readers.records import quoted

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_REFUSED = (
    (b"PK\x03\x04", "a zip archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x80\x02", "a pickle, which is never opened"),
    (b"\x80\x03", "a pickle, which is never opened"),
    (b"\x80\x04", "a pickle, which is never opened"),
    (b"\x80\x05", "a pickle, which is never opened"),
)
_HEAD = 16
# A zstandard block of 4 bytes may stand for 128 KiB, so that one piece unpacks to 64 MiB at most.
_ZSTD_PIECE = 2048


def unpacked(blob: Blob, limits: Limits) -> BinaryIO:
    """Return the bytes of `blob` with gzip or zstandard taken off.

    Raises:
        ReadError: another kind of archive, or an archive inside an archive; later, while reading: damage or a bomb.
    """
    stored = blob.open()
    try:
        head = stored.read(_HEAD)
        stored.seek(0)
        refuse_archives(head, blob.name)
        return _stream(stored, head, blob, limits) if is_packed(head) else stored
    except ReadError:
        stored.close()
        raise


def is_packed(head: bytes) -> bool:
    """Return True where `head` opens a gzip or zstandard file."""
    return head.startswith((_GZIP, _ZSTD))


def refuse_archives(head: bytes, name: str) -> None:
    """Refuse containers that hold files or code rather than rows.

    Raises:
        ReadError: names the kind and the remedy.
    """
    for magic, kind in _REFUSED:
        if head.startswith(magic):
            raise ReadError(f"{quoted(name, 200)}: {kind}. Export the rows as jsonl or parquet, or unpack it, and read that.")


def _stream(stored: BinaryIO, head: bytes, blob: Blob, limits: Limits) -> BinaryIO:
    stream = io.BufferedReader(_Unpacked(stored, head, blob, limits), 1 << 18)
    inner = stream.peek(_HEAD)[:_HEAD]
    if is_packed(inner):
        raise ReadError(f"{quoted(blob.name, 200)}: an archive inside an archive. Unpack it once and read the inner file.")
    refuse_archives(inner, blob.name)
    return cast("BinaryIO", stream)


class _Unpacked(io.RawIOBase):
    """A readable raw stream over a packed one that counts what goes in and what comes out."""

    def __init__(self, stored: BinaryIO, head: bytes, blob: Blob, limits: Limits) -> None:
        self._stored = stored
        self._blob = blob
        self._limits = limits
        self._out = 0
        self._source: BinaryIO = (
            cast("BinaryIO", gzip.GzipFile(fileobj=stored, mode="rb")) if head.startswith(_GZIP) else cast("BinaryIO", _ZstdFrames(stored))
        )

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        try:
            data = self._source.read(len(view))
        except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
            raise ReadError(
                f"{quoted(self._blob.name, 200)}: the archive is damaged after {self._out} unpacked bytes "
                f"({quoted(error)}). Fetch it again."
            ) from error
        self._out += len(data)
        if self._out > self._limits.expansion_floor and self._out > self._limits.expansion * self._blob.size:
            raise ReadError(
                f"{quoted(self._blob.name, 200)}: {self._blob.size} bytes unpack to more than {self._out}, "
                f"over {self._limits.expansion} times as much; taken for a decompression bomb. Unpack it yourself if you trust it."
            )
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
            self._stored.close()
        super().close()


class _ZstdFrames:
    """Zstandard frames one after the other.

    Why not the library's own stream: it takes a file that was cut off for one that has ended.
    """

    def __init__(self, stored: BinaryIO) -> None:
        self._stored = stored
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._started = False
        self._pending = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Return at most `size` unpacked bytes, b"" at the end.

        Raises:
            EOFError: the last frame is cut off.
        """
        while not self._pending:
            data = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame, self._started = zstandard.ZstdDecompressor().decompressobj(), False
            data = data or self._stored.read(_ZSTD_PIECE)
            if not data:
                if self._started:
                    raise EOFError("cut off")
                return b""
            self._started = True
            self._pending = memoryview(self._frame.decompress(data))
        piece, self._pending = self._pending[:size], self._pending[size:]
        return bytes(piece)

    def close(self) -> None:
        """Nothing is held."""
