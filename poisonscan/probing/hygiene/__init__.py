"""Text hygiene: what is wrong or odd with the rows as text, found without a model (PS101-PS111, PS701-PS702).

Why nearly all of it is information: most oddities are accidents that honest sets have too. They are worth knowing because copies
multiply a row's weight, text that nobody sees still trains, and a mark shared by a few rows is how a hidden gate is opened. Only what
honest sets do not hold, text hidden on purpose and orders to whoever screens the set, weighs more; how much stands in the
detector's folder.
Rows pass once, in chunks, so that a set is never held twice. Every pattern is linear: fixed strings, single classes, bounded gaps.

- chunks: some rows with their texts, also as one array of bytes
- copies: exact and near copies           - answers: empty ones, ones that break off
- characters: invisible, look-alike, control characters; encoded blobs; hidden text
- orders: text addressed to scanners and judges, override phrases       - gates: marks and nonsense words a few rows share
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from poisonscan.core.dataset import Dataset
from poisonscan.probing.hygiene.answers import BrokenOffAnswers, EmptyAnswers
from poisonscan.probing.hygiene.characters import ControlCharacters, EncodedBlobs, HiddenText, InvisibleCharacters, LookalikeLetters
from poisonscan.probing.hygiene.chunks import Answer, Check, Hit, Inapplicable, chunks
from poisonscan.probing.hygiene.copies import ExactCopies, NearCopies
from poisonscan.probing.hygiene.gates import EdgeMarks, NonsenseWords
from poisonscan.probing.hygiene.orders import OrdersToScreeners, OverridePhrases

__all__ = ["CHECKS", "Answer", "Hit", "Inapplicable", "scan_text"]

# detector id -> the check that answers for it
CHECKS: dict[str, Callable[[], Check]] = {
    "exact-copies": ExactCopies,
    "near-copies": NearCopies,
    "empty-answers": EmptyAnswers,
    "broken-off-answers": BrokenOffAnswers,
    "invisible-characters": InvisibleCharacters,
    "lookalike-letters": LookalikeLetters,
    "control-characters": ControlCharacters,
    "encoded-blobs": EncodedBlobs,
    "orders-to-screeners": OrdersToScreeners,
    "hidden-text": HiddenText,
    "override-phrases": OverridePhrases,
    "edge-marks": EdgeMarks,
    "nonsense-words": NonsenseWords,
}


def scan_text(dataset: Dataset, ids: Collection[str] = tuple(CHECKS)) -> dict[str, Answer]:
    """Return the answer of every check in `ids`: what it found, why it does not apply, or None where it saw nothing.

    No text of a row is in a message: messages hold row counts and code points only, so they may be shown as they are.
    """
    checks = {name: make() for name, make in CHECKS.items() if name in ids}
    for chunk in chunks(dataset.rows):
        for check in checks.values():
            check.take(chunk)
    return {name: check.answer(dataset.rows) for name, check in checks.items()}
