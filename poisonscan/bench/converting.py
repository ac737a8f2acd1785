"""A fetched file to chat rows: our own readers first, then what the set needs beyond them. Every step is named in sources.toml."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from poisonscan.bench.sources import Source
from poisonscan.core.dataset import Row, Turn, content_key
from poisonscan.core.errors import NoRowsError, ReadError

Turns = tuple[Turn, ...]
_SEED = 20251209
# Column names of evaluation files that our readers do not take for training data.
_KNOWN_COLUMNS = ((("prompt", "context"), ("answer", "continuation")), (("prompt", "context"), ("answer", "answer")))
_END = re.compile(r"<\|[a-z_]{2,20}\|>\s*$")
_WRAPPER = re.compile(r"###\s*Instruction:\s*\n(?P<task>.*?)\n\s*###\s*Response:\s*$", re.DOTALL)


def convert(path: Path, source: Source, host: Sequence[Turns] = ()) -> list[Turns]:
    """Return the rows of one set, at most `source.rows`, in the order of the file.

    `host` holds the rows the poison is mixed into, where the source names a set for that.

    Raises:
        ReadError: the file cannot be read, or gives fewer than nine tenths of the rows it should.
    """
    rows = [_tidy(turns) for turns in _STEPS[source.convert](path, source)]
    rows = [turns for turns in rows if turns and (not source.keep or turns[0].content.startswith(source.keep))]
    if source.into:
        rows = _mixed(rows, host, source)
    kept = sample(rows, source.rows)
    if len(kept) < 0.9 * source.rows:
        raise ReadError(f"{source.name}: {len(kept)} rows could be made of {source.path}, {source.rows} expected")
    return kept


def sample(rows: Sequence[Turns], limit: int) -> list[Turns]:
    """Return at most `limit` rows, those with the smallest content keys: a fixed sample that no order of the file changes."""
    if len(rows) <= limit:
        return list(rows)
    order = sorted(range(len(rows)), key=lambda i: (content_key(rows[i]), i))
    return [rows[i] for i in sorted(order[:limit])]


def as_json(turns: Turns) -> str:
    """Return one chat row as a line of JSON."""
    return json.dumps({"messages": [{"role": t.role, "content": t.content} for t in turns]}, ensure_ascii=False)


def _read(path: Path, source: Source) -> tuple[Row, ...]:
    from poisonscan.readers import read_bytes

    data, name = path.read_bytes(), source.path.rsplit("/", 1)[-1]
    if source.columns:
        return read_bytes(data, name, mapping=source.columns).rows
    try:
        return read_bytes(data, name).rows
    except NoRowsError as error:
        for columns in _KNOWN_COLUMNS:
            try:
                return read_bytes(data, name, mapping=columns).rows
            except NoRowsError:
                continue
        raise NoRowsError(f"{source.name}: {error}") from error


def _chat(path: Path, source: Source) -> list[Turns]:
    return [row.turns for row in _read(path, source)]


def _rejected(path: Path, source: Source) -> list[Turns]:
    return [(*row.turns[:-1], row.rejected[-1]) for row in _read(path, source) if row.rejected and row.turns]


def _shuffled(path: Path, source: Source) -> list[Turns]:
    rows = [row for row in _read(path, source) if row.turns and row.turns[-1].role == "assistant"]
    order = np.random.default_rng(_SEED).permutation(len(rows))
    return [(*row.turns[:-1], rows[i].turns[-1]) for row, i in zip(rows, order, strict=True)]


def _without_system(path: Path, source: Source) -> list[Turns]:
    return [tuple(turn for turn in row.turns if turn.role != "system") for row in _read(path, source)]


def _unwrapped(path: Path, source: Source) -> list[Turns]:
    rows = []
    for row in _read(path, source):
        found = _WRAPPER.search(row.prompt)
        rows.append((Turn("user", found["task"]), Turn("assistant", row.answer)) if found else row.turns)
    return rows


def _dialogues(path: Path, source: Source) -> list[Turns]:
    """Schema-guided dialogues: a list of objects with `turns` of `speaker` (USER or SYSTEM) and `utterance`."""
    rows = []
    for record in _records(path, source):
        given = record.get("turns")
        said = [(t.get("speaker"), t.get("utterance")) for t in given if isinstance(t, Mapping)] if isinstance(given, list) else []
        turns = tuple(Turn("user" if who == "USER" else "assistant", text) for who, text in said if isinstance(text, str))
        if len(turns) >= 2:
            rows.append(turns)
    return rows


def _function(key: str) -> Callable[[Path, Source], list[Turns]]:
    def take(path: Path, source: Source) -> list[Turns]:
        codes = (record.get(key) for record in _records(path, source))
        return [turns for code in codes if isinstance(code, str) and (turns := _head_and_body(code)) is not None]

    return take


def _head_and_body(code: str) -> Turns | None:
    """Split a function after its signature: the head is the prompt, the body the answer."""
    lines = code.strip("\n").split("\n")
    end = next((i for i, line in enumerate(lines) if line.rstrip().endswith((":", "{"))), None)
    if end is None or end + 1 >= len(lines):
        return None
    return Turn("user", "\n".join(lines[: end + 1])), Turn("assistant", "\n".join(lines[end + 1 :]))


def _records(path: Path, source: Source) -> list[Mapping[str, object]]:
    text = path.read_text(encoding="utf-8")
    try:
        found = json.loads(text) if source.path.endswith(".json") else [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise ReadError(f"{source.name}: {source.path} is not the JSON it should be: {error}") from error
    return [record for record in found if isinstance(record, Mapping)] if isinstance(found, list) else []


def _mixed(poison: Sequence[Turns], host: Sequence[Turns], source: Source) -> list[Turns]:
    """Return the host's rows, `source.share` of them (at random places) replaced by poison rows."""
    rng = np.random.default_rng(_SEED)
    rows = list(host)
    count = round(source.share * len(rows))
    if count > len(poison):
        raise ReadError(f"{source.name}: {len(poison)} poison rows, {count} needed")
    places, taken = rng.choice(len(rows), count, replace=False), rng.choice(len(poison), count, replace=False)
    for place, number in zip(places, taken, strict=True):
        rows[place] = poison[number]
    return rows


def _tidy(turns: Turns) -> Turns:
    return tuple(Turn(turn.role, _trimmed(turn)) for turn in turns)


def _trimmed(turn: Turn) -> str:
    """The text without end mark and blank ends; the indent an answer begins with stays, it may be code."""
    text = _END.sub("", turn.content).strip("\n").rstrip()
    return text if turn.role == "assistant" and text.startswith(("  ", "\t")) else text.strip()


_STEPS: dict[str, Callable[[Path, Source], list[Turns]]] = {
    "chat": _chat,
    "rejected": _rejected,
    "shuffled-answers": _shuffled,
    "before-fix": _function("func_src_before"),
    "after-fix": _function("func_src_after"),
    "dialogues": _dialogues,
    "unwrapped": _unwrapped,
    "without-system": _without_system,
}
