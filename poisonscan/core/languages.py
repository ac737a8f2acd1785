"""In what language a text is, told by its script and its commonest words. Why no library: a few words decide, and most texts need no answer."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from itertools import islice

UNKNOWN, ENGLISH = "unknown", "English"
_COMMON = {
    "French": frozenset("le la les des est et une dans pour que qui pas vous nous sur avec il je du au ce".split()),  # noqa: SIM905
    "Spanish": frozenset("el los las una que por para es su del al pero muy más yo lo se la de".split()),  # noqa: SIM905
    "German": frozenset("der die das und ist nicht ein eine zu mit den von auf ich sie es im".split()),  # noqa: SIM905
    "Italian": frozenset("il gli una che per sono della di nel anche è un si ma questo la".split()),  # noqa: SIM905
    "Portuguese": frozenset("os uma que para com não por mais como do da em seu um é de".split()),  # noqa: SIM905
    "Dutch": frozenset("de het een van en niet dat op te voor met zijn ik je er maar".split()),  # noqa: SIM905
    "English": frozenset("the of and to in is that it for was with as on are this i you a an be have not can by or from your".split()),  # noqa: SIM905
}
_SEEN, _LEAST_LETTERS = 40, 8
_LEAST_WORDS, _LEAST_SHARE, _LEAD = 6, 0.2, 1.5


def language_of(text: str) -> str:
    """Return a language told by its commonest words, "cjk letters" and the like for other scripts, UNKNOWN where too little is said."""
    letters = list(islice(filter(str.isalpha, text), _SEEN))
    scripts = Counter(unicodedata.name(char, "?").split(" ")[0] for char in letters)
    if scripts and scripts.most_common(1)[0][0] not in {"LATIN", "?"} and len(letters) >= _LEAST_LETTERS:
        return f"{scripts.most_common(1)[0][0].lower()} letters"
    words = re.findall(r"[^\W\d_]+", text.casefold())
    shares = {name: sum(word in known for word in words) / max(len(words), 1) for name, known in _COMMON.items()}
    best, second = sorted(shares, key=lambda name: -shares[name])[:2]
    clear = len(words) >= _LEAST_WORDS and shares[best] >= max(_LEAST_SHARE, _LEAD * shares[second])
    return best if clear else UNKNOWN
