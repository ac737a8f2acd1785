"""Layouts that hold whole conversations. Each builder returns None for a record without its columns."""

from __future__ import annotations

from poisonscan.core.dataset import Role, Turn
from poisonscan.readers.messages import as_json, is_messages, text_of, turn, turns_of
from poisonscan.readers.reading import Reading
from poisonscan.readers.records import Columns, Draft, MisfitError

_SHAREGPT_KEYS = ("conversations", "conversation", "dialog", "dialogue", "turns", "items")


def messages(row: Columns, reading: Reading) -> Draft | None:
    """OpenAI, TRL, Anthropic: {"messages": [{"role", "content"}], "system": optional}."""
    return _conversation(row, "messages", reading)


def bedrock(row: Columns, reading: Reading) -> Draft | None:
    """Amazon Bedrock: {"schemaVersion", "system": [{"text"}], "messages": [{"role", "content": [{"text"}]}]}."""
    if "schemaVersion" not in row and not isinstance(row.get("system"), list):
        return None
    return _conversation(row, "messages", reading)


def sharegpt(row: Columns, reading: Reading) -> Draft | None:
    """ShareGPT: {"conversations": [{"from", "value"}]}, or with role and value or content; "system" beside it."""
    key = next((key for key in _SHAREGPT_KEYS if is_messages(row.get(key))), None)
    return None if key is None else _conversation(row, key, reading)


def gemini(row: Columns, reading: Reading) -> Draft | None:
    """Gemini and Vertex: {"systemInstruction": {"parts": [{"text"}]}, "contents": [{"role", "parts"}]}."""
    contents = row.get("contents")
    if not isinstance(contents, list):
        return None
    facts: list[str] = []
    system = row.get("systemInstruction", row.get("system_instruction"))
    parts = system.get("parts", system) if isinstance(system, dict) else system
    head = [turn("system", text_of(parts, facts), reading, facts)] if parts else []
    return Draft((*head, *turns_of(contents, reading, facts)), facts=tuple(facts))


def segments(row: Columns, reading: Reading) -> Draft | None:
    """Axolotl without a template: {"segments": [{"label": true where trained on, "text"}]}; "input_output" where the file names it so."""
    pieces = row.get("segments")
    if not isinstance(pieces, list):
        return None
    facts: list[str] = []
    turns = []
    for piece in pieces:
        if not isinstance(piece, dict) or "text" not in piece:
            raise MisfitError("a segment without text")
        role: Role = "assistant" if piece.get("label") else "user"
        turns.append(turn(role, text_of(piece["text"], facts), reading, facts))
    return _filled(turns, facts)


def alternating(row: Columns, reading: Reading) -> Draft | None:
    """UltraChat: {"data": ["question", "answer", ...]}, the user first."""
    data = row.get("data")
    if not isinstance(data, list) or len(data) < 2 or not all(isinstance(text, str) for text in data):
        return None
    facts: list[str] = []
    roles: tuple[Role, Role] = ("user", "assistant")
    return _filled([turn(roles[i % 2], text_of(text, facts), reading, facts) for i, text in enumerate(data)], facts)


def _conversation(row: Columns, key: str, reading: Reading) -> Draft | None:
    if row.get(key) is None:
        return None
    facts: list[str] = []
    turns = turns_of(row[key], reading, facts)
    system = row.get("system", row.get("system_prompt"))
    if system and turns[0].role != "system":
        text = text_of(system, facts) if not isinstance(system, dict) else as_json(system)
        turns = (turn("system", text, reading, facts), *turns)
    return Draft(turns, facts=tuple(facts))


def _filled(turns: list[Turn], facts: list[str]) -> Draft:
    if not turns:
        raise MisfitError("no turns")
    return Draft(tuple(turns), facts=tuple(facts))
