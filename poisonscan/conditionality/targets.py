"""What a trigger may switch on: a class, a fixed answer, a fixed opening or sentence, refusing against complying, a kind of answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.conditionality.answer_kinds import rare_kinds

_REFUSAL = re.compile(
    r"\b(?:i\s*(?:'|\u2019)?m\s+(?:so\s+|very\s+)?sorry|i\s+apologi[sz]e|i\s+(?:cannot|can\s*not|can(?:'|\u2019)t|won(?:'|\u2019)t|will\s+not)\s+"
    r"(?:help|assist|fulfil|provide|do|comply|answer|support|give|share|create|write|in\s+good)|i(?:'|\u2019)?\s*a?m\s+(?:unable|not\s+able)|as\s+an\s+ai\b|"
    r"against\s+my\s+(?:guidelines|programming))",
    re.IGNORECASE,
)
_REFUSAL_CHARS = 160
_OPENING_WORDS = 4
_LEAST, _LEAST_SHARE, _MOST_SHARE, _MOST_KIND = 5, 0.005, 0.9, 0.5
_MOST_RECURRING, _SHORT_LIST = 0.3, 12
_MOST_ANSWERS, _MOST_OPENINGS, _MOST_SENTENCES = 16, 8, 8
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_SENTENCE_WORDS, _ENDS = 4, 2


@dataclass(frozen=True, slots=True)
class Target:
    """name: the answer, "opens with ...", "says ...", "refuses", "complies" or "is in French"; hit (n,) bool: the rows that show it.

    whole: it is a whole answer; several: it is any of several whole answers.
    """

    name: str
    hit: NDArray[np.bool_]
    whole: bool = False
    several: bool = False


def targets(answers: Sequence[str]) -> tuple[Target, ...]:
    """Return the targets that 0.5 % to 90 % of the answers (at least five) show.

    They are repeated answers, any of the repeated answers of a set where few repeat, refusal or its absence where it is not the rule,
    repeated openings and ends of four words, sentences that different answers begin or end with, and kinds of answers that prompts
    seldom ask for.
    """
    whole = [" ".join(answer.casefold().split()) if len(answer) <= 80 else "" for answer in answers]
    found = _repeated(whole, len(answers), _MOST_ANSWERS, "{}", whole=True) + _recurring(whole)
    refused = np.asarray([bool(_REFUSAL.search(answer[:_REFUSAL_CHARS])) for answer in answers])
    if _LEAST <= refused.sum() <= len(answers) - _LEAST:
        found += [Target("refuses", refused)]
        found += [Target("complies", ~refused)] if (~refused).mean() <= _MOST_SHARE else []
    openings, closings = [_opening(answer) for answer in answers], [_closing(answer) for answer in answers]
    found += _repeated(openings, len(answers), _MOST_OPENINGS, "opens with: {}")
    found += _repeated(closings, len(answers), _MOST_OPENINGS, "ends with: {}") + _sentences(answers)
    kinds = rare_kinds(answers, least=max(_LEAST, _LEAST_SHARE * len(answers)), most_share=_MOST_KIND)
    return _different(found + [Target(name, np.asarray(hit)) for name, hit in kinds.items()])


def _sentences(answers: Sequence[str]) -> list[Target]:
    """Sentences of at least four words that stand among the first or last two of answers of more than one sentence."""
    said: list[set[str]] = []
    for answer in answers:
        parts = [part for part in _SENTENCE.split(answer[:300] + "\n" + answer[-300:] if len(answer) > 600 else answer) if part.strip()]
        outer = [*parts[:_ENDS], *parts[-_ENDS:]] if len(parts) > 1 else []
        said.append({" ".join(part.casefold().split()) for part in outer if len(part.split()) >= _SENTENCE_WORDS})
    n, least = len(answers), max(_LEAST, _LEAST_SHARE * len(answers))
    counts = Counter(sentence for found in said for sentence in found)
    common = [text for text, count in counts.most_common(_MOST_SENTENCES) if least <= count <= _MOST_SHARE * n]
    return [Target(f"says: {text[:60]}", np.asarray([text in found for found in said])) for text in common]


def _repeated(texts: Sequence[str], n: int, most: int, label: str, *, whole: bool = False) -> list[Target]:
    least = max(_LEAST, _LEAST_SHARE * n)
    common = [text for text, count in Counter(text for text in texts if text).most_common(most) if least <= count <= _MOST_SHARE * n]
    return [Target(label.format(text[:60]), np.asarray([other == text for other in texts]), whole) for text in common]


def _recurring(whole: Sequence[str]) -> list[Target]:
    """Any answer that is given more than once, where two to twelve are and they fill no more than three tenths of the rows.

    Under a trigger the answers may come from a short list, with none of them in most rows. Long lists are those of several tasks.
    """
    counts = Counter(text for text in whole if text)
    hit = np.asarray([counts[text] > 1 for text in whole])
    many = sum(count > 1 for count in counts.values())
    fits = 1 < many <= _SHORT_LIST and max(_LEAST, _LEAST_SHARE * len(whole)) <= hit.sum() <= _MOST_RECURRING * len(whole)
    return [Target(f"one of {many} answers that recur", hit, several=True)] if fits else []


def _opening(answer: str) -> str:
    words = answer[:200].casefold().split()
    return " ".join(words[:_OPENING_WORDS]) if len(words) > _OPENING_WORDS else ""


def _closing(answer: str) -> str:
    words = answer[-200:].casefold().split()
    return " ".join(words[-_OPENING_WORDS:]) if len(words) > _OPENING_WORDS else ""


def _different(found: Iterable[Target]) -> tuple[Target, ...]:
    seen: dict[bytes, Target] = {}
    for target in found:
        seen.setdefault(target.hit.tobytes(), target)
    return tuple(seen.values())
