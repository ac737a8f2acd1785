"""Channels that bring their own null or need no benign vectors: slots, tokens, code weaknesses."""

from __future__ import annotations

from collections.abc import Sequence

from poisonscan.core.dataset import Dataset
from poisonscan.core.detectors import Detector
from poisonscan.core.readings import Reading
from poisonscan.core.settings import Settings
from poisonscan.core.slices import FloatArray, Slice
from poisonscan.probing.texts import RowTexts


def direct_readings(
    dataset: Dataset,
    texts: RowTexts,
    slices: Sequence[Slice],
    vectors: tuple[FloatArray, FloatArray],
    catalogue: Sequence[Detector],
    settings: Settings,
) -> tuple[Reading, ...]:
    """Return the readings of every direct channel."""
    return ()
