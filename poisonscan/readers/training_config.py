"""The user's own training configuration tells how a set is read: an Axolotl YAML, or a LLaMA-Factory `dataset_info.json`.

Why: what matters is what the trainer will see: its columns, its role names, and which turns carry loss.
Only the file the user names is read; a configuration lying beside the data is not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

import yaml

from poisonscan.core.dataset import Role
from poisonscan.core.errors import ConfigError
from poisonscan.readers.messages import ROLE_NAMES
from poisonscan.readers.reading import Reading, with_mapping
from poisonscan.readers.records import quoted

_MOST_BYTES = 4 << 20
_AXOLOTL_FIELDS = {
    "field_messages": "messages",
    "field_instruction": "prompt",
    "field_input": "context",
    "field_output": "answer",
    "field_system": "system",
    "field_chosen": "chosen",
    "field_rejected": "rejected",
    "field": "text",
}
_FACTORY_COLUMNS = {
    "messages": "messages",
    "prompt": "prompt",
    "query": "context",
    "response": "answer",
    "system": "system",
    "history": "history",
    "chosen": "chosen",
    "rejected": "rejected",
}
_FACTORY_TAGS: Mapping[str, Role] = {
    "user_tag": "user",
    "assistant_tag": "assistant",
    "observation_tag": "tool",
    "function_tag": "assistant",
    "system_tag": "system",
}
_ALPACA = (("prompt", "instruction"), ("context", "input"), ("answer", "output"), ("system", "system"), ("history", "history"))


def load_training_config(path: Path, source: str, layout: str = "auto") -> Reading:
    """Return how the configuration at `path` reads the set `source`.

    Raises:
        ConfigError: cannot be read, is neither kind, or does not say which of its sets `source` is.
    """
    value = _load(path)
    if isinstance(value.get("datasets"), list):
        return replace(_axolotl(value, path, source), layout=layout)
    entries = {name: entry for name, entry in value.items() if isinstance(entry, dict) and _is_factory(entry)}
    if entries:
        return replace(_factory(entries, path, source), layout=layout)
    raise ConfigError(
        f"{quoted(path, 200)}: neither an Axolotl configuration (a list under 'datasets') nor a LLaMA-Factory dataset_info.json. "
        "Pass one of these, or name the columns with --map."
    )


def _axolotl(config: Mapping[str, object], path: Path, source: str) -> Reading:
    listed = config["datasets"]
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    entry = _chosen({f"{i}": entry for i, entry in enumerate(entries)}, ("path", "data_files"), path, source)
    reading = _axolotl_columns(entry)
    trained = entry.get("roles_to_train", config.get("roles_to_train"))
    if isinstance(trained, list):
        reading = replace(reading, trained=frozenset(_role(name, path, "roles_to_train") for name in trained))
    if entry.get("train_on_inputs", config.get("train_on_inputs")) is True:
        reading = replace(reading, trained=frozenset({"system", "user", "assistant"}))
    return reading


def _axolotl_columns(entry: Mapping[str, object]) -> Reading:
    kind = entry.get("type")
    fields = {**entry, **kind} if isinstance(kind, dict) else dict(entry)
    if kind != "completion":
        fields.pop("field", None)
    columns = [(role, name) for key, role in _AXOLOTL_FIELDS.items() if isinstance(name := fields.get(key), str)]
    properties = entry.get("message_property_mappings")
    properties = properties if isinstance(properties, dict) else {}
    reading = with_mapping(Reading(), columns)
    reading = replace(
        reading,
        role_key=_text(entry.get("message_field_role", properties.get("role"))),
        content_key=_text(entry.get("message_field_content", properties.get("content"))),
    )
    roles = entry.get("roles")
    if isinstance(roles, dict):
        named = [(str(alias).lower(), ROLE_NAMES[role]) for role, names in roles.items() if role in ROLE_NAMES for alias in _listed(names)]
        reading = replace(reading, roles=tuple(named))
    return reading


def _factory(entries: Mapping[str, Mapping[str, object]], path: Path, source: str) -> Reading:
    entry = _chosen(entries, ("file_name", "script_url", "hf_hub_url", "ms_hub_url"), path, source)
    columns = entry.get("columns")
    columns = columns if isinstance(columns, dict) else {}
    named = [(role, name) for key, role in _FACTORY_COLUMNS.items() if isinstance(name := columns.get(key), str)]
    if entry.get("formatting", "alpaca") == "alpaca" and not entry.get("ranking"):
        given = dict(named)
        named = [(role, given.get(role, usual)) for role, usual in _ALPACA]
    elif entry.get("formatting") == "sharegpt" and not any(role == "messages" for role, _ in named):
        named.append(("messages", "conversations"))
    return _with_tags(with_mapping(Reading(), named), entry.get("tags"))


def _with_tags(reading: Reading, tags: object) -> Reading:
    if not isinstance(tags, dict):
        return reading
    roles = [(str(tags[tag]).lower(), role) for tag, role in _FACTORY_TAGS.items() if tag in tags]
    return replace(reading, role_key=_text(tags.get("role_tag")), content_key=_text(tags.get("content_tag")), roles=tuple(roles))


def _chosen(entries: Mapping[str, Mapping[str, object]], keys: tuple[str, ...], path: Path, source: str) -> Mapping[str, object]:
    """Return the entry whose name or file is that of `source`; the only entry where there is one."""
    wanted = _last(source)
    for name, entry in entries.items():
        files = [file for key in keys for file in _listed(entry.get(key))]
        if wanted and any(wanted == _last(str(file)) for file in (name, *files)):
            return entry
    if len(entries) == 1:
        return next(iter(entries.values()))
    raise ConfigError(
        f"{quoted(path, 200)}: describes {len(entries)} sets and none of them is {quoted(wanted)}. Keep only the one that is meant."
    )


def _last(name: str) -> str:
    """Return the last part of a path written for either kind of system."""
    return PureWindowsPath(name).name if "\\" in name else PurePosixPath(name).name


def _is_factory(entry: Mapping[str, object]) -> bool:
    return any(key in entry for key in ("file_name", "columns", "formatting", "hf_hub_url", "ms_hub_url", "script_url"))


def _role(name: object, path: Path, key: str) -> Role:
    role = ROLE_NAMES.get(str(name).lower())
    if role is None:
        raise ConfigError(f"{quoted(path, 200)}: {key} names {quoted(name, 40)}, which is no role. Use system, user, assistant or tool.")
    return role


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _load(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES)
        value = json.loads(data) if path.suffix == ".json" else yaml.safe_load(data)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError(
            f"{quoted(path, 200)}: cannot be read as a training configuration ({quoted(error, 120)}). Check the file."
        ) from error
    if not isinstance(value, dict):
        raise ConfigError(f"{quoted(path, 200)}: is not a table of settings. Pass an Axolotl YAML or a LLaMA-Factory dataset_info.json.")
    return value
