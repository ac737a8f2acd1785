"""One file of a set: a name to point at and a way to open its bytes, more than once.

Why a blob and not a path: standard input and bytes in memory are read the same way as files, and a format is recognised
by looking at the first bytes before the reading starts again from the beginning.
"""

from __future__ import annotations

import io
import stat
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, cast

from poisonscan.core.errors import ReadError
from poisonscan.readers.records import quoted

_COMPRESSED = (".gz", ".zst", ".zstd")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Blob:
    """A named source of bytes.

    `size` and `changed` (mtime in nanoseconds) are as found; `path` is None for memory and pipes; `release` gives up what it holds.
    """

    name: str
    opener: Callable[[], BinaryIO]
    size: int
    path: Path | None = None
    changed: int = 0
    release: Callable[[], None] = lambda: None

    @property
    def suffix(self) -> str:
        """The lower-case suffix below a compression suffix: ".jsonl" for "a.JSONL.gz", "" where there is none."""
        name = Path(self.name.lower())
        return Path(name.stem).suffix if name.suffix in _COMPRESSED else name.suffix

    def open(self) -> BinaryIO:
        """Return the stored bytes from the start.

        Raises:
            ReadError: the file is gone or may not be read.
        """
        try:
            return self.opener()
        except OSError as error:
            shown = quoted(self.name, 200)
            raise ReadError(f"{shown}: cannot be opened ({error.strerror}). Check that it exists and may be read.") from error


def file_blob(path: Path) -> Blob:
    """Return the blob of a regular file.

    Raises:
        ReadError: missing, a folder, a FIFO, a device, or a symbolic link that goes round in circles.
    """
    shown = quoted(path, 200)
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise ReadError(f"{shown}: cannot be found or followed ({error}). Check the path.") from error
    if not stat.S_ISREG(found.st_mode):
        raise ReadError(f"{shown}: not a regular file (a pipe, device or socket). Pipe it in and pass '-' as the path.")
    return Blob(str(path), lambda: path.open("rb"), found.st_size, path, found.st_mtime_ns)


def memory_blob(data: bytes, name: str) -> Blob:
    """Return the blob of bytes in memory."""
    return Blob(name, lambda: io.BytesIO(data), len(data))


def spooled_blob(spool: BinaryIO, name: str, size: int) -> Blob:
    """Return the blob of an open temporary file; its readers may close their view of it, the file stays open."""
    return Blob(name, lambda: cast("BinaryIO", io.BufferedReader(_View(spool))), size, release=spool.close)


def check_unchanged(blob: Blob) -> None:
    """Refuse a file that was written to while it was read.

    Raises:
        ReadError: size or time of change differ from what was found at the start.
    """
    if blob.path is None:
        return
    try:
        now = blob.path.stat()
    except OSError as error:
        raise ReadError(f"{quoted(blob.name, 200)}: went away while it was read. Read a copy that nobody writes to.") from error
    if (now.st_size, now.st_mtime_ns) != (blob.size, blob.changed):
        raise ReadError(
            f"{quoted(blob.name, 200)}: changed while it was read ({blob.size} bytes at first, {now.st_size} now). "
            "Read a copy that nobody writes to."
        )


def fingerprint(blobs: tuple[Blob, ...]) -> bytes:
    """Return the blake2b-128 digest of the stored bytes of all blobs in order."""
    digest = blake2b(digest_size=16)
    for blob in blobs:
        with blob.open() as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    return digest.digest()


class _View(io.RawIOBase):
    """An independent position in a shared seekable file."""

    def __init__(self, shared: BinaryIO) -> None:
        self._shared = shared
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_CUR:
            offset += self._at
            whence = io.SEEK_SET
        self._at = self._shared.seek(offset, whence)
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        self._shared.seek(self._at)
        data = self._shared.read(len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
