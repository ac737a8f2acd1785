"""Slices by the form of the answer, so that like is compared with like: bare terms, labels, code, lists, long prose, short prose."""

from __future__ import annotations

import re

from poisonscan.core.dataset import Dataset
from poisonscan.slices.candidates import Candidate, by_value

_LABEL = re.compile(
    r"^\W*(?:yes|no|true|false|positive|negative|neutral|agree|disagree|[a-e]|\d|option [a-e]|\([a-e]\))\W*$", re.IGNORECASE
)
_CODE = re.compile(
    r"```|^\s*(?:def|class|import|from|#include|function|const|let|var|public|private|SELECT|INSERT|CREATE)\b|;\s*$|^\s*return\b",
    re.MULTILINE,
)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+", re.MULTILINE)
_SPACELESS = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_TERM_WORDS, _LONG_WORDS, _BULLETS = 4, 80, 3


def form(dataset: Dataset) -> list[Candidate]:
    """One slice per form of answer with at least 20 rows."""
    return by_value("form", (answer_form(row.answer) for row in dataset.rows), "answers: {}")


def answer_form(answer: str) -> str:
    """One of "a label", "a bare term", "code", "a list", "long prose", "short prose"; "" for an empty answer."""
    text = answer.strip()
    if not text:
        return ""
    if _LABEL.match(text):
        return "a label"
    head = text[:4000]
    if len(_CODE.findall(head)) >= 2 or "```" in head:
        return "code"
    words = len(head.split()) + len(_SPACELESS.findall(head)) // 2
    if words <= _TERM_WORDS:
        return "a bare term"
    if len(_BULLET.findall(head)) >= _BULLETS:
        return "a list"
    return "long prose" if words > _LONG_WORDS else "short prose"
