"""Answers that are missing or stop short: they train a model to say nothing, or to stop anywhere."""

from __future__ import annotations

from collections.abc import Sequence

from poisonscan.core.dataset import Row
from poisonscan.probing.hygiene.chunks import Chunk, Hit, Inapplicable, hit

_LONG = 80
_MOST_END = 0.8
_CLOSING = frozenset(".!?…。！？؟।`\"'”’)]}>|*_:;~$%€-—")


class EmptyAnswers:
    """PS103: rows with an assistant turn and nothing in it."""

    def __init__(self) -> None:
        self._found: list[int] = []

    def take(self, chunk: Chunk) -> None:
        """Keep the rows whose answer is blank."""
        for row, answer in zip(chunk.rows, chunk.answers, strict=True):
            if not answer.strip() and not row.rejected and any(turn.role == "assistant" for turn in row.turns):
                self._found.append(row.index)

    def answer(self, rows: Sequence[Row]) -> Hit | None:
        """Return those rows."""
        del rows
        return hit(self._found, "an empty answer", len(self._found))


class BrokenOffAnswers:
    """PS104: long answers that stop on a letter or comma, in a set whose long answers mostly end with a closing mark."""

    def __init__(self) -> None:
        self._long = 0
        self._cut: list[int] = []

    def take(self, chunk: Chunk) -> None:
        """Look at the last character of every long answer."""
        for row, answer in zip(chunk.rows, chunk.answers, strict=True):
            text = answer.rstrip()
            if len(text) < _LONG or text.endswith("|>"):
                continue
            self._long += 1
            if text[-1] not in _CLOSING and (text[-1].isalpha() or text[-1] in ",("):
                self._cut.append(row.index)

    def answer(self, rows: Sequence[Row]) -> Hit | Inapplicable | None:
        """Return the rows that break off where others do not."""
        del rows
        if not self._long:
            return Inapplicable("no answer is long enough to break off")
        if 1 - len(self._cut) / self._long < _MOST_END:
            return Inapplicable("the answers of this set end without a closing mark as a habit")
        return hit(self._cut, "a long answer stops without a closing mark, unlike the others", len(self._cut))
