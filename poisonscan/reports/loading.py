"""json back to `Report`. A report is input like any other: what does not fit is named, never guessed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from poisonscan.core.dataset import Location, Unreadable
from poisonscan.core.detectors import SEVERITIES, Confidence, Severity
from poisonscan.core.errors import UsageError
from poisonscan.core.evidence import Cleared, Effect, Evidence, Finding, Named, RowShare, Scope, Skipped
from poisonscan.core.report import SCHEMA, DatasetInfo, Outcome, Report, RowInfo, SliceInfo, ToolInfo
from poisonscan.core.slices import Slice
from poisonscan.reports.escape import visible
from poisonscan.reports.json_report import SEVERAL

_OUTCOMES = ("found", "none-found", "incomplete")
_CONFIDENCES = ("low", "medium", "high")
_SCOPES = ("row", "slice", "set")


class _Node:
    """A JSON object that names the path of what is missing or of the wrong kind."""

    def __init__(self, value: object, path: str = "$") -> None:
        if not isinstance(value, Mapping):
            raise TypeError(f"{path} is not an object")
        self._value = cast("Mapping[str, object]", value)
        self._path = path

    def text(self, key: str) -> str:
        return self._typed(key, str)

    def whole(self, key: str) -> int:
        return int(self._typed(key, int))

    def flag(self, key: str) -> bool:
        return self._typed(key, bool)

    def number(self, key: str) -> float:
        return _number(self._get(key), f"{self._path}.{key}")

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self.text(key)
        if value not in allowed:
            raise ValueError(f"{self._path}.{key} is {visible(value, 40)!r}, not one of {', '.join(allowed)}")
        return value

    def place(self) -> Location:
        line, record = self._get("line"), self._get("record")
        return Location(self.text("file"), line if isinstance(line, int) else None, record if isinstance(record, int) else None)

    def node(self, key: str) -> _Node:
        return _Node(self._get(key), f"{self._path}.{key}")

    def nodes(self, key: str) -> list[_Node]:
        return [_Node(item, f"{self._path}.{key}[{i}]") for i, item in enumerate(self.items(key))]

    def items(self, key: str) -> list[object]:
        return self._typed(key, list)

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(str(item) for item in self.items(key))

    def pairs(self, key: str) -> Iterable[tuple[object, object]]:
        for item in self.items(key):
            if not isinstance(item, list) or len(item) != 2:  # noqa: PLR2004 - a pair
                raise TypeError(f"{self._path}.{key} holds something that is not a pair")
            yield item[0], item[1]

    def entries(self, key: str) -> Iterable[tuple[str, object]]:
        return self._typed(key, dict).items()

    def _get(self, key: str) -> object:
        if key not in self._value:
            raise KeyError(f"{self._path}.{key} is missing")
        return self._value[key]

    def _typed[T](self, key: str, kind: type[T]) -> T: ...
