"""The whole set: always the first slice."""

from __future__ import annotations

from collections.abc import Iterator

from poisonscan.core.dataset import Dataset
from poisonscan.slices.candidates import Candidate


def whole(dataset: Dataset) -> Iterator[Candidate]:
    """Yield the one slice that holds every row."""
    yield Candidate("whole set", "whole", tuple(range(len(dataset))))
