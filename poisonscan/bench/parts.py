"""Finished parts of a long run, one JSON file each, so that a run that was stopped goes on where it stopped.

Why a stamp: a part counts only for the very set, settings and engine it was made with; another one is made anew and takes its place.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Parts:
    """The folder of the parts and what they all depend on (versions, digests, limits), as text."""

    folder: Path
    stamp: str

    def get(self, name: str, depends: str, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Return part `name` as JSON values: the kept one where it was made with the same stamp and `depends`, else what `make` returns.

        `make` returns a dataclass, or None. A half-written part is never kept.
        """
        path = self.folder / f"{name}.json"
        stamp = blake2b(f"{self.stamp}\n{depends}".encode(), digest_size=12).hexdigest()
        kept = _read(path)
        if kept is not None and kept.get("stamp") == stamp:
            return kept["part"]
        made = make()
        part = None if made is None else asdict(made)
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".tmp")
        draft.write_text(json.dumps({"stamp": stamp, "part": part}, ensure_ascii=False), encoding="utf-8")
        draft.replace(path)
        return json.loads(json.dumps(part))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not there, or cut short by something that is not ours: made anew
        return None
    return kept if isinstance(kept, dict) and "part" in kept else None
