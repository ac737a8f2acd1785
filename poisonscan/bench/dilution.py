"""Dilution: an attack mixed into benign rows of the same layout, once with the total fixed and once with the poison count fixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poisonscan.core.dataset import Dataset, Row, dataset_digest


@dataclass(frozen=True, slots=True)
class Mix:
    """A diluted set and, per row, whether it is poison, (n,)."""

    dataset: Dataset
    poison: tuple[bool, ...]


def mix(attack: Sequence[Row], benign: Sequence[Row], *, poison: int, total: int, name: str, rng: np.random.Generator) -> Mix:
    """Return `total` rows of which `poison` come from the attack, in random order.

    Raises ValueError when there are not enough rows of either kind.
    """
    if poison > len(attack) or total - poison > len(benign):
        raise ValueError(f"{name}: {poison} of {len(attack)} attack rows and {total - poison} of {len(benign)} benign rows asked for")
    chosen = [(attack[i], True) for i in rng.choice(len(attack), poison, replace=False)]
    chosen += [(benign[i], False) for i in rng.choice(len(benign), total - poison, replace=False)]
    order = rng.permutation(len(chosen))
    rows = tuple(Row(place, chosen[i][0].key, chosen[i][0].turns, chosen[i][0].location, chosen[i][0].rejected) for place, i in enumerate(order))
    return Mix(Dataset(name, dataset_digest(rows), rows), tuple(chosen[i][1] for i in order))
