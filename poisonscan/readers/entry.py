"""`read`: from whatever names a set to a `Dataset`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from poisonscan.core.dataset import Dataset, Location, Unreadable
from poisonscan.core.errors import UsageError
from poisonscan.readers.assembly import Assembly
from poisonscan.readers.blobs import check_unchanged, fingerprint, memory_blob
from poisonscan.readers.containers import container_of
from poisonscan.readers.hub import PREFIX, read_hub
from poisonscan.readers.layouts import named
from poisonscan.readers.limits import DEFAULT, Limits
from poisonscan.readers.places import Places, find
from poisonscan.readers.reading import Reading, with_mapping
from poisonscan.readers.records import Items, Record
from poisonscan.readers.reservoir import Reservoir
from poisonscan.readers.training_config import load_training_config

_MEMORY = "<memory>"


def read(
    source: str | Path | Iterable[object] | Dataset,
    *,
    layout: str = "auto",
    mapping: Iterable[tuple[str, str]] = (),
    training_config: str | Path | None = None,
    offline: bool = False,
    sample: int = 0,
    limits: Limits = DEFAULT,
) -> Dataset:
    """Read a set.

    Args:
        source: a file, a glob, a folder of shards, a saved set, "-" for standard input, "hf://owner/name", an iterable of
            mappings, or a `Dataset`, which is returned as it is.
        layout: "auto" or a name of `layouts.LAYOUTS`.
        mapping: pairs (role, name in the file), as `--map role=name`.
        training_config: an Axolotl YAML or a LLaMA-Factory `dataset_info.json` to take columns, roles and loss masks from.
        offline: refuse sources that need the network.
        sample: keep at most so many rows, a uniform sample (0: all that fit in `limits.kept_bytes`). `Dataset.total` counts all.
        limits: bounds against hostile input.

    Raises:
        ReadError: the set cannot be read to its end; names file, place and remedy.
        NoRowsError: nothing in it was understood; names the layouts tried.
        UsageError: a layout, role or configuration that does not exist or does not fit.
    """
    if isinstance(source, Dataset):
        return source
    reading = _reading(source, layout, mapping, training_config)
    if sample < 0:
        raise UsageError("sample: must not be negative. Use 0 to keep all rows.")
    if isinstance(source, (str, Path)):
        if str(source).startswith(PREFIX):
            return _read_items(read_hub(str(source), limits, offline=offline), str(source), reading, sample, limits)
        return _released(find(source, limits), str(source), reading, sample, limits)
    return _read_items(_items(source), _MEMORY, reading, sample, limits)


def read_bytes(
    data: bytes, name: str, *, layout: str = "auto", mapping: Iterable[tuple[str, str]] = (), limits: Limits = DEFAULT
) -> Dataset:
    """Read a set from bytes in memory; the suffix of `name` helps to tell the container.

    Raises:
        ReadError, NoRowsError, UsageError: as for `read`.
    """
    reading = _reading(name, layout, mapping, None)
    return _read_places(Places((memory_blob(data, name),)), name, reading, 0, limits)


def _reading(source: object, layout: str, mapping: Iterable[tuple[str, str]], config: str | Path | None) -> Reading:
    if layout != "auto":
        named(layout)
    start = Reading(layout=layout) if config is None else load_training_config(Path(config), str(source), layout)
    return with_mapping(start, mapping)


def _released(places: Places, name: str, reading: Reading, sample: int, limits: Limits) -> Dataset:
    try:
        return _read_places(places, name, reading, sample, limits)
    finally:
        for blob in places.blobs:
            blob.release()


def _read_places(places: Places, name: str, reading: Reading, sample: int, limits: Limits) -> Dataset:
    reservoir = Reservoir(sample, limits.kept_bytes, fingerprint(places.blobs))
    assembly = Assembly(name, reading, limits, reservoir)
    assembly.refuse(places.unreadable)
    several = len(places.blobs) > 1
    for blob in places.blobs:
        if several and not blob.size:
            assembly.refuse([Unreadable(Location(blob.name), "an empty file")])
            continue
        assembly.take(container_of(blob, limits).read(blob, limits))
        check_unchanged(blob)
    return assembly.dataset(places.notes)


def _read_items(items: Items, name: str, reading: Reading, sample: int, limits: Limits) -> Dataset:
    assembly = Assembly(name, reading, limits, Reservoir(sample, limits.kept_bytes, name.encode("utf-8", "replace")))
    assembly.take(items)
    return assembly.dataset()


def _items(source: Iterable[object]) -> Items:
    for count, value in enumerate(source, start=1):
        yield Record(Location(_MEMORY, record=count), value)
