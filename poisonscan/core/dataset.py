"""What was read: locations, turns, rows and the set they form.

Why frozen: a row is evidence. Nothing downstream may edit the text a finding points at.
Text is hostile everywhere: it is never formatted directly, only through `reports.escape`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Location:
    """Where a row stands in the vendor's file: `line` for line-based containers, else `record`; both count from 1."""

    file: str
    line: int | None = None
    record: int | None = None

    def __str__(self) -> str:
        if self.line is not None:
            return f"{self.file}:{self.line}"
        return f"{self.file}#{self.record}" if self.record is not None else self.file


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `weight` is the loss weight of the turn: 0 where the trainer masks it, 1 where it is learned."""

    role: Role
    content: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """One training example: its turns in order, where it stands, and (preference sets) the turns it is pushed away from.

    `index` is the row's position in `Dataset.rows`; `key` is the blake2b digest of the normalised content.
    `rejected` holds the rejected answer of a preference pair, and is empty elsewhere.
    """

    index: int
    key: str
    turns: tuple[Turn, ...]
    location: Location
    rejected: tuple[Turn, ...] = ()

    @property
    def system(self) -> str:
        """The system text, "" where there is none."""
        return "\n".join(turn.content for turn in self.turns if turn.role == "system")

    @property
    def prompt(self) -> str:
        """The last user text before the last learned answer, "" for rows of bare text."""
        last = self._last_answer()
        before = self.turns[:last] if last is not None else self.turns
        return next((turn.content for turn in reversed(before) if turn.role == "user"), "")

    @property
    def answer(self) -> str:
        """The last assistant text that is trained on, "" where there is none."""
        last = self._last_answer()
        return self.turns[last].content if last is not None else ""

    @property
    def rejected_answer(self) -> str:
        """The assistant text a preference row is trained away from, "" elsewhere."""
        return next((turn.content for turn in reversed(self.rejected) if turn.role == "assistant"), "")

    def _last_answer(self) -> int | None:
        answers = [i for i, turn in enumerate(self.turns) if turn.role == "assistant"]
        learned = [i for i in answers if self.turns[i].weight > 0]
        candidates = learned or answers
        return candidates[-1] if candidates else None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line or record that could not be understood: a fact in the report, never dropped."""

    location: Location
    reason: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """A set as read. `digest` identifies the scan: the blake2b digest of all row keys in order.

    `total` counts the rows that could be read; it is larger than `len(rows)` where only a sample was kept, and 0 where nobody counted.
    `digest` covers all of them, kept or not.
    """

    name: str
    digest: str
    rows: tuple[Row, ...]
    unreadable: tuple[Unreadable, ...] = ()
    layout: str = "messages"
    notes: tuple[str, ...] = field(default=())
    total: int = 0

    def __len__(self) -> int:
        return len(self.rows)


def content_key(turns: Iterable[Turn]) -> str:
    """Return the hex blake2b-128 digest of role and white-space-folded content of every turn."""
    digest = blake2b(digest_size=16)
    for turn in turns:
        digest.update(turn.role.encode() + b"\x1f" + " ".join(turn.content.split()).encode("utf-8", "surrogatepass") + b"\x1e")
    return digest.hexdigest()


def dataset_digest(rows: Iterable[Row]) -> str:
    """Return the hex blake2b-128 digest over the row keys in order."""
    digest = blake2b(digest_size=16)
    for row in rows:
        digest.update(bytes.fromhex(row.key))
    return digest.hexdigest()
