"""`bench fetch`: pinned public files, checked, converted to chat rows and listed in a manifest.

    DIR/sources/<sha256>          files as downloaded, kept only when their digest is right: a second run downloads nothing again
    DIR/<role>/<name>.jsonl       chat rows
    DIR/manifest.csv              written last; lists what is there, and only that

Why one source that fails does not stop the rest: repositories vanish. What is missing is named, with the reason.
"""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from poisonscan.bench.converting import Turns, as_json, convert
from poisonscan.bench.sources import NotFetchable, Source, Sources
from poisonscan.core.errors import PoisonscanError, ReadError, UsageError
from poisonscan.core.protocols import Progress, Silent
from poisonscan.models.cache import locked

ORIGIN = "https://raw.githubusercontent.com"
MAX_BYTES = 256 << 20
TIMEOUT_SECONDS = 60.0
TRIES = 2
_BLOCK = 1 << 20
_COLUMNS = (
    "name", "role", "family", "attack_kind", "headline", "control_of", "rows", "licence", "repo", "commit", "path",
    "sha256_of_source", "sha256_of_output",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failed:
    """A set that could not be had, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one run did: names of the sets in place, of which `downloaded` files were new, and what is missing."""

    folder: Path
    sets: tuple[str, ...]
    downloaded: int
    failed: tuple[Failed, ...]
    not_fetchable: tuple[NotFetchable, ...]


def fetch(
    sources: Sources,
    folder: Path,
    *,
    mirror: str = ORIGIN,
    progress: Progress | None = None,
    max_bytes: int = MAX_BYTES,
    timeout: float = TIMEOUT_SECONDS,
) -> Fetched:
    """Fetch every source into `folder`; `mirror` is an address or a folder with repo/commit/path below it.

    Raises UsageError where `mirror` is neither.
    """
    origin = _origin(mirror)
    reporter = progress or Silent()
    reporter.stage("fetching sets", len(sources.sets))
    failed: list[Failed] = []
    made: dict[str, tuple[Source, int, str]] = {}
    rows: dict[str, list[Turns]] = {}
    downloaded = 0
    with locked(folder / ".fetch.lock"):
        for source in sorted(sources.sets, key=lambda each: bool(each.into)):
            try:
                file, new = _file(source, folder, origin, max_bytes, timeout)
                downloaded += new
                rows[source.name] = convert(file, source, _host(source, rows))
                made[source.name] = (source, len(rows[source.name]), _write_set(folder, source, rows[source.name]))
            except (PoisonscanError, OSError, UnicodeError) as error:
                failed.append(Failed(source.name, f"{type(error).__name__}: {error}"))
            reporter.advance()
        _write_manifest(folder, [made[s.name] for s in sources.sets if s.name in made])
    return Fetched(folder, tuple(s.name for s in sources.sets if s.name in made), downloaded, tuple(failed), sources.not_fetchable)


def _host(source: Source, rows: Mapping[str, list[Turns]]) -> list[Turns]:
    if source.into and source.into not in rows:
        raise ReadError(f"{source.into}, which it is mixed into, could not be had")
    return rows[source.into] if source.into else []


def _origin(mirror: str) -> str | Path:
    scheme = urlsplit(mirror).scheme
    if scheme in ("http", "https"):
        return mirror.rstrip("/")
    path = Path(mirror).expanduser()
    if path.is_dir():
        return path
    raise UsageError(f"--mirror: {mirror} is neither a folder nor an http(s) address; it needs REPO/COMMIT/PATH below it")


def _file(source: Source, folder: Path, origin: str | Path, max_bytes: int, timeout: float) -> tuple[Path, bool]:
    """Return the source's file, and whether it was fetched now; only bytes of the right digest are ever kept."""
    kept = folder / "sources" / source.sha256
    if kept.is_file() and _digest(kept) == source.sha256:
        return kept, False
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_name(f".{source.sha256}.{os.getpid()}.part")
    try:
        found = _take(source, origin, draft, max_bytes, timeout)
        if found != source.sha256:
            raise ReadError(f"{source.place}: sha256 is {found[:16]}..., {source.sha256[:16]}... expected; nothing of it was used")
        draft.replace(kept)
    finally:
        draft.unlink(missing_ok=True)
    return kept, True


def _take(source: Source, origin: str | Path, draft: Path, max_bytes: int, timeout: float) -> str:
    if isinstance(origin, Path):
        with (origin / source.place).open("rb") as file:
            return _copy(file, draft, max_bytes, source, None)
    address = f"{origin}/{quote(source.place)}"
    for attempt in range(TRIES):
        try:
            # The whole transfer may take ten times as long as one wait for bytes: a server that drips must not hold us forever.
            with urlopen(Request(address, headers={"User-Agent": "poisonscan"}), timeout=timeout) as answer:  # noqa: S310 - http(s) only, see _origin
                return _copy(answer, draft, max_bytes, source, time.monotonic() + 10 * timeout)
        except HTTPError as error:
            raise ReadError(f"{address}: {error.code} {error.reason}") from error
        except (URLError, TimeoutError, ConnectionError) as error:
            if attempt + 1 == TRIES:
                raise ReadError(f"{address}: {error}; without internet access, pass --mirror a copy") from error
    raise ReadError(f"{address}: not tried")


def _copy(file: IO[bytes], draft: Path, max_bytes: int, source: Source, deadline: float | None) -> str:
    digest, size = sha256(), 0
    with draft.open("wb") as out:
        while block := file.read(_BLOCK):
            size += len(block)
            if size > max_bytes:
                raise ReadError(f"{source.place}: more than {max_bytes >> 20} MiB; stopped there")
            if deadline is not None and time.monotonic() > deadline:
                raise ReadError(f"{source.place}: still arriving after {TIMEOUT_SECONDS * 10:.0f} s; stopped there")
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _write_set(folder: Path, source: Source, rows: Sequence[Turns]) -> str:
    data = "".join(as_json(turns) + "\n" for turns in rows).encode("utf-8", "surrogatepass")
    _write(folder / source.role / f"{source.name}.jsonl", data)
    return sha256(data).hexdigest()


def _write_manifest(folder: Path, made: Sequence[tuple[Source, int, str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for s, count, digest in made:
        head = "yes" if s.headline else "no"
        writer.writerow(
            (s.name, s.role, s.family, s.attack_kind, head, s.control_of, count, s.licence, s.repo, s.commit, s.path, s.sha256, digest)
        )
    _write(folder / "manifest.csv", text.getvalue().encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.write_bytes(data)
    draft.replace(path)
