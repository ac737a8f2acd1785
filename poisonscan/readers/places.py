"""Where a source lies: a file, a glob, a folder of shards, a saved set, or standard input.

Why links and special files are named and not followed: a link out of a vendor's folder would put the reader's own files into a report,
a FIFO would wait for ever. Configuration found inside the folder (`poisonscan.toml`) is data's neighbour, never obeyed.
"""

from __future__ import annotations

import glob
import os
import stat
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from poisonscan.core.dataset import Location, Unreadable
from poisonscan.core.errors import NoRowsError, ReadError
from poisonscan.readers.blobs import Blob, file_blob, spooled_blob
from poisonscan.readers.containers import SUFFIXES
from poisonscan.readers.limits import Limits
from poisonscan.readers.records import quoted
from poisonscan.readers.saved_to_disk import is_saved_set, shards

_METADATA = frozenset(
    {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "package.json", "tokenizer.json", "config.json"}
)
_PROSE = frozenset({"readme.txt", "license.txt", "licence.txt", "requirements.txt", "notice.txt"})
_MEMORY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Places:
    """The files of a set in reading order, places that were not followed, and facts for the notes."""

    blobs: tuple[Blob, ...]
    unreadable: tuple[Unreadable, ...] = ()
    notes: tuple[str, ...] = ()


def find(source: str | Path, limits: Limits) -> Places:
    """Return the files `source` stands for.

    Raises:
        ReadError: it does not exist, or is something that is not read.
        NoRowsError: a folder or glob without a data file.
    """
    text = str(source)
    if text == "-":
        return Places((_piped(limits),))
    if text.startswith(("http://", "https://", "s3://", "gs://")):
        raise ReadError(f"{quoted(text, 200)}: addresses are not fetched. Download the file and pass its path, or use hf://owner/name.")
    path = Path(text)
    if _exists(path):
        return _folder(path, limits) if path.is_dir() else Places((file_blob(path),))
    if any(mark in text for mark in "*?["):
        return _glob(text, limits)
    hint = f" If it is on the Hugging Face Hub, write hf://{text}." if text.count("/") == 1 and not path.suffix else ""
    raise ReadError(f"{quoted(text, 200)}: no such file or folder.{hint if hint.isascii() and hint.isprintable() else ''}")


def _exists(path: Path) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:  # a NUL character in the path
        return False


def _piped(limits: Limits) -> Blob:
    """Copy standard input to a temporary file, so that it can be looked at and then read."""
    spool = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115  (lives as long as the blob)
    blob_size = _copied(spool, limits)
    if blob_size > limits.piped_bytes:
        spool.close()
        raise ReadError(f"-: more than {limits.piped_bytes} bytes on standard input. Save them to a file and pass its path.")
    return spooled_blob(cast("BinaryIO", spool), "-", blob_size)


def _copied(spool: tempfile.SpooledTemporaryFile[bytes], limits: Limits) -> int:
    size = 0
    while size <= limits.piped_bytes and (chunk := sys.stdin.buffer.read(1 << 20)):
        size += len(chunk)
        spool.write(chunk)
    return size


def _glob(pattern: str, limits: Limits) -> Places:
    found = sorted(Path(name) for name in glob.glob(pattern, recursive=True))  # noqa: PTH207  (the pattern may be absolute)
    files = [path for path in found if path.is_file()]
    if not files:
        raise NoRowsError(f"{quoted(pattern, 200)}: matches no file. Check the pattern; quote it so that the shell leaves it alone.")
    _check_count(len(files), pattern, limits)
    return Places(tuple(file_blob(path) for path in files))


def _folder(folder: Path, limits: Limits) -> Places:
    if is_saved_set(folder):
        return Places(tuple(file_blob(path) for path in shards(folder)))
    found = _Walk(folder, limits)
    if not found.data:
        raise NoRowsError(f"{quoted(folder, 200)}: no data file in it. Files read: {', '.join(sorted(SUFFIXES))}, also with .gz or .zst.")
    notes = (f"{sum(found.others.values())} other files not read ({_kinds(found.others)})",) if found.others else ()
    return Places(tuple(file_blob(path) for path in found.data), tuple(found.refused), notes)


class _Walk:
    """One pass over a folder without following links to folders."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.data: list[Path] = []
        self.refused: list[Unreadable] = []
        self.others: Counter[str] = Counter()
        texts: list[Path] = []
        for parent, folders, files in os.walk(folder, followlinks=False):
            folders[:] = sorted(name for name in folders if not name.startswith(".") and not self._is_link(Path(parent, name)))
            for name in sorted(files):
                self._sort(Path(parent, name), folder, texts)
            _check_count(len(self.data), str(folder), limits)
        if self.data:
            self.others.update(path.suffix.lower() for path in texts)
        else:
            self.data = texts

    def _sort(self, path: Path, folder: Path, texts: list[Path]) -> None:
        suffix = Blob(path.name, lambda: cast("BinaryIO", None), 0).suffix
        if suffix not in SUFFIXES or path.name.lower() in _METADATA or path.name.startswith((".", "cache-")):
            self.others[suffix or "no suffix"] += 1
        elif (reason := _refusal(path, folder)) is not None:
            self.refused.append(Unreadable(Location(str(path)), reason))
        elif suffix == ".txt":
            if path.name.lower() not in _PROSE:
                texts.append(path)
        else:
            self.data.append(path)

    def _is_link(self, path: Path) -> bool:
        if path.is_symlink():
            self.refused.append(Unreadable(Location(str(path)), "a symbolic link to a folder, not followed"))
            return True
        return False


def _refusal(path: Path, folder: Path) -> str | None:
    try:
        real = path.resolve(strict=True)
        mode = real.stat().st_mode
    except (OSError, RuntimeError):
        return "a symbolic link that leads nowhere or in a circle"
    if not stat.S_ISREG(mode):
        return "not a regular file (a pipe, device or socket)"
    if path.is_symlink() and not real.is_relative_to(folder.resolve()) and not _is_hub_cache(path, real):
        return "a symbolic link out of the folder, not followed; name its target to have it read"
    return None


def _is_hub_cache(path: Path, real: Path) -> bool:
    """Return True for the Hub's own cache, whose snapshots link to `blobs` beside them."""
    root = next((parent.parent for parent in path.absolute().parents if parent.name == "snapshots"), None)
    return root is not None and real.is_relative_to((root / "blobs").resolve())


def _check_count(count: int, shown: str, limits: Limits) -> None:
    if count > limits.files:
        raise ReadError(f"{quoted(shown, 200)}: more than {limits.files} files. Pass a part of them.")


def _kinds(others: Counter[str]) -> str:
    return ", ".join(quoted(kind, 12).strip("'") for kind, _ in others.most_common(5))
