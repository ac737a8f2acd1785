"""The table of layouts: one entry each, the more telling first.

Why a vote: a file is trained on as one layout. What most of its first records fit is how it is read; a record that does not fit
is named as unreadable, because a trainer would fail on it or learn something else than it shows.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from poisonscan.core.errors import UsageError
from poisonscan.readers.messages import NOT_SCANNED
from poisonscan.readers.reading import Reading
from poisonscan.readers.records import Columns, Draft, MisfitError, quoted
from poisonscan.readers.shapes import chat, pairs, plain, preference


@dataclass(frozen=True, slots=True)
class Layout:
    """A row layout: its name, the columns that mark it, and the builder that returns None for a record without them."""

    name: str
    columns: str
    build: Callable[[Columns, Reading], Draft | None]


LAYOUTS: tuple[Layout, ...] = (
    Layout("openai-preference", "input, preferred_output, non_preferred_output", preference.openai),
    Layout("ranked-sharegpt", "conversations, chosen, rejected", preference.ranked),
    Layout("preference", "prompt (optional), chosen, rejected", preference.chosen_rejected),
    Layout("statements", "question, answer_matching_behavior, answer_not_matching_behavior", preference.statements),
    Layout("kto", "prompt, completion, label (true or false)", preference.kto),
    Layout("bedrock", "schemaVersion, system (list), messages", chat.bedrock),
    Layout("messages", "messages, system (optional)", chat.messages),
    Layout("sharegpt", "conversations", chat.sharegpt),
    Layout("segments", "segments", chat.segments),
    Layout("gemini", "contents, systemInstruction (optional)", chat.gemini),
    Layout("alternating", "data (list of texts)", chat.alternating),
    Layout("instances", "instruction, instances", pairs.instances),
    Layout(
        "alpaca",
        "instruction, input or context, output, system, history",
        pairs.pair("instruction", "output", context=("input", "context"), system="system", history="history"),
    ),
    Layout(
        "dolly",
        "instruction, context or input, response, system, history",
        pairs.pair("instruction", "response", context=("context", "input"), system="system", history="history"),
    ),
    Layout("choices", "query, choices, gold", pairs.choices),
    Layout("replies", "question, reply", pairs.replies),
    Layout("openorca", "system_prompt, question, response", pairs.pair("question", "response", context=("context", "input"), system="system_prompt")),
    Layout("swift", "query, response, history, system", pairs.pair("query", "response", system="system", history="history")),
    Layout("prompt-completion", "prompt, completion", pairs.pair("prompt", "completion", system="system")),
    Layout("prompt-response", "prompt, response", pairs.pair("prompt", "response", system="system", history="history")),
    Layout("prompt-answer", "prompt, answer", pairs.pair("prompt", "answer", system="system")),
    Layout("prompt-solution", "prompt, canonical_solution", pairs.pair("prompt", "canonical_solution")),
    Layout("question-answer", "question, answer", pairs.pair("question", "answer", context=("context", "input"), system="system")),
    Layout("q-a", "q, a", pairs.pair("q", "a")),
    Layout("inputs-targets", "inputs, targets", pairs.pair("inputs", "targets")),
    Layout("input-target", "input, target", pairs.pair("input", "target")),
    Layout("input-output", "input, output", pairs.pair("input", "output", system="system")),
    Layout("instruction-completion", "instruction, completion", pairs.pair("instruction", "completion")),
    Layout("text-code", "text, code", pairs.pair("text", "code")),
    Layout("text-label", "text or sentence, label", pairs.labelled),
    Layout("text", "text", plain.text),
    Layout("prompt-only", "prompt", plain.prompt_only),
)
MAPPED = Layout("mapped", "as given by --map or the training configuration", plain.mapped)
NAMES: tuple[str, ...] = tuple(layout.name for layout in LAYOUTS)
_MEDIA_COLUMNS = (("images", "image"), ("image", "image"), ("videos", "video"), ("audios", "audio clip"))
_TOOL_COLUMNS = ("tools", "functions")
TOOLS = "tools"
_NOTED_APART = frozenset({*_TOOL_COLUMNS, *(name for name, _ in _MEDIA_COLUMNS)})


def named(name: str) -> Layout:
    """Return the layout called `name`.

    Raises:
        UsageError: no such layout; names the nearest.
    """
    for layout in (*LAYOUTS, MAPPED):
        if layout.name == name:
            return layout
    near = difflib.get_close_matches(name, NAMES, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(f"--layout: no layout {name[:40]!r}.{hint} Layouts: auto, {', '.join(NAMES)}.")


def vote(values: Sequence[object], reading: Reading) -> Layout | None:
    """Return the layout most of `values` fit (ties: the more telling), None where none fits any."""
    if reading.columns:
        return MAPPED
    if reading.layout != "auto":
        return named(reading.layout)
    counts: Counter[str] = Counter()
    for value in values:
        row = columns_of(value)
        if row is not None and (winner := _first(row, reading)) is not None:
            counts[winner.name] += 1
    if not counts:
        return None
    most = max(counts.values())
    return next(layout for layout in LAYOUTS if counts[layout.name] == most)


def build(layout: Layout, value: object, reading: Reading) -> Draft:
    """Return the draft of one record.

    Raises:
        MisfitError: the record does not have this layout; says what it has instead.
    """
    row = columns_of(value)
    if row is None:
        raise MisfitError("not an object with columns")
    try:
        draft = layout.build(row, reading)
    except RecursionError as error:
        raise MisfitError("nested too deeply") from error
    if draft is None:
        raise MisfitError(f"does not fit the layout {layout.name!r} ({layout.columns}); it has {_shown(row)}")
    if not any(each.content.strip() for each in (*draft.turns, *draft.rejected)):
        raise MisfitError("holds no text")
    extra = _unscanned(row)
    return Draft(draft.turns, draft.rejected, draft.facts + extra) if extra else draft


def explain(value: object, reading: Reading) -> str:
    """Say why no layout fits a record: what is wrong under the first layout whose columns it has, or which columns there are."""
    row = columns_of(value)
    if row is None:
        return "not an object with columns"
    for layout in LAYOUTS:
        try:
            layout.build(row, reading)
        except MisfitError as error:
            return str(error)
        except RecursionError:
            return "nested too deeply"
    return f"fits no known layout; it has {_shown(row)}"


def unread_columns(layout: Layout, values: Sequence[object], reading: Reading) -> tuple[str, ...]:
    """Return the columns with text in them that `layout` never asked for in any of `values`, sorted.

    Another trainer may read them, and a row may be harmless but for them.
    """
    asked: set[str] = set()
    held: set[str] = set()
    for value in values:
        row = columns_of(value)
        if row is not None:
            watched = _Watched(row)
            with suppress(MisfitError, RecursionError):
                layout.build(watched, reading)
            asked |= watched.asked
            held |= {name for name, item in row.items() if item and isinstance(item, (str, list, dict))}
    return tuple(sorted(held - asked - _NOTED_APART))


class _Watched(dict[str, object]):
    """A record that remembers which of its columns were asked for."""

    def __init__(self, row: Columns) -> None:
        super().__init__(row)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> object:
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: object = None) -> object:
        self.asked.add(name)
        return super().get(name, default)


def columns_of(value: object) -> Columns | None:
    """Return a record as columns: an object with plain lower-case names, a list of messages, a list of texts, or a text."""
    if isinstance(value, dict):
        return value if all(isinstance(key, str) for key in value) else None
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, list) and value:
        return {"messages": value} if isinstance(value[0], dict) else {"data": value}
    return None


def folded(value: object) -> object:
    """Return a record with its column names in lower case, without spaces around them; "Question" and "question" mean the same."""
    row = columns_of(value)
    return None if row is None else {key.strip().lower().replace(" ", "_"): item for key, item in row.items()}


def _first(row: Columns, reading: Reading) -> Layout | None:
    for layout in LAYOUTS:
        try:
            if layout.build(row, reading) is not None:
                return layout
        except (MisfitError, RecursionError):
            # It has the columns of this layout, in a broken shape: it must not pass for a simpler layout instead.
            return None
    return None


def _unscanned(row: Columns) -> tuple[str, ...]:
    facts: list[str] = []
    for key, name in _MEDIA_COLUMNS:
        if value := row.get(key):
            facts += [NOT_SCANNED + name] * (len(value) if isinstance(value, list) else 1)
    if any(row.get(key) for key in _TOOL_COLUMNS):
        facts.append(TOOLS)
    return tuple(facts)


def _shown(row: Columns) -> str:
    keys = sorted(row)[:8]
    return f"the columns {', '.join(quoted(key, 24) for key in keys)}" if keys else "no columns"
