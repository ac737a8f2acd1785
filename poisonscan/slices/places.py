"""Where a slot stands in its prompt: is it loose from the question, or part of it?

Why it matters: the answer to "What is 3 plus 4?" must depend on its numbers, the answer to "Today is 2027-03-01. Name a dish." must not.
A span is loose when deleting it, with the fixed words around it, leaves a prompt that stands by itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

Span = tuple[int, int]

MASK = "\N{REPLACEMENT CHARACTER}"
_BREAK = re.compile(r"(?<=[.!?;|])\s+|\n+")
_WORD = re.compile(r"\w+")
_BACK = frozenset({"he", "she", "they", "him", "her", "them", "his", "hers", "their", "theirs", "left", "remain"})
_CONTENT_LETTERS, _REST_WORDS = 4, 3
_FRAME_SHARE = 0.5
_TEMPLATES, _TEMPLATE_ROWS, _TEMPLATED_SHARE = 20, 8, 0.9
_OPEN, _CLOSE = "([{<", ")]}>"


def mask_span(text: str, span: Span | None) -> str:
    """Return `text` with the span replaced by MASK; unchanged without a span."""
    return text if span is None else text[: span[0]] + MASK + text[span[1] :]


def blank(masked: str) -> str:
    """Return the key under which masked prompts match: folded case and white space, the mask taken out."""
    return " ".join(masked.replace(MASK, " ").casefold().split())


def detached_rows(masked: Sequence[str], *, frame_words: int = 2) -> tuple[bool, ...]:
    """Say for each masked prompt whether its mask is loose.

    It is when it stands alone as prefix or suffix, in brackets, or in a frame most rows share: the sentence around the mask
    ("Today is _."), if it has at most `frame_words` other words, asks nothing, and recurs in at least half of the rows that carry the slot,
    or in eight rows of a set that asks little else: of few templates each may have another frame.
    What is left must not take up the frame again ("Tom was born in _. How old is he?").
    """
    around = [_frame(text, frame_words) for text in masked]
    counts = Counter(frame for frame in around if frame)
    needed = max(4, int(_FRAME_SHARE * sum(MASK in text for text in masked)))
    common = {frame for frame, count in counts.items() if count >= needed}
    templates = _templates(masked)
    common |= {frame for text, frame in zip(masked, around, strict=True) if frame and text in templates}
    return tuple(MASK in text and (_loose(text) or frame in common) for text, frame in zip(masked, around, strict=True))


def _templates(masked: Sequence[str]) -> frozenset[str]:
    """The masked prompts of at least eight rows, where at most twenty of them make up nine tenths of the rows that carry the slot."""
    counts = Counter(text for text in masked if MASK in text)
    templates = {text: count for text, count in counts.items() if count >= _TEMPLATE_ROWS}
    few = len(templates) <= _TEMPLATES and sum(templates.values()) >= _TEMPLATED_SHARE * sum(counts.values())
    return frozenset(templates) if few else frozenset()


def _frame(text: str, most: int) -> str:
    """The sentence that holds the mask; "" when it is long, a question, nearly the whole prompt, or taken up again by the rest."""
    sentences = [part for part in _BREAK.split(text) if part]
    holder = next((part for part in sentences if MASK in part), "")
    words = set(_WORD.findall(holder.casefold()))
    rest = [word for part in sentences if part is not holder for word in _WORD.findall(part.casefold())]
    taken_up = _BACK & set(rest) or {word for word in words if len(word) >= _CONTENT_LETTERS} & set(rest)
    usable = holder and len(words) <= most and len(rest) >= _REST_WORDS and not taken_up and not holder.rstrip().endswith("?")
    return holder.strip().casefold() if usable else ""


def _loose(text: str) -> bool:
    """The mask stands alone before or after a complete prompt, or in brackets of its own."""
    at = text.index(MASK)
    before, after = text[:at].rstrip(), text[at + 1 :].lstrip()
    if before.endswith(tuple(_OPEN)) and after.startswith(tuple(_CLOSE)):
        return True
    if not _WORD.search(before):
        return _stands_alone(text[at + 1 :])
    return not after.strip(".!") and before.endswith((".", "?", "!", ":", "|", "\n")) and len(_WORD.findall(before)) >= 3


def _stands_alone(after: str) -> bool:
    """What follows a leading mask is a prompt by itself: set off by punctuation, or begun anew with a capital."""
    rest = after.lstrip(" \t.:;,|)]}>-\n")
    set_off = after.lstrip(" ")[:1] in {".", ":", ";", "|", "\n", ")", "]", "}", ">"} or after[:1] == "\n"
    return len(_WORD.findall(rest)) >= 3 and (set_off or rest[:1].isupper())
