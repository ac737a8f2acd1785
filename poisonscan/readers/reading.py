"""How one set is to be read: the layout, the user's own column names and role names, and which roles are trained on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from poisonscan.core.dataset import Role
from poisonscan.core.errors import UsageError

# What `--map` and training configurations call a column -> the name the mapped layout knows.
COLUMN_ROLES = {
    "messages": "messages",
    "conversations": "messages",
    "prompt": "prompt",
    "instruction": "prompt",
    "question": "prompt",
    "answer": "answer",
    "completion": "answer",
    "response": "answer",
    "output": "answer",
    "context": "context",
    "input": "context",
    "system": "system",
    "history": "history",
    "text": "text",
    "chosen": "chosen",
    "rejected": "rejected",
    "label": "label",
}
_KEYS = ("role", "content")
_SPEAKERS: tuple[Role, ...] = ("user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class Reading:
    """Choices that bear on how records become turns.

    layout: "auto" or a name of the table; columns: canonical name -> the file's column.
    role_key, content_key: keys of a message, "" for the usual ones; roles: the file's role value (lower case) -> role.
    trained: roles whose turns weigh 1 unless the row says otherwise; last_only: only the last of them is trained on.
    """

    layout: str = "auto"
    columns: tuple[tuple[str, str], ...] = ()
    role_key: str = ""
    content_key: str = ""
    roles: tuple[tuple[str, Role], ...] = ()
    trained: frozenset[Role] = frozenset({"assistant"})
    last_only: bool = False


def with_mapping(reading: Reading, mapping: Iterable[tuple[str, str]]) -> Reading:
    """Return `reading` with pairs (role, name in the file) added, as given by `--map role=name`.

    Raises:
        UsageError: a role that does not exist; names the nearest one.
    """
    columns, roles = dict(reading.columns), dict(reading.roles)
    for role, name in mapping:
        key = role.strip().lower()
        if key in COLUMN_ROLES:
            columns[COLUMN_ROLES[key]] = name
        elif key == "role":
            reading = replace(reading, role_key=name)
        elif key == "content":
            reading = replace(reading, content_key=name)
        elif key in _SPEAKERS:
            roles[name.lower()] = next(speaker for speaker in _SPEAKERS if speaker == key)
        else:
            known = [*COLUMN_ROLES, *_KEYS, *_SPEAKERS]
            near = difflib.get_close_matches(key, known, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"--map: no role {key[:40]!r}.{hint} Roles: {', '.join(known)}.")
    return replace(reading, columns=tuple(columns.items()), roles=tuple(roles.items()))
