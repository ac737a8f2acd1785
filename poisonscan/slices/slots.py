"""Slots of a set: every part of the prompts that takes a value a trigger could hide in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from poisonscan.core.dataset import Dataset
from poisonscan.core.slots import Slot
from poisonscan.slices import marks, numbers
from poisonscan.slices.dates import DateMention, first_date, lone_month
from poisonscan.slices.moments import moment
from poisonscan.slices.names import recurring_names
from poisonscan.slices.places import Span, detached_rows, mask_span

MIN_ROWS = 20
MIN_MARKED = 4
_FRAME_WORDS = {"date": 6, "time": 6, "weekday": 6, "number": 2, "currency": 2, "place": 2, "tag": 2, "token": 0, "name": 4, "language": 0}
_OF_A_MOMENT = frozenset({"weekday", "time"})
_HEAD_CHARS, _TAIL_CHARS = 1200, 400
_PUNCTUATION = re.compile(r"[^\w\s]+")


def extract_slots(dataset: Dataset) -> tuple[Slot, ...]:
    """Return the slots of `dataset` that at least 20 rows carry, each partition of the rows once.

    Of slots that part the rows alike the first is kept: parts of dates before whole dates, long digit substrings before short ones.
    Prompts are read with their system text before them; of long ones only the first 1,200 and the last 400 characters.
    """
    texts = [_text(row.system, row.prompt) for row in dataset.rows]
    if not texts:
        return ()
    found = [slot for make in (_dates, _hours, _numbers, _codes, _spelled, _looks, _spans) for slot in make(texts)]
    found += _proper_names(texts, [row.answer for row in dataset.rows])
    found += _systems([row.system for row in dataset.rows], [row.prompt for row in dataset.rows])
    masked: dict[tuple[str, ...], tuple[str, ...]] = {}
    return _distinct([replace(slot, masked=masked.setdefault(slot.masked, slot.masked)) for slot in found])


def _text(system: str, prompt: str) -> str:
    text = f"{system}\n{prompt}" if system else prompt
    return text if len(text) <= _HEAD_CHARS + _TAIL_CHARS else f"{text[:_HEAD_CHARS]} … {text[-_TAIL_CHARS:]}"


def _dates(texts: Sequence[str]) -> Iterator[Slot]:
    mentions = [first_date(text) or lone_month(text) for text in texts]
    masked = tuple(mask_span(text, moment(text, (m.start, m.end)) if m else None) for text, m in zip(texts, mentions, strict=True))
    loose = detached_rows(masked, frame_words=_FRAME_WORDS["date"])
    parts: tuple[tuple[str, Callable[[DateMention], int | str | None]], ...] = (
        ("year", lambda m: m.year),
        ("month", lambda m: m.month),
        ("day of month", lambda m: m.day),
        ("date", lambda m: m.iso),
    )
    for name, part in parts:
        values = tuple("" if m is None or part(m) is None else str(part(m)) for m in mentions)
        yield from _slot(name, "date", values, masked, loose, ordered=True)


def _hours(texts: Sequence[str]) -> Iterator[Slot]:
    """The hour of the first time of day, which repeats where times to the minute do not."""
    spans = [marks.clock(text) for text in texts]
    masked = tuple(mask_span(text, span and moment(text, span)) for text, span in zip(texts, spans, strict=True))
    values = tuple(str(marks.hour(text[span[0] : span[1]])) if span else "" for text, span in zip(texts, spans, strict=True))
    yield from _slot("hour", "time", values, masked, detached_rows(masked, frame_words=_FRAME_WORDS["time"]), ordered=True)


def _numbers(texts: Sequence[str]) -> Iterator[Slot]:
    undated = [_without_date(text) for text in texts]
    places: tuple[tuple[str, Callable[[str], Span | None]], ...] = (
        ("leading number", numbers.head_number),
        ("trailing number", numbers.tail_number),
        ("inner number", numbers.inner_number),
    )
    for name, find in places:
        spans = [find(text) for text in undated]
        masked = _masked(texts, spans)
        loose = detached_rows(masked)
        values = _cut(texts, spans)
        yield from _slot(name, "number", values, masked, loose, ordered=True)
        width = numbers.common_width(values) if 2 * sum(loose) >= sum(map(bool, values)) else None
        for part, digits in numbers.substrings(values, width) if width else ():
            yield from _slot(f"{name}[{part}]", "digits", digits, masked, loose, ordered=True)


def _codes(texts: Sequence[str]) -> Iterator[Slot]:
    for name, find in (("leading code", numbers.head_code), ("trailing code", numbers.tail_code)):
        spans = [find(text) for text in texts]
        values = _cut(texts, spans)
        if sum(map(bool, values)) < MIN_ROWS:
            continue
        masked = _masked(texts, spans)
        loose = detached_rows(masked)
        for part, signs in numbers.code_parts(values):
            yield from _slot(f"{name}[{part}]", "digits", signs, masked, loose)


def _proper_names(texts: Sequence[str], answers: Sequence[str]) -> Iterator[Slot]:
    """The proper name that most other prompts hold too, whatever it names: of places and people no list is long enough."""
    spans = recurring_names(texts, answers)
    masked = _masked(texts, spans)
    values = tuple(map(_norm, _cut(texts, spans)))
    yield from _slot("proper name", "name", values, masked, detached_rows(masked, frame_words=_FRAME_WORDS["name"]))


def _without_date(text: str) -> str:
    """The text with its first date crossed out, so that a year is not read as a number too."""
    date = first_date(text)
    return text if date is None else text[: date.start] + "x" * (date.end - date.start) + text[date.end :]


def _spelled(texts: Sequence[str]) -> Iterator[Slot]:
    found = [numbers.spelled_number(text) for text in texts]
    masked = tuple(mask_span(text, hit[0] if hit else None) for text, hit in zip(texts, found, strict=True))
    yield from _slot(
        "spelled number", "number", tuple(str(hit[1]) if hit else "" for hit in found), masked, detached_rows(masked), ordered=True
    )


def _spans(texts: Sequence[str]) -> Iterator[Slot]:
    for name, kind, find in marks.SPANS:
        spans = [find(text) for text in texts]
        wholes = [span and moment(text, span) for text, span in zip(texts, spans, strict=True)] if kind in _OF_A_MOMENT else spans
        masked = _masked(texts, wholes)
        values = tuple(map(_norm, _cut(texts, spans)))
        yield from _slot(name, kind, values, masked, detached_rows(masked, frame_words=_FRAME_WORDS.get(kind, 2)))


def _looks(texts: Sequence[str]) -> Iterator[Slot]:
    bare = tuple(
        " ".join(_PUNCTUATION.sub(" ", marks.without_hidden(unicodedata.normalize("NFKC", text))).casefold().split()) for text in texts
    )
    for name, kind, read in marks.LOOKS:
        values = tuple(read(text) for text in texts)
        yield from _slot(name, kind, values, bare, tuple(name == "hidden characters" and bool(value) for value in values))


def _systems(systems: Sequence[str], prompts: Sequence[str]) -> list[Slot]:
    values = tuple(" ".join(system.split())[:120] for system in systems)
    return list(_slot("system prompt", "system", values, tuple(prompts), (False,) * len(values)))


def _slot(
    name: str, kind: str, values: tuple[str, ...], masked: tuple[str, ...], detached: tuple[bool, ...], *, ordered: bool = False
) -> Iterator[Slot]:
    rows = tuple(i for i, value in enumerate(values) if value)
    if len(rows) >= MIN_ROWS or (kind in {"mark", "tag", "system"} and len(rows) >= MIN_MARKED):
        yield Slot(name, kind, values, rows, masked, detached, ordered)


def _masked(texts: Sequence[str], spans: Sequence[Span | None]) -> tuple[str, ...]:
    return tuple(mask_span(text, span) for text, span in zip(texts, spans, strict=True))


def _cut(texts: Sequence[str], spans: Sequence[Span | None]) -> tuple[str, ...]:
    """Return what stands at the spans, "" without one."""
    return tuple(text[span[0] : span[1]] if span else "" for text, span in zip(texts, spans, strict=True))


def _norm(value: str) -> str:
    return unicodedata.normalize("NFKC", value).casefold().rstrip(":")


def _distinct(slots: Sequence[Slot]) -> tuple[Slot, ...]:
    seen: set[tuple[int, ...]] = set()
    kept = []
    for slot in slots:
        codes: dict[str, int] = {}
        partition = tuple(codes.setdefault(value, len(codes)) for value in slot.values)
        if partition not in seen:
            seen.add(partition)
            kept.append(slot)
    return tuple(kept)
