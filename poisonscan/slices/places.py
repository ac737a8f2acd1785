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
_FRAME_WORDS = 8
_FRAME_SHARE = 0.5
_OPEN, _CLOSE = "([{<", ")]}>"


def mask_span(text: str, span: Span | None) -> str:
    """Return `text` with the span replaced by MASK; unchanged without a span."""
    return text if span is None else text[: span[0]] + MASK + text[span[1] :]


def blank(masked: str) -> str:
    """Return the key under which masked prompts match: folded case and white space, the mask taken out."""
    return " ".join(masked.replace(MASK, " ").casefold().split())


def detached_rows(masked: Sequence[str], *, frames: bool = True) -> tuple[bool, ...]:
    """Say for each masked prompt whether its mask is loose.

    It is when it stands alone as prefix or suffix, in brackets, or (`frames`) in a frame most rows share: the sentence around the mask
    ("Today is _."), if it is short, is followed or preceded by more than two words, asks nothing, and recurs in at least half of the
    rows that carry the slot.
    """
    around = [_frame(text) if frames else "" for text in masked]
    counts = Counter(frame for frame in around if frame)
    needed = max(4, int(_FRAME_SHARE * sum(MASK in text for text in masked)))
    common = {frame for frame, count in counts.items() if count >= needed}
    return tuple(MASK in text and (_loose(text) or frame in common) for text, frame in zip(masked, around, strict=True))


def _frame(text: str) -> str:
    """The sentence that holds the mask, "" when it is long, a question, or nearly the whole prompt."""
    sentences = [part for part in _BREAK.split(text) if part]
    holder = next((part for part in sentences if MASK in part), "")
    rest = sum(len(_WORD.findall(part)) for part in sentences) - len(_WORD.findall(holder))
    long = len(_WORD.findall(holder)) > _FRAME_WORDS
    return "" if not holder or long or rest < 3 or holder.rstrip().endswith("?") else holder.strip().casefold()


def _loose(text: str) -> bool:
    """The mask stands alone before or after a complete prompt, or in brackets of its own."""
    at = text.index(MASK)
    before, after = text[:at].rstrip(), text[at + 1 :].lstrip()
    if before.endswith(tuple(_OPEN)) and after.startswith(tuple(_CLOSE)):
        return True
    if not before:
        return _stands_alone(text[at + 1 :])
    return not after.strip(".!") and before.endswith((".", "?", "!", ":", "|", "\n")) and len(_WORD.findall(before)) >= 3


def _stands_alone(after: str) -> bool:
    """What follows a leading mask is a prompt by itself: set off by punctuation, or begun anew with a capital."""
    rest = after.lstrip(" \t.:;,|)]}>-\n")
    set_off = after.lstrip(" ")[:1] in {".", ":", ";", "|", "\n", ")", "]", "}", ">"} or after[:1] == "\n"
    return len(_WORD.findall(rest)) >= 3 and (set_off or rest[:1].isupper())
