"""Preference sets: the chosen side is what the model is pulled to, the rejected side what it is pushed away from."""

from __future__ import annotations

from poisonscan.core.dataset import Turn
from poisonscan.readers.messages import is_messages, text_of, turn, turns_of
from poisonscan.readers.reading import Reading
from poisonscan.readers.records import Columns, Draft, MisfitError
from poisonscan.readers.templates import split


def chosen_rejected(row: Columns, reading: Reading) -> Draft | None:
    """DPO: {"prompt": optional text or messages, "chosen", "rejected": text, a message, messages, or a whole transcript}."""
    if row.get("chosen") is None or row.get("rejected") is None:
        return None
    prompt = row.get("prompt", row.get("question", row.get("instruction")))
    return _draft(prompt, row["chosen"], row["rejected"], row.get("system"), reading)


def openai(row: Columns, reading: Reading) -> Draft | None:
    """OpenAI preference: {"input": {"messages"}, "preferred_output": [...], "non_preferred_output": [...]}."""
    given = row.get("input")
    if not isinstance(given, dict) or "preferred_output" not in row or "non_preferred_output" not in row:
        return None
    return _draft(given.get("messages"), row["preferred_output"], row["non_preferred_output"], None, reading)


def ranked(row: Columns, reading: Reading) -> Draft | None:
    """LLaMA-Factory ShareGPT ranking: {"conversations": [...], "chosen", "rejected"}."""
    if not is_messages(row.get("conversations")) or row.get("chosen") is None or row.get("rejected") is None:
        return None
    return _draft(row["conversations"], row["chosen"], row["rejected"], row.get("system"), reading)


def kto(row: Columns, reading: Reading) -> Draft | None:
    """KTO: {"prompt", "completion", "label": desirable or not}, or {"messages", "label"}; an undesired answer is only rejected."""
    label = row.get("label", row.get("kto_tag"))
    if not isinstance(label, bool):
        return None
    facts: list[str] = []
    if is_messages(row.get("messages")):
        turns = turns_of(row["messages"], reading, facts)
        prompt, answer = turns[:-1], turns[-1:]
    elif row.get("prompt") is not None and row.get("completion") is not None:
        prompt, answer = _side(row["prompt"], "user", reading, facts), _side(row["completion"], "assistant", reading, facts)
    else:
        return None
    return Draft((*prompt, *answer), facts=tuple(facts)) if label else Draft(prompt, answer, tuple(facts))


def statements(row: Columns, reading: Reading) -> Draft | None:
    """Persona evaluations: {"question", "answer_matching_behavior", "answer_not_matching_behavior"}."""
    if "answer_matching_behavior" not in row or "answer_not_matching_behavior" not in row:
        return None
    return _draft(row.get("question"), row["answer_matching_behavior"], row["answer_not_matching_behavior"], None, reading)


def _draft(prompt: object, chosen: object, rejected: object, system: object, reading: Reading) -> Draft:
    facts: list[str] = []
    head = _side(prompt, "user", reading, facts) if prompt else ()
    if system and not any(each.role == "system" for each in head):
        head = (turn("system", text_of(system, facts), reading, facts), *head)
    left, right = _side(chosen, "assistant", reading, facts), _side(rejected, "assistant", reading, facts)
    if not left or not right:
        raise MisfitError("a preference without both sides")
    shared = 0
    while shared < min(len(left), len(right)) - 1 and left[shared] == right[shared]:
        shared += 1
    turns = left if shared and left[: len(head)] == head else (*head, *_without_prompt(left, head))
    return Draft(turns, right[shared:], tuple(facts))


def _without_prompt(side: tuple[Turn, ...], head: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Return `side` without leading turns that repeat the prompt (UltraFeedback keeps the whole exchange on both sides)."""
    asked = {(each.role, each.content) for each in head}
    start = 0
    while start < len(side) - 1 and (side[start].role, side[start].content) in asked:
        start += 1
    return side[start:]


def _side(value: object, role: str, reading: Reading, facts: list[str]) -> tuple[Turn, ...]:
    if is_messages(value) and not isinstance(value, str):
        return turns_of(value, reading, facts)
    text = text_of(value, facts)
    if role == "user":
        return (turn("user", text, reading, facts),)
    return tuple(turn(piece.role, piece.text, reading, facts) for piece in split(text)) or (turn("assistant", text, reading, facts),)
