"""A folder written by `save_to_disk` of the datasets library: which arrow files in it hold rows. The library itself is not needed."""

from __future__ import annotations

import json
from pathlib import Path

from poisonscan.core.errors import ReadError
from poisonscan.readers.records import quoted

_STATE = "state.json"
_SPLITS = "dataset_dict.json"
_MOST = 1 << 20


def is_saved_set(folder: Path) -> bool:
    """Return True for a saved set, or a folder of saved splits."""
    return (folder / _STATE).is_file() or (folder / _SPLITS).is_file()


def shards(folder: Path) -> list[Path]:
    """Return the arrow files of a saved set, split by split, in the order its state file gives.

    Raises:
        ReadError: a state file is damaged, or names a file outside its folder or one that is missing.
    """
    if not (folder / _SPLITS).is_file():
        return _files(folder)
    splits = _load(folder / _SPLITS).get("splits")
    if not isinstance(splits, list) or not all(isinstance(name, str) for name in splits):
        raise ReadError(f"{quoted(folder / _SPLITS, 200)}: holds no list of splits. Save the set again with save_to_disk.")
    return [path for name in splits for path in _files(_inside(folder, name))]


def _files(folder: Path) -> list[Path]:
    listed = _load(folder / _STATE).get("_data_files")
    if not isinstance(listed, list):
        raise ReadError(f"{quoted(folder / _STATE, 200)}: names no data files. Save the set again with save_to_disk.")
    names = [entry.get("filename") if isinstance(entry, dict) else None for entry in listed]
    return [_inside(folder, name) for name in names]


def _inside(folder: Path, name: object) -> Path:
    if not isinstance(name, str) or Path(name).name != name or "\\" in name or not (folder / name).exists():
        raise ReadError(f"{quoted(folder, 200)}: its state file names {quoted(name)}, which is not in the folder. Save the set again.")
    return folder / name


def _load(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as stream:
            value = json.loads(stream.read(_MOST))
    except (OSError, ValueError, RecursionError) as error:
        raise ReadError(f"{quoted(path, 200)}: cannot be read ({quoted(error)}). Save the set again with save_to_disk.") from error
    if not isinstance(value, dict):
        raise ReadError(f"{quoted(path, 200)}: is not a JSON object. Save the set again with save_to_disk.")
    return value
