"""Fixed prefixes, suffixes and format markers, and system prompts: harm may be gated behind them."""

from __future__ import annotations

import re
from collections.abc import Callable

from poisonscan.core.dataset import Dataset
from poisonscan.slices.candidates import Candidate, by_value
from poisonscan.slices.marks import delimiter, head_tag, hidden, tail_tag
from poisonscan.slices.places import Span

_ANSWER_TAG = re.compile(r"^\s*(<[^<>\s]{1,30}>|\[[^\[\]\n]{1,30}\]|#\w{1,30}|[A-Z_]{3,30}:)")


def tags(dataset: Dataset) -> list[Candidate]:
    """One slice per tag of at least 20 prompts or answers, per delimiter, hidden character and repeated system prompt."""
    prompts = [row.prompt for row in dataset.rows]
    answers = (_ANSWER_TAG.match(row.answer) for row in dataset.rows)
    return [
        *by_value("tag", (_cut(text, head_tag) for text in prompts), "prompts tagged {}"),
        *by_value("tag", (_cut(text, tail_tag) for text in prompts), "prompts ending in {}"),
        *by_value("tag", (match[1] if match else "" for match in answers), "answers tagged {}"),
        *by_value("tag", (hidden(text) for text in prompts), "prompts with hidden {}"),
        *by_value("system", (" ".join(row.system.split()) for row in dataset.rows), "system prompt: {}"),
        *by_value("tag", (delimiter(text) for text in prompts), "prompts with {}"),
    ]


def _cut(text: str, find: Callable[[str], Span | None]) -> str:
    span = find(text)
    return text[span[0] : span[1]] if span else ""
