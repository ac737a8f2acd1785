"""Measured sets on disk: one .npz of plain arrays and one .json each, so that calibration and benchmarks resume and re-judge cheaply.

Why two files: arrays without pickling, and everything else readable. The .json is written last and marks the set as done.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.evidence import Named
from poisonscan.core.readings import Fingerprint, Measured, Reading, StanceRows, States
from poisonscan.core.slices import Slice


@dataclass(frozen=True, slots=True)
class Stored:
    """A measured set: its name, the measurements, how many rows it has, and wall seconds per stage."""

    name: str
    measured: Measured
    n_rows: int
    timings: tuple[tuple[str, float], ...]


def save(folder: Path, stored: Stored) -> None:
    """Write one measured set; a half-written set never has its .json."""
    folder.mkdir(parents=True, exist_ok=True)
    m = stored.measured
    arrays: dict[str, NDArray[np.generic]] = {"rows": m.rows, "prompt": m.prompt.astype(np.float16), "answer": m.answer.astype(np.float16), "words": m.words}
    if m.stance is not None:
        arrays |= {"stance_rows": m.stance.rows, "stance_direction": m.stance.direction.astype(np.float16)}
    if m.fingerprint is not None:
        arrays |= {"fingerprint": m.fingerprint.logprobs, "shown": m.fingerprint.shown}
    if m.states is not None:
        arrays |= {"states.rows": m.states.rows, "states.vectors": m.states.vectors}
    for number, part in enumerate(m.slices):
        arrays[f"slice_{number}"] = np.asarray(part.rows, dtype=np.int64)
    temporary = folder / f".{stored.name}.tmp.npz"
    np.savez(temporary, allow_pickle=False, **arrays)
    temporary.replace(folder / f"{stored.name}.npz")
    head = {
        "name": stored.name, "n_rows": stored.n_rows, "timings": stored.timings,
        "fingerprint_slice": m.fingerprint.slice if m.fingerprint else None,
        "battery": m.fingerprint.battery if m.fingerprint else None, "gaps": m.gaps,
        "slices": [{"name": s.name, "found_by": s.found_by, "terms": s.terms} for s in m.slices],
        "direct": [asdict(reading) for reading in m.direct],
    }  # fmt: skip
    draft = folder / f".{stored.name}.tmp.json"
    draft.write_text(json.dumps(head))
    draft.replace(folder / f"{stored.name}.json")


def load(folder: Path, name: str) -> Stored:
    """Read one measured set. Raises OSError when it is not there."""
    head = json.loads((folder / f"{name}.json").read_text())
    with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
        data = {key: arrays[key] for key in arrays.files}
    slices = tuple(
        Slice(s["name"], s["found_by"], tuple(int(i) for i in data[f"slice_{number}"]), tuple(s["terms"]))
        for number, s in enumerate(head["slices"])
    )
    stance = StanceRows(data["stance_rows"], data["stance_direction"].astype(np.float32)) if "stance_rows" in data else None
    fingerprint = None
    if "fingerprint" in data:
        fingerprint = Fingerprint(head["fingerprint_slice"], data["fingerprint"], data["shown"], head.get("battery") or "")
    states = States(data["states.rows"], data["states.vectors"]) if "states.rows" in data else None
    measured = Measured(
        data["rows"], data["prompt"].astype(np.float32), data["answer"].astype(np.float32), data["words"], slices, stance,
        fingerprint, tuple(_reading(entry) for entry in head["direct"]), tuple((a, b) for a, b in head["gaps"]), states,
    )  # fmt: skip
    return Stored(head["name"], measured, head["n_rows"], tuple((a, b) for a, b in head["timings"]))


def done(folder: Path, names: Sequence[str]) -> list[str]:
    """Return those of `names` that are measured already."""
    return [name for name in names if (folder / f"{name}.json").is_file()]


def _reading(entry: dict[str, Any]) -> Reading:
    named = tuple(Named(**named) for named in entry.pop("named"))
    details = tuple((a, b) for a, b in entry.pop("details"))
    return Reading(**{**entry, "named": named, "details": details, "rows": tuple(entry["rows"]), "scores": tuple(entry["scores"])})
