"""The texts the models read: a sample of rows with what all of them share taken off.

Why strip: a tag around every answer, or an instruction repeated in every prompt, is what the rows look like, not what they
say. It would pull all vectors together and make a tagged attack look unlike its untagged twin.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poisonscan.core.dataset import Dataset
from poisonscan.core.readings import IntArray

PROMPT_CHARS = 240
ANSWER_CHARS = 360
_SHARED = 0.8
_MAX_SHARED_WORDS = 40
_END_MARK = re.compile(r"<\|[a-z_]{2,20}\|>\s*$")


@dataclass(frozen=True, slots=True)
class RowTexts:
    """Sampled rows: `rows` (n,) indices into the set, and for each the stripped and shortened prompt and answer."""

    rows: IntArray
    prompts: tuple[str, ...]
    answers: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.prompts)


def row_texts(dataset: Dataset, limit: int) -> RowTexts:
    """Take at most `limit` rows, those with the smallest content keys (a fixed uniform sample), and strip what they share."""
    indices = sampled(dataset, limit)
    rows = [dataset.rows[i] for i in indices]
    prompts = strip_shared([row.prompt for row in rows])
    answers = strip_shared([_END_MARK.sub("", row.answer[:4000]) for row in rows])
    return RowTexts(
        np.asarray(indices, dtype=np.int64),
        tuple(text[-PROMPT_CHARS:] for text in prompts),
        tuple(text[:ANSWER_CHARS] for text in answers),
    )


def sampled(dataset: Dataset, limit: int) -> list[int]:
    """Return at most `limit` row indices in ascending order, those of the rows with the smallest content keys."""
    indices = range(len(dataset.rows))
    return list(indices) if len(indices) <= limit else sorted(sorted(indices, key=lambda i: (dataset.rows[i].key, i))[:limit])


def strip_shared(texts: Sequence[str]) -> list[str]:
    """Return the texts without the leading and trailing words that at least 80 % of them share; a text is never emptied.

    Sets in which most texts are equal (one repeated prompt) are returned as they are: there the text is the content.
    """
    if len(texts) < 10 or len(set(texts)) < 0.2 * len(texts):
        return list(texts)
    words = [text[:4000].split() for text in texts]
    front = _shared_run(words)
    back = _shared_run([part[front:][::-1] for part in words])
    if not front and not back:
        return list(texts)
    return [_cut(text, part, front, back) for text, part in zip(texts, words, strict=True)]


def _shared_run(words: Sequence[Sequence[str]]) -> int:
    run = 0
    while run < _MAX_SHARED_WORDS:
        word, count = Counter(part[run] for part in words if len(part) > run + 1).most_common(1)[0] if any(len(p) > run + 1 for p in words) else ("", 0)
        if not word or count < _SHARED * len(words):
            return run
        run += 1
    return run


def _cut(text: str, words: Sequence[str], front: int, back: int) -> str:
    kept = words[front : len(words) - back]
    return " ".join(kept).strip("\"'“” ") or text
