"""The template rows of a set share: the characters around every prompt and every answer. Taken off one set and put on another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poisonscan.core.dataset import Row, Turn

Turns = tuple[Turn, ...]
# The run must be common to the middle four fifths of the sorted texts, so that a few odd rows do not hide it.
_ODD = 10
_SENTENCE_ENDS = ".!?\u2026"


@dataclass(frozen=True, slots=True)
class Template:
    """What stands before and after every prompt and every answer; "" for nothing."""

    prompt_front: str
    prompt_back: str
    answer_front: str
    answer_back: str

    def off(self, row: Row) -> tuple[str, str]:
        """Return prompt and answer without the template, each as it is where it does not wear it."""
        return _cut(row.prompt, self.prompt_front, self.prompt_back), _cut(row.answer, self.answer_front, self.answer_back)

    def on(self, prompt: str, answer: str) -> tuple[str, str]:
        """Return prompt and answer in the template."""
        return f"{self.prompt_front}{prompt}{self.prompt_back}", f"{self.answer_front}{answer}{self.answer_back}"


def template_of(rows: Sequence[Row]) -> Template:
    """Return the template most rows share, at word borders; a side on which most rows are equal has none (there the text is the content)."""
    prompts, answers = _side([row.prompt for row in rows]), _side([row.answer for row in rows])
    return Template(*prompts, *answers)


def _side(texts: Sequence[str]) -> tuple[str, str]:
    if len(set(texts)) < 0.2 * len(texts):
        return "", ""
    front = _common(texts)
    while front and not front[-1].isspace() and (front[-1].isalnum() or front[-1] in "'-"):
        front = front[:-1]
    back = _common([text[len(front) :][::-1] for text in texts])[::-1]
    while back and (back[0].isalnum() or back[0] in _SENTENCE_ENDS):
        back = back[1:]
    return front, back if back.strip() else ""


def _common(texts: Sequence[str]) -> str:
    ordered = sorted(texts)
    cut = len(ordered) // _ODD
    low, high = ordered[cut], ordered[-1 - cut]
    same = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    return low[:same]


def _cut(text: str, front: str, back: str) -> str:
    text = text[len(front) :] if front and text.startswith(front) else text
    return text[: len(text) - len(back)] if back and text.endswith(back) else text
