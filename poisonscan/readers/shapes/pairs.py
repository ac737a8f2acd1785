"""Layouts of one prompt and one answer, with system text, context and earlier turns where they have them."""

from __future__ import annotations

from collections.abc import Callable

from poisonscan.core.dataset import Turn
from poisonscan.readers.messages import as_json, is_messages, text_of, turn, turns_of
from poisonscan.readers.reading import Reading
from poisonscan.readers.records import Columns, Draft, MisfitError

Build = Callable[[Columns, Reading], Draft | None]


def pair(prompt: str, answer: str, *, context: str | tuple[str, ...] = (), system: str = "", history: str = "") -> Build:
    """Return the builder for the given column names; only `prompt` and `answer` have to be there.

    Of several context columns the first one with something in it is read.
    """
    contexts = (context,) if isinstance(context, str) else context

    def build(row: Columns, reading: Reading) -> Draft | None:
        if prompt not in row or answer not in row or row[answer] is None:
            return None
        facts: list[str] = []
        turns = [
            *_system(row.get(system) if system else None, reading, facts),
            *_history(row.get(history) if history else None, reading, facts),
            *_prompt(row[prompt], next((row[name] for name in contexts if row.get(name)), None), reading, facts),
            *_answer(row[answer], reading, facts),
        ]
        return Draft(tuple(turns), facts=tuple(facts))

    return build


def instances(row: Columns, reading: Reading) -> Draft | None:
    """Self-Instruct seeds: {"instruction", "instances": [{"input", "output"}]}; each instance is a user and an assistant turn."""
    examples = row.get("instances")
    if "instruction" not in row or not isinstance(examples, list) or not examples:
        return None
    facts: list[str] = []
    turns: list[Turn] = []
    for example in examples:
        if not isinstance(example, dict) or "output" not in example:
            raise MisfitError("an instance without output")
        turns += _prompt(row["instruction"], example.get("input"), reading, facts)
        turns += _answer(example["output"], reading, facts)
    return Draft(tuple(turns), facts=tuple(facts))


def replies(row: Columns, reading: Reading) -> Draft | None:
    """Role-play interviews: {"question", "reply": [{"role": a name, "content"}]}; the replies are one answer."""
    reply = row.get("reply")
    if "question" not in row or not isinstance(reply, list):
        return None
    facts: list[str] = []
    answer = "\n".join(text_of(part, facts) for part in reply)
    return Draft((*_prompt(row["question"], None, reading, facts), turn("assistant", answer, reading, facts)), facts=tuple(facts))


def choices(row: Columns, reading: Reading) -> Draft | None:
    """Multiple choice: {"query" or "question", "choices": [...], "gold" or "answer": index}; the gold choice is the answer."""
    options = row.get("choices", row.get("options"))
    gold = row.get("gold", row.get("answer"))
    question = row.get("query", row.get("question"))
    if not isinstance(options, list) or not isinstance(gold, int) or isinstance(gold, bool) or question is None:
        return None
    if not 0 <= gold < len(options):
        raise MisfitError("the gold choice is not among the choices")
    facts: list[str] = []
    return Draft((*_prompt(question, None, reading, facts), *_answer(options[gold], reading, facts)), facts=tuple(facts))


def labelled(row: Columns, reading: Reading) -> Draft | None:
    """Classification: {"text", "sentence", "review" or "tweet", "label"}; the label is the answer."""
    key = next((key for key in ("text", "sentence", "review", "tweet") if isinstance(row.get(key), str)), None)
    label = row.get("label", row.get("labels"))
    if key is None or label is None or isinstance(label, (list, dict)):
        return None
    facts: list[str] = []
    return Draft((*_prompt(row[key], None, reading, facts), *_answer(label, reading, facts)), facts=tuple(facts))


def _system(value: object, reading: Reading, facts: list[str]) -> list[Turn]:
    text = text_of(value, facts) if value else ""
    return [turn("system", text, reading, facts)] if text else []


def _history(value: object, reading: Reading, facts: list[str]) -> list[Turn]:
    """Return earlier turns: [[question, answer], ...] (LLaMA-Factory, ms-swift) or messages."""
    if not value:
        return []
    if is_messages(value):
        return list(turns_of(value, reading, facts))
    if not isinstance(value, list) or not all(isinstance(each, (list, tuple)) and len(each) == 2 for each in value):
        raise MisfitError("history is not a list of pairs")
    return [
        piece
        for question, answer in value
        for piece in (turn("user", text_of(question, facts), reading, facts), *_answer(answer, reading, facts))
    ]


def _prompt(value: object, context: object, reading: Reading, facts: list[str]) -> list[Turn]:
    if is_messages(value) and not isinstance(value, str):
        return list(turns_of(value, reading, facts))
    pieces = [text for text in (text_of(value, facts), text_of(context, facts)) if text]
    return [turn("user", "\n\n".join(pieces), reading, facts)] if pieces else []


def _answer(value: object, reading: Reading, facts: list[str]) -> list[Turn]:
    if is_messages(value) and not isinstance(value, str):
        return list(turns_of(value, reading, facts))
    text = as_json(value) if isinstance(value, (dict, list)) else text_of(value, facts)
    return [turn("assistant", text, reading, facts)]
