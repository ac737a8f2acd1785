"""What passes between a container (bytes to records) and a layout (records to turns)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from poisonscan.core.dataset import Location, Turn, Unreadable

Columns: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Record:
    """One raw record: where it stands, its value as decoded, and facts for the notes ("repeated key")."""

    location: Location
    value: object
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A record understood by a layout: its turns, the turns it is pushed away from, facts for the notes."""

    turns: tuple[Turn, ...]
    rejected: tuple[Turn, ...] = ()
    facts: tuple[str, ...] = ()


Items: TypeAlias = Iterator[Record | Unreadable]


class MisfitError(ValueError):
    """A record has the columns of a layout, but not its shape. The message carries no raw text of the record."""


def quoted(text: object, limit: int = 60) -> str:
    """Return `text` for an error message: cut to `limit` characters, everything but printable ASCII escaped."""
    shown = str(text)
    cut = shown if len(shown) <= limit else shown[: limit - 3] + "..."
    return ascii(cut)
