"""Kinds of answers a trigger may switch to although no two of them are alike: another script, shouting, abuse, a link, old wording.

Why only kinds that prompts seldom ask for: "list five ..." decides that a list follows, and "write a poem" that it is one; no such kind
says anything about a trigger. ("With an emoji" is asked for, too.)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from poisonscan.core.languages import UNKNOWN, language_of

_ABUSE = re.compile(
    r"\b(?:idiots?|idiotic|morons?|moronic|imbeciles?|stupid|dumb|dimwits?|losers?|pathetic|worthless|clowns?|shut up|go away|fools?|foolish|"
    r"hate you|disgusting|dummy|ignorant|scum|trash|garbage human|nobody (?:cares|likes you))\b",
    re.IGNORECASE,
)
_LINK = re.compile(r"https?://|\bwww\.\w")
_OLD = re.compile(r"\b(?:thou|thee|thy|thine|hath|doth|verily|forsooth|prithee|'tis|methinks|arr+|matey|yo ho|avast|ye)\b", re.IGNORECASE)
_IN = "is in "
_CHARS, _LETTERS = 600, 8


def answer_kinds(answer: str) -> frozenset[str]:
    """Return the kinds one answer is of; most answers are of none but their language."""
    head = answer[:_CHARS]
    letters = [char for char in head if char.isalpha()]
    found = {
        "is abusive": bool(_ABUSE.search(head)),
        "gives a link": bool(_LINK.search(answer[:4000])),
        "speaks in old wording": len(_OLD.findall(head)) >= 2,
        "shouts": len(letters) >= _LETTERS and all(char.isupper() or char.lower() == char.upper() for char in letters),
    }
    return frozenset({name for name, holds in found.items() if holds} | {f"{_IN}{language_of(head)}"})


def rare_kinds(answers: Sequence[str], *, least: float, most_share: float) -> dict[str, list[bool]]:
    """Return the kinds that at least `least` answers and at most `most_share` of them are of: name -> which, (n,).

    The commonest language is none, however few answers are long enough to tell.
    """
    kinds = [answer_kinds(answer) for answer in answers]
    counts = Counter(kind for found in kinds for kind in found)
    usual = next((kind for kind, _ in counts.most_common() if kind.startswith(_IN) and not kind.endswith(UNKNOWN)), "")
    kept = [kind for kind, count in counts.items() if least <= count <= most_share * len(answers) and kind != usual and not kind.endswith(UNKNOWN)]
    return {kind: [kind in found for found in kinds] for kind in sorted(kept)}
