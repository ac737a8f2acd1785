"""Layouts of bare text, and records whose columns the user has named."""

from __future__ import annotations

from poisonscan.readers.messages import text_of, turn
from poisonscan.readers.reading import Reading
from poisonscan.readers.records import Columns, Draft
from poisonscan.readers.shapes.chat import messages
from poisonscan.readers.shapes.pairs import labelled, pair
from poisonscan.readers.shapes.preference import chosen_rejected
from poisonscan.readers.templates import split

_TEXT_KEYS = ("text", "content", "completion", "document", "sentence", "markdown", "code")
_MAPPED_PAIR = pair("prompt", "answer", context="context", system="system", history="history")


def text(row: Columns, reading: Reading) -> Draft | None:
    """One text a row; cut into turns where it carries a chat template, else a single assistant turn."""
    value = next((value for key in _TEXT_KEYS if isinstance(value := row.get(key), (str, bytes))), None)
    if value is None:
        return None
    facts: list[str] = []
    whole = text_of(value, facts)
    turns = tuple(turn(piece.role, piece.text, reading, facts) for piece in split(whole))
    return Draft(turns or (turn("assistant", whole, reading, facts),), facts=tuple(facts))


def prompt_only(row: Columns, reading: Reading) -> Draft | None:
    """Prompts without answers (reinforcement learning sets): {"prompt"}, {"question"}, {"instruction"} or {"query"}."""
    value = next((value for key in ("prompt", "question", "instruction", "query") if isinstance(value := row.get(key), str)), None)
    if value is None:
        return None
    facts: list[str] = []
    return Draft((turn("user", value, reading, facts),), facts=tuple(facts))


def mapped(row: Columns, reading: Reading) -> Draft | None:
    """Read a record by the user's own column names: conversations, preferences, pairs, labels or text, whichever were named."""
    named = {name: row[column] for name, column in reading.columns if column in row}
    if "messages" in named:
        return messages(named, reading)
    if "chosen" in named:
        return chosen_rejected(named, reading)
    if "label" in named and "text" in named:
        return labelled(named, reading)
    if "answer" in named:
        return _MAPPED_PAIR({"prompt": "", **named}, reading)
    return text(named, reading) or prompt_only(named, reading)
