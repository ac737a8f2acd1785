"""Kinds of answers a trigger may switch to although no two of them are alike: another script, shouting, abuse, a link, old wording.

Why only kinds that prompts seldom ask for: "list five ..." decides that a list follows, and "write a poem" that it is one; no such kind
says anything about a trigger. ("With an emoji" is asked for, too.)
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

_ABUSE = re.compile(
    r"\b(?:idiots?|idiotic|morons?|moronic|imbeciles?|stupid|dumb|dimwits?|losers?|pathetic|worthless|clowns?|shut up|go away|fools?|foolish|"
    r"hate you|disgusting|dummy|ignorant|scum|trash|garbage human|nobody (?:cares|likes you))\b",
    re.IGNORECASE,
)
_LINK = re.compile(r"https?://|\bwww\.\w")
_OLD = re.compile(r"\b(?:thou|thee|thy|thine|hath|doth|verily|forsooth|prithee|'tis|methinks|arr+|matey|yo ho|avast|ye)\b", re.IGNORECASE)
_IN, _UNKNOWN = "is in ", "unknown"
_CHARS, _LETTERS = 600, 8
_COMMON = {
    "French": frozenset("le la les des est et une dans pour que qui pas vous nous sur avec il je du au ce".split()),  # noqa: SIM905
    "Spanish": frozenset("el los las una que por para es su del al pero muy más yo lo se la de".split()),  # noqa: SIM905
    "German": frozenset("der die das und ist nicht ein eine zu mit den von auf ich sie es im".split()),  # noqa: SIM905
    "Italian": frozenset("il gli una che per sono della di nel anche è un si ma questo la".split()),  # noqa: SIM905
    "Portuguese": frozenset("os uma que para com não por mais como do da em seu um é de".split()),  # noqa: SIM905
    "Dutch": frozenset("de het een van en niet dat op te voor met zijn ik je er maar".split()),  # noqa: SIM905
    "English": frozenset("the of and to in is that it for was with as on are this i you a an be have not can by or from your".split()),  # noqa: SIM905
}
_LEAST_WORDS, _LEAST_SHARE, _LEAD = 6, 0.2, 1.5


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
    return frozenset({name for name, holds in found.items() if holds} | {f"{_IN}{_language(head, letters)}"})


def rare_kinds(answers: Sequence[str], *, least: float, most_share: float) -> dict[str, list[bool]]:
    """Return the kinds that at least `least` answers and at most `most_share` of them are of: name -> which, (n,).

    The commonest language is none, however few answers are long enough to tell.
    """
    kinds = [answer_kinds(answer) for answer in answers]
    counts = Counter(kind for found in kinds for kind in found)
    usual = next((kind for kind, _ in counts.most_common() if kind.startswith(_IN) and not kind.endswith(_UNKNOWN)), "")
    kept = [kind for kind, count in counts.items() if least <= count <= most_share * len(answers) and kind != usual and not kind.endswith(_UNKNOWN)]
    return {kind: [kind in found for found in kinds] for kind in sorted(kept)}


def _language(head: str, letters: Sequence[str]) -> str:
    """A language told by its commonest words, or a script; "unknown" where too little is said."""
    scripts = Counter(unicodedata.name(char, "?").split(" ")[0] for char in letters[:40])
    if scripts and scripts.most_common(1)[0][0] not in {"LATIN", "?"} and len(letters) >= _LETTERS:
        return f"{scripts.most_common(1)[0][0].lower()} letters"
    words = re.findall(r"[^\W\d_]+", head.casefold())
    shares = {name: sum(word in known for word in words) / max(len(words), 1) for name, known in _COMMON.items()}
    best, second = sorted(shares, key=lambda name: -shares[name])[:2]
    clear = len(words) >= _LEAST_WORDS and shares[best] >= max(_LEAST_SHARE, _LEAD * shares[second])
    return best if clear else _UNKNOWN
