"""Settings, merged once: defaults, then a settings file, then POISONSCAN_* variables, then options.

Why only the working folder: a settings file found beside the vendor's rows would let the vendor switch the detectors off. A file
that lies inside a scanned folder is not honoured, and that is said; name it with --config to have it all the same.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from poisonscan.core.detectors import SEVERITIES
from poisonscan.core.errors import ConfigError
from poisonscan.core.settings import Depth, Settings
from poisonscan.reports.escape import visible

FILE = "poisonscan.toml"
PREFIX = "POISONSCAN_"
# read elsewhere: by the tests; `cache` is a setting too
_OTHER_VARIABLES = ("CORPORA",)
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


@dataclass(frozen=True, slots=True)
class Merged:
    """The settings in force; `origins` says for each key where its value comes from; `notes` what was not honoured."""

    settings: Settings
    origins: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


def merged(options: Mapping[str, object], *, scanned: Iterable[str] = (), config: Path | None = None) -> Merged:
    """Return the settings in force.

    Args:
        options: what the command line gave, by field of `Settings`; None means not given.
        scanned: the paths that are scanned: a settings file inside one of them is not honoured.
        config: a settings file named by the user, read instead of the one in the working folder.

    Raises:
        ConfigError: an unknown key or a value that does not fit; names the place and the nearest key.
    """
    values: dict[str, Any] = {}
    origins = {field.name: "default" for field in fields(Settings)}
    place, notes = (config, ()) if config is not None else _settings_file(scanned)
    layers = [(str(place), _from_file(place))] if place is not None else []
    layers += [("environment", _from_environment(os.environ)), ("option", {key: v for key, v in options.items() if v is not None})]
    for origin, layer in layers:
        for key, value in layer.items():
            values[key] = checked(key, value, origin)
            origins[key] = origin
    return Merged(replace(Settings(), **values), tuple(origins.items()), notes)


def checked(key: str, value: object, origin: str) -> object:
    """Return `value` as the field `key` holds it. Raises ConfigError naming `origin` and key."""
    shown = visible(origin, 300)
    if key not in _PARSERS:
        near = get_close_matches(key, _PARSERS, n=1, cutoff=0.4)
        hint = f"; the nearest is {near[0]}" if near else ""
        raise ConfigError(f"{shown}: unknown key {visible(key, 60)!r}{hint}. `poisonscan config show` lists them all")
    try:
        return _PARSERS[key](value)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{shown}: {key} = {visible(repr(value), 80)}: {error}") from error


def parse_mapping(pairs: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return "role=name" texts as pairs. Raises ValueError for one without "="."""
    found = []
    for pair in pairs:
        role, separator, name = pair.partition("=")
        if not separator or not role.strip() or not name.strip():
            raise ValueError("write role=name, as in user=question")
        found.append((role.strip(), name.strip()))
    return tuple(found)


def _settings_file(scanned: Iterable[str]) -> tuple[Path | None, tuple[str, ...]]:
    here = Path.cwd()
    own, project = here / FILE, here / "pyproject.toml"
    place = own if own.is_file() else project if project.is_file() and _has_section(project) else None
    if place is None:
        return None, ()
    if any(Path(path).is_dir() and place.resolve().is_relative_to(Path(path).resolve()) for path in scanned):
        note = f"{visible(str(place), 300)} lies inside the scanned data and is not honoured; name it with --config if it is yours"
        return None, (note,)
    return place, ()


def _has_section(project: Path) -> bool:
    try:
        return "poisonscan" in tomllib.loads(project.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, ValueError):
        return False  # somebody else's broken file is not ours to report


def _from_file(place: Path) -> dict[str, object]:
    shown = visible(str(place), 300)
    try:
        table = tomllib.loads(place.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{shown}: cannot be read ({error.strerror}). Check the path") from error
    except ValueError as error:
        raise ConfigError(f"{shown}: not TOML: {visible(str(error), 200)}") from error
    section = table.get("tool", {}).get("poisonscan") if place.name == "pyproject.toml" else table
    if not isinstance(section, dict):
        raise ConfigError(f"{shown}: [tool.poisonscan] is not a table")
    return {key.replace("-", "_"): _from_folder_of(place, key.replace("-", "_"), value) for key, value in section.items()}


def _from_folder_of(place: Path, key: str, value: object) -> object:
    """A path in a settings file counts from the folder of the file."""
    return str(place.parent / value) if key in _PATHS and isinstance(value, str) and value else value


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    named = {name.removeprefix(PREFIX): value for name, value in environment.items() if name.startswith(PREFIX)}
    found: dict[str, object] = {name.lower(): value for name, value in named.items() if name not in _OTHER_VARIABLES}
    if "offline" not in found and environment.get("HF_HUB_OFFLINE", "").lower() in _TRUE:
        found["offline"] = True
    return found


def _one_of(allowed: tuple[str, ...]) -> Callable[[Any], str]:
    def parse(value: Any) -> str:  # noqa: ANN401 - from TOML, the environment or an option
        if value not in allowed:
            raise ValueError(f"not one of {', '.join(allowed)}")
        return str(value)

    return parse


def _text(value: Any) -> str:  # noqa: ANN401 - see _one_of
    if not isinstance(value, str) or not value:
        raise ValueError("expected text")
    return value


def _flag(value: Any) -> bool:  # noqa: ANN401 - see _one_of
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in (*_TRUE, *_FALSE):
        return value.lower() in _TRUE
    raise ValueError("expected true or false")


def _number(low: float, high: float, kind: type[int | float] = float) -> Callable[[Any], float]:
    def parse(value: Any) -> float:  # noqa: ANN401 - see _one_of
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise TypeError("expected a number")
        number = kind(value)
        if not low <= number <= high:
            raise ValueError(f"expected a number from {low:g} to {high:g}")
        return number

    return parse


def _path(value: Any) -> Path | None:  # noqa: ANN401 - see _one_of
    return Path(value) if str(value) else None


def _texts(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - see _one_of
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
        raise TypeError("expected a list of texts")
    return tuple(part.strip() for item in items for part in item.split(",") if part.strip())


def _mapping(value: Any) -> tuple[tuple[str, str], ...]:  # noqa: ANN401 - see _one_of
    if isinstance(value, Mapping):
        return parse_mapping(f"{role}={name}" for role, name in value.items())
    return parse_mapping(_texts(value))


_PATHS = ("catalogue", "calibration", "cache")
_PARSERS: dict[str, Callable[[Any], object]] = {
    "depth": _one_of(get_args(Depth)),
    "scorer": _text,
    "encoder": _text,
    "layout": _text,
    "mapping": _mapping,
    "catalogue": _path,
    "calibration": _path,
    "select": _texts,
    "ignore": _texts,
    "fail_on": _one_of(SEVERITIES),
    "alpha": _number(1e-9, 0.5),
    "seed": _number(0, 2**63 - 1, int),
    "max_rows": _number(0, 10**9, int),
    "budget_minutes": _number(0, 10**6),
    "offline": _flag,
    "cache": _path,
    "unreadable_limit": _number(0, 1),
}
