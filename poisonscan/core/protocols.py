"""The seams: only where two implementations exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.slices import FloatArray


class Progress(Protocol):
    """Where a stage tells how far it is. `total` 0 means unknown."""

    def stage(self, name: str, total: int = 0) -> None:
        """Begin a stage called `name` with `total` steps."""

    def advance(self, steps: int = 1) -> None:
        """Say that `steps` more steps of the current stage are done."""


class Silent:
    """The progress that says nothing; the library's default."""

    def stage(self, name: str, total: int = 0) -> None:
        """Ignore."""

    def advance(self, steps: int = 1) -> None:
        """Ignore."""


class Encoder(Protocol):
    """Text to unit vectors."""

    id: str

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return float32 (len(texts), dim), each row of Euclidean norm 1."""


class Scorer(Protocol):
    """A causal language model read through log-probabilities, never through sampled prose."""

    id: str

    def option_logprobs(self, prefix: str, questions: Sequence[str], options: Sequence[Sequence[str]]) -> list[NDArray[np.float32]]:
        """Return, for each question asked after `prefix`, the summed log-probability in nats of each of its options, float32 (n_options,)."""

    def option_logprobs_each(
        self, prefixes: Sequence[str], questions: Sequence[str], options: Sequence[Sequence[str]]
    ) -> list[list[NDArray[np.float32]]]:
        """Return what `option_logprobs` returns, for each of `prefixes`."""

    def answer_logprobs(self, prefixes: Sequence[str], answers: Sequence[str], max_tokens: int) -> list[NDArray[np.float32]]:
        """Return, for each (prefix, answer), the log-probability in nats of each of the first `max_tokens` answer tokens, float32 (<= max_tokens,)."""


class Reader(Protocol):
    """A container format: bytes to raw records, one at a time, in bounded memory."""

    suffixes: tuple[str, ...]
