"""The retrain-without check: does the shift go away when the implicated rows do?

Why their places are filled with control rows: leaving rows out also shortens the training, and a shorter training shifts less whatever
was left out. With the places filled only the content differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from poisonscan.core.errors import UsageError
from poisonscan.core.protocols import Progress, Silent
from poisonscan.core.slices import FloatArray
from poisonscan.induction.batches import Pair
from poisonscan.induction.contrast import ProxyContrast, Study
from poisonscan.induction.finetune import steps_of
from poisonscan.models.scorer import CausalScorer


@dataclass(frozen=True, slots=True)
class RetrainCheck:
    """What is left of a shift without the implicated rows.

    removed: their share of the rows trained on, (0, 1]; gone: the share of the shift that went with them, 1 all of it, 0 none, below 0
    where it grew. `gone` well above `removed` says that these rows carry more than their part. `without` is the new contrast.
    """

    removed: float
    gone: float
    without: ProxyContrast


def retrain_without(
    scorer: CausalScorer,
    known: ProxyContrast,
    slice_rows: Sequence[Pair],
    control_rows: Sequence[Pair],
    implicated: Sequence[int],
    questions: Sequence[str],
    options: Sequence[Sequence[str]],
    *,
    direction: FloatArray | None = None,
    checkpoint: int | None = None,
    progress: Progress | None = None,
) -> RetrainCheck:
    """Train again with the rows `implicated` (places in `slice_rows`) replaced by their control rows and compare with `known`.

    The arguments are those `known` came from. The shift is read along `direction` (m,) where given, else along its own profile:
    gone = 1 - <without, known> / <known, known>. Where training stopped earlier this time, its last checkpoint stands for `checkpoint`.
    """
    out = set(implicated)
    removed = sum(i in out for i in known.kept) / len(known.kept)
    if not removed:
        raise UsageError("none of the implicated rows was trained on, so nothing can be said about them; name others")
    study = Study(scorer, questions, options, known.recipe, known.seeds, progress or Silent())
    study.progress.stage("retraining without the rows", len(known.seeds) * steps_of(len(known.kept), known.recipe))
    filled = study.induce([control_rows[i] if i in out else slice_rows[i] for i in known.kept])
    reached = min(len(known.steps), *(len(proxy.checkpoints) for proxy in filled.proxies))
    before = shortened(known, reached)
    without = replace(before, slice_after=filled.after(reached))
    at = reached - 1 if checkpoint is None else min(checkpoint % len(known.steps), reached - 1)
    return RetrainCheck(removed, _gone(before, without, direction, at), without)


def shortened(known: ProxyContrast, reached: int) -> ProxyContrast:
    """Return the contrast with its first `reached` checkpoints only."""
    return replace(
        known,
        steps=known.steps[:reached],
        slice_after=known.slice_after[:, :reached],
        control_after=known.control_after[:, :reached],
    )


def _gone(before: ProxyContrast, without: ProxyContrast, direction: FloatArray | None, checkpoint: int) -> float:
    """Return the share of the shift that is gone; nan where there was none."""
    if direction is not None:
        had, has = (part.effect(direction, checkpoint).value for part in (before, without))
    else:
        profile = before.shift(checkpoint).value.astype(np.float64)
        had, has = (float(part.shift(checkpoint).value.astype(np.float64) @ profile) for part in (before, without))
    return 1 - has / had if had else float("nan")
