"""One JSON parser for every container, as tolerant as the loaders people train with.

Why the standard library and not a faster parser: it accepts NaN and raw control characters as Python trainers do, its hook shows
repeated keys (loaders disagree on which value wins, so they are noted), and a depth or a number beyond reason is an exception, not a crash.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from poisonscan.readers.limits import Limits
from poisonscan.readers.records import MisfitError

REPEATED = "repeated key"


class HopelessError(MisfitError):
    """Text that no further text could make readable."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A decoded value, the position behind it, facts about its text, and what is wrong with it ("" if nothing)."""

    value: object
    end: int
    facts: tuple[str, ...] = ()
    problem: str = ""


class JsonParser:
    """Decodes one value at a time and remembers whether an object in it repeated a key."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._repeated = False
        self._decoder = json.JSONDecoder(object_pairs_hook=self._object, strict=False)

    def parse(self, text: str) -> Parsed:
        """Return the value that fills `text`.

        Raises:
            MisfitError: not JSON, nested too deeply, a number too long, or more than one value.
        """
        start = len(text) - len(text.lstrip())
        parsed = self.parse_at(text, start)
        if parsed.problem:
            raise MisfitError(parsed.problem)
        if text[parsed.end :].strip():
            raise MisfitError(f"not one JSON value: more text follows at character {parsed.end + 1}")
        return parsed

    def parse_at(self, text: str, position: int) -> Parsed:
        """Return the value that starts at `position`; a value nested too deeply comes back empty, with its `problem`.

        Raises:
            MisfitError: no complete JSON value starts there.
        """
        self._repeated = False
        try:
            value, end = self._decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise MisfitError(f"not JSON: {error.msg.lower()} at character {error.pos + 1}") from error
        except RecursionError as error:
            raise HopelessError("nested too deeply") from error
        except ValueError as error:
            raise HopelessError("a number with too many digits") from error
        # Counting brackets is much faster than walking, and most records do not even have as many as the limit.
        brackets = text.count("[", position, end) + text.count("{", position, end)
        if brackets > self._limits.nesting and deeper_than(value, self._limits.nesting):
            return Parsed(None, end, problem=f"nested more than {self._limits.nesting} levels deep")
        return Parsed(value, end, (REPEATED,) if self._repeated else ())

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        value = dict(pairs)
        self._repeated = self._repeated or len(value) != len(pairs)
        return value


def deeper_than(value: object, limit: int) -> bool:
    """Return True where lists and objects stand more than `limit` levels deep (walks level by level, never recurses)."""
    level = [value]
    for _ in range(limit + 1):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(child for child in item.values() if isinstance(child, (dict, list)))
            elif isinstance(item, list):
                below.extend(child for child in item if isinstance(child, (dict, list)))
        if not below:
            return False
        level = below
    return True
