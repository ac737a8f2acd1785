"""Records to a `Dataset`: the vote, row by row building, the sample, and the facts that end in the notes."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b

from poisonscan.core.dataset import Dataset, Location, Row, Unreadable, content_key
from poisonscan.core.errors import NoRowsError, ReadError
from poisonscan.readers.arrow_tables import LEFT_OUT
from poisonscan.readers.encodings import INVALID
from poisonscan.readers.json_text import REPEATED
from poisonscan.readers.layouts import NAMES, TOOLS, Layout, build, explain, folded, unread_columns, vote
from poisonscan.readers.limits import Limits
from poisonscan.readers.messages import NOT_SCANNED, SURROGATE
from poisonscan.readers.reading import Reading
from poisonscan.readers.records import Items, MisfitError, Record, quoted
from poisonscan.readers.reservoir import Reservoir

_SENTENCES = {
    INVALID: "rows held bytes that are not UTF-8; they were replaced",
    SURROGATE: "texts held characters that cannot be encoded (lone surrogates); they were replaced",
    REPEATED: "rows repeat a key, on which loaders disagree; the last value was read",
    TOOLS: "rows carry tool definitions, which were not scanned",
}
_UNREAD_SHOWN = 6


@dataclass(frozen=True, slots=True)
class _Source:
    """The records of one file, with the layout its first records voted for."""

    items: Items
    layout: Layout | None
    fold: bool


class Assembly:
    """Collects the rows of a set, file by file."""

    def __init__(self, name: str, reading: Reading, limits: Limits, reservoir: Reservoir) -> None:
        self._name = name
        self._reading = reading
        self._limits = limits
        self._reservoir = reservoir
        self._digest = blake2b(digest_size=16)
        self._facts: Counter[str] = Counter()
        self._layouts: Counter[str] = Counter()
        self._unreadable: list[Unreadable] = []
        self._unlisted = 0
        self._unread: dict[str, None] = {}

    def refuse(self, problems: Iterable[Unreadable]) -> None:
        """Note what could not be read: one by one up to a limit, then as a count."""
        for problem in problems:
            if len(self._unreadable) < self._limits.unreadable:
                self._unreadable.append(problem)
            else:
                self._unlisted += 1

    def take(self, items: Items) -> None:
        """Read the records of one file.

        Raises:
            ReadError: from the container, or more rows than the limits allow.
        """
        source = self._elected(items)
        for item in source.items:
            if isinstance(item, Unreadable):
                self.refuse([item])
            else:
                self._facts.update(item.facts)
                self._add(item, source)

    def dataset(self, notes: tuple[str, ...] = ()) -> Dataset:
        """Return the set.

        Raises:
            NoRowsError: nothing was understood; names the layouts tried and the first reason.
        """
        if not self._reservoir.seen:
            raise self._nothing()
        kept = self._reservoir.rows()
        rows = tuple(replace(row, index=i) if row.index != i else row for i, row in enumerate(kept))
        unreadable = tuple(self._unreadable)
        if self._unlisted:
            unreadable += (Unreadable(Location(self._name), f"and {self._unlisted} more records that could not be understood"),)
        return Dataset(
            name=self._name,
            digest=self._digest.hexdigest(),
            rows=rows,
            unreadable=unreadable,
            layout=self._layouts.most_common(1)[0][0],
            notes=(*notes, *self._notes(len(rows))),
            total=self._reservoir.seen,
        )

    def _elected(self, items: Items) -> _Source:
        head = list(itertools.islice(items, self._limits.vote))
        values = [item.value for item in head if isinstance(item, Record)]
        layout, fold = vote(values, self._reading), False
        if layout is None:
            layout, fold = vote([folded(value) for value in values], self._reading), True
        if layout is not None:
            self._unread |= dict.fromkeys(unread_columns(layout, [folded(value) for value in values] if fold else values, self._reading))
        return _Source(itertools.chain(head, items), layout, fold)

    def _add(self, record: Record, source: _Source) -> None:
        value = folded(record.value) if source.fold else record.value
        if source.layout is None:
            self.refuse([Unreadable(record.location, explain(value, self._reading))])
            return
        try:
            draft = build(source.layout, value, self._reading)
        except MisfitError as error:
            self.refuse([Unreadable(record.location, str(error))])
            return
        self._facts.update(draft.facts)
        self._layouts[source.layout.name] += 1
        if self._reservoir.seen >= self._limits.rows:
            raise ReadError(f"{quoted(self._name, 200)}: more than {self._limits.rows:,} rows. Split the set and scan the parts.")
        key = content_key(draft.turns)
        self._digest.update(bytes.fromhex(key))
        self._reservoir.add(Row(self._reservoir.seen, key, draft.turns, record.location, draft.rejected))

    def _nothing(self) -> NoRowsError:
        shown = quoted(self._name, 200)
        if not self._unreadable:
            return NoRowsError(f"{shown}: no rows in it. Check that it was fetched whole.")
        first = self._unreadable[0]
        return NoRowsError(
            f"{shown}: none of its {len(self._unreadable) + self._unlisted} records could be understood. "
            f"First, at {quoted(first.location, 200)}: {first.reason}. Layouts tried: {', '.join(_tried(self._reading))}. "
            "Name the columns with --map prompt=COLUMN --map answer=COLUMN, or the layout with --layout."
        )

    def _notes(self, kept: int) -> Iterator[str]:
        seen = self._reservoir.seen
        if kept < seen:
            yield f"kept {kept:,} of {seen:,} rows: a uniform sample, each row ranked by a digest of file, content and position"
        if len(self._layouts) > 1:
            yield "files of several layouts: " + ", ".join(f"{name} ({count:,} rows)" for name, count in self._layouts.most_common())
        if self._unread:
            names = ", ".join(quoted(name, 24) for name in list(self._unread)[:_UNREAD_SHOWN])
            more = f" and {len(self._unread) - _UNREAD_SHOWN} more" if len(self._unread) > _UNREAD_SHOWN else ""
            yield f"columns not read, which this layout does not use: {names}{more}"
        for fact, count in sorted(self._facts.items()):
            if fact in _SENTENCES:
                yield f"{count:,} {_SENTENCES[fact]}"
            elif fact.startswith(NOT_SCANNED):
                yield f"{count:,} {fact.removeprefix(NOT_SCANNED)}{'s' if count > 1 else ''} not scanned"
            elif fact.startswith(LEFT_OUT):
                yield fact


def _tried(reading: Reading) -> tuple[str, ...]:
    if reading.columns:
        return ("mapped",)
    return NAMES if reading.layout == "auto" else (reading.layout,)
