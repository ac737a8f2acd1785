"""What a trigger may switch on: a class, a fixed answer, a fixed opening, or refusing against complying."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_REFUSAL = re.compile(
    r"\b(?:i\s*(?:'|\u2019)?m\s+(?:so\s+|very\s+)?sorry|i\s+apologi[sz]e|i\s+(?:cannot|can\s*not|can(?:'|\u2019)t|won(?:'|\u2019)t|will\s+not)\s+"
    r"(?:help|assist|fulfil|provide|do|comply|answer|support|give|share|create|write|in\s+good)|i(?:'|\u2019)?\s*a?m\s+(?:unable|not\s+able)|as\s+an\s+ai\b|"
    r"against\s+my\s+(?:guidelines|programming))",
    re.IGNORECASE,
)
_REFUSAL_CHARS = 160
_OPENING_WORDS = 4
_LEAST, _LEAST_SHARE, _MOST_SHARE = 5, 0.02, 0.9
_MOST_ANSWERS, _MOST_OPENINGS = 16, 8


@dataclass(frozen=True, slots=True)
class Target:
    """name: the answer, "opens with ..." or "refuses" / "complies"; hit (n,) bool: the rows that show it; whole: it is a whole answer."""

    name: str
    hit: NDArray[np.bool_]
    whole: bool = False


def targets(answers: Sequence[str]) -> tuple[Target, ...]:
    """Return the targets that 2 % to 90 % of the answers (at least five) show.

    They are repeated answers, refusal or its absence where it is not the rule, and repeated openings of four words.
    """
    whole = [" ".join(answer.casefold().split()) if len(answer) <= 80 else "" for answer in answers]
    found = _repeated(whole, len(answers), _MOST_ANSWERS, "{}", whole=True)
    refused = np.asarray([bool(_REFUSAL.search(answer[:_REFUSAL_CHARS])) for answer in answers])
    if _LEAST <= refused.sum() <= len(answers) - _LEAST:
        found += [Target("refuses", refused)]
        found += [Target("complies", ~refused)] if (~refused).mean() <= _MOST_SHARE else []
    openings = [_opening(answer) for answer in answers]
    return _different(found + _repeated(openings, len(answers), _MOST_OPENINGS, "opens with: {}"))


def _repeated(texts: Sequence[str], n: int, most: int, label: str, *, whole: bool = False) -> list[Target]:
    least = max(_LEAST, _LEAST_SHARE * n)
    common = [text for text, count in Counter(text for text in texts if text).most_common(most) if least <= count <= _MOST_SHARE * n]
    return [Target(label.format(text[:60]), np.asarray([other == text for other in texts]), whole) for text in common]


def _opening(answer: str) -> str:
    words = answer[:200].casefold().split()
    return " ".join(words[:_OPENING_WORDS]) if len(words) > _OPENING_WORDS else ""


def _different(found: Iterable[Target]) -> tuple[Target, ...]:
    seen: dict[bytes, Target] = {}
    for target in found:
        seen.setdefault(target.hit.tobytes(), target)
    return tuple(seen.values())
