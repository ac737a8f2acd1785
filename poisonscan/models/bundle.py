"""A bundle of weights for a machine without a connection: one zip with the files as their publishers packed them.

Why the packed files and not the converted ones: their sha256 is written in this program, so the receiving side needs to trust nobody
who carried the bundle. It converts them itself.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import orjson

from poisonscan.core.errors import ModelError
from poisonscan.core.protocols import Progress, Silent
from poisonscan.models.assets import Asset, find_asset
from poisonscan.models.cache import locked
from poisonscan.models.sources import take_archive
from poisonscan.models.weights import asset_folder, build, gather

CONTENTS = "bundle.json"
SCHEMA = "poisonscan.bundle/1"


def export_bundle(assets: Sequence[Asset], target: Path, *, offline: bool = False, progress: Progress | None = None) -> None:
    """Write the zip `target` with the packed files of `assets` and a list of their digests.

    Raises:
        ModelError: an asset is in no allowed source, or `target` cannot be written.
    """
    telling = progress or Silent()
    partly = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as name, zipfile.ZipFile(partly, "w", zipfile.ZIP_STORED) as archive:
            for asset in assets:
                raw = Path(name) / asset.id / "raw"
                raw.mkdir(parents=True)
                gather(asset, raw, raw.parent, offline=offline, progress=telling)
                for file in asset.files:
                    archive.write(raw / file.name, f"{asset.id}/{file.name}")
            archive.writestr(CONTENTS, orjson.dumps(_contents(assets), option=orjson.OPT_INDENT_2))
        partly.replace(target)
    except OSError as error:
        raise ModelError(f"the bundle {target} cannot be written: {error}. Choose another folder") from error
    finally:
        partly.unlink(missing_ok=True)


def import_bundle(source: Path, *, cache: Path | None = None, progress: Progress | None = None) -> list[Asset]:
    """Check, convert and cache every asset of a bundle and return them.

    Raises:
        ModelError: the bundle cannot be read, names an unknown asset, or its bytes are not the ones known.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            assets = _listed(archive, source)
            for asset in assets:
                folder = asset_folder(asset, cache)
                with locked(folder.with_name(folder.name + ".lock")):
                    build(asset, folder, progress or Silent(), partial(_take, asset, archive))
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"the bundle {source} cannot be read: {error}. Make it with `poisonscan models export BUNDLE`") from error
    return assets


def _take(asset: Asset, archive: zipfile.ZipFile, raw: Path, _scratch: Path) -> None:
    take_archive(asset, raw, archive)


def _contents(assets: Sequence[Asset]) -> dict[str, object]:
    listed = [
        {"id": asset.id, "licence": asset.licence, "files": [{"name": file.name, "sha256": file.sha256} for file in asset.files]}
        for asset in assets
    ]
    return {"schema": SCHEMA, "assets": listed}


def _listed(archive: zipfile.ZipFile, source: Path) -> list[Asset]:
    try:
        contents = orjson.loads(archive.read(CONTENTS))
        names = [str(entry["id"]) for entry in contents["assets"]]
        known = contents["schema"] == SCHEMA
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise ModelError(f"{source} is no bundle of weights. Make one with `poisonscan models export BUNDLE`") from error
    assets = [find_asset(name) for name in names]
    if not known or None in assets:
        raise ModelError(f"{source} was made by another version of poisonscan: it lists {', '.join(names)}")
    return [asset for asset in assets if asset is not None]
