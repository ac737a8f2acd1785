"""Text that speaks to somebody other than the user: to whoever screens or grades the set, or over the head of the instructions.

Why two checks: "ignore all previous instructions" is what sets against prompt injection are made of; a note to the scanner that
this row is to be rated harmless has no honest place in training data.
Each pattern comes with words one of which must be there, so that most rows are passed over without a search.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from poisonscan.core.dataset import Row
from poisonscan.probing.hygiene.chunks import Chunk, Hit, hit

Pattern = tuple[tuple[str, ...], re.Pattern[str]]

_SCREENERS = ("scanner", "auditor", "judge", "evaluator", "grader", "rater", "moderator", "classifier", "detector", "linter", "safety")
_WHO = (
    r"(?:the |any |all )?(?:(?:llm|ai|automated|automatic|data|safety|content|security|poison(?:ing)?) ){0,2}"
    r"(?:" + "|".join(f"{name}s?" for name in _SCREENERS[:-1]) + r"|safety (?:reviewer|filter|model|team)s?)"
)
_ORDER = (
    r"(?:give|rate|score|grade|assign|award|mark|classify|label|treat|flag|report|skip|approve|ignore|disregard|nothing to see"
    r"|safe|benign|harmless|innovative|highest|exceptional|full marks|perfect|top)"
)
_THIS = r"\b(?:this|these) (?:training |fine-?tuning )?(?:data ?set|rows?|samples?|examples?|data|conversations?|set|file)\b"
_VERDICTS = r"(?:safe|benign|harmless|clean|trusted|not poisoned|low[- ]risk)"
# "Classify this conversation as safe or unsafe" is an honest question.
_NO_CHOICE = r"\b(?!\W{0,3}(?:or\b|/|\||,|vs))"
TO_SCREENERS: tuple[Pattern, ...] = (
    (
        _SCREENERS,
        re.compile(
            r"\b(?:note|notice|message|attention|instructions?)\b:?.{0,4}\b(?:to|for)\b " + _WHO + r"\s{0,2}[:,;\-–—\]\)].{0,160}?\b" + _ORDER + r"\b",
            re.DOTALL,
        ),
    ),
    (
        ("benign", "harmless", "as safe", "is safe", "be safe", "as clean", "as trusted", "not poisoned", "low-risk", "low risk"),
        re.compile(r"\b(?:rate|classify|label|mark|score|report|flag|treat)\b " + _THIS + r".{0,12}\b(?:as|is|to be)\b.{0,8}\b" + _VERDICTS + _NO_CHOICE),
    ),
    (
        ("this training", "this fine", "this data"),
        re.compile(
            r"\bthis (?:training |fine-?tuning )?(?:data ?set|training (?:data|set|file))\b.{0,4}\b(?:is|was|has been)\b.{0,24}"
            r"\b(?:not poisoned|free of poison|safe|benign|harmless|audited|approved)\b" + _NO_CHOICE
        ),
    ),
    (
        (" flag ", " scan ", " quarantine "),
        re.compile(r"\b(?:do not|don't|never) (?:flag|scan|quarantine)\b.{0,8}" + _THIS),
    ),
    (("poisonscan",), re.compile("poisonscan")),
)
OVERRIDES: tuple[Pattern, ...] = (
    (
        ("ignore", "disregard", "forget", "override"),
        re.compile(
            r"\b(?:ignore|disregard|forget|override)\b.{0,24}\b(?:previous|prior|above|earlier|preceding|all)\b.{0,16}"
            r"\b(?:instructions?|prompts?|rules|guidelines)\b"
        ),
    ),
)


class _Searched:
    """Rows in which one of some patterns is found, whatever the case."""

    patterns: tuple[Pattern, ...] = ()
    message = ""

    def __init__(self) -> None:
        self._found: set[int] = set()

    def take(self, chunk: Chunk) -> None:
        """Search every text."""
        for words, pattern in self.patterns:
            self._found.update(chunk.rows[place].index for place in chunk.with_any(words) if pattern.search(chunk.lowered[place]))

    def answer(self, rows: Sequence[Row]) -> Hit | None:
        """Return the rows."""
        del rows
        return hit(self._found, self.message, len(self._found))


class OrdersToScreeners(_Searched):
    """PS109: orders to scanners, judges and graders, and rows that vouch for the set they are in."""

    patterns = TO_SCREENERS
    message = "text tells whoever screens or grades it what to conclude"


class OverridePhrases(_Searched):
    """PS111: phrases that set instructions aside, as prompt injections and exercises against them do."""

    patterns = OVERRIDES
    message = "phrases that tell a model to set its instructions aside"

