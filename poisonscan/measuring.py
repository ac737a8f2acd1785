"""Everything a scan measures on one set before it is compared with benign sets. Stages in order, each a few lines.

Why apart from `pipeline`: calibration and benchmarks measure hundreds of sets once and judge them many times.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from poisonscan.core.dataset import Dataset
from poisonscan.core.detectors import Detector
from poisonscan.core.protocols import Encoder, Progress
from poisonscan.core.readings import Fingerprint, Measured, StanceRows
from poisonscan.core.settings import Settings
from poisonscan.core.slices import FloatArray, Slice, SliceEmbeddings
from poisonscan.direct import direct_readings
from poisonscan.induction.in_context import battery, induce
from poisonscan.models import CausalScorer, load_encoder, load_scorer
from poisonscan.probing.resemblance import contrast_pairs, unit
from poisonscan.probing.stance import embed_stances, stance_text
from poisonscan.probing.texts import RowTexts, row_texts
from poisonscan.slices import find_slices


@dataclass
class Models:
    """The two models of a scan, loaded when first used."""

    settings: Settings
    progress: Progress
    _encoder: Encoder | None = None
    _scorer: CausalScorer | None = None

    @property
    def encoder(self) -> Encoder:
        """The sentence encoder. Raises ModelError when its weights cannot be had."""
        if self._encoder is None:
            s = self.settings
            self._encoder = load_encoder(s.encoder, cache=s.cache, offline=s.offline, progress=self.progress)
        return self._encoder

    @property
    def scorer(self) -> CausalScorer:
        """The causal scorer. Raises ModelError when its weights cannot be had."""
        if self._scorer is None:
            s = self.settings
            self._scorer = load_scorer(s.scorer, cache=s.cache, offline=s.offline, progress=self.progress)
        return self._scorer


@dataclass
class Clock:
    """Wall seconds per stage, and whether the budget is spent."""

    budget_minutes: float = 0.0
    started: float = field(default_factory=time.monotonic)
    stages: list[tuple[str, float]] = field(default_factory=list)
    _last: float = field(default_factory=time.monotonic)

    def lap(self, stage: str) -> None:
        """Book the time since the last lap to `stage`."""
        now = time.monotonic()
        self.stages.append((stage, round(now - self._last, 3)))
        self._last = now

    @property
    def spent(self) -> bool:
        """True when a budget was set and is used up."""
        return 0 < self.budget_minutes * 60 <= time.monotonic() - self.started


def measure(dataset: Dataset, settings: Settings, models: Models, catalogue: Sequence[Detector], clock: Clock) -> Measured:
    """Run every measuring stage the depth and the budget allow; what was left out stands in `Measured.gaps` as (channel, reason)."""
    texts = row_texts(dataset, settings.max_rows)
    models.progress.stage("reading meaning", 2)
    prompt, answer = _encode(models.encoder, texts.prompts, texts.answers)
    clock.lap("embed")
    slices = slice_rows(dataset, texts, prompt, answer, settings.seed)
    clock.lap("slice")
    stance = _stances(dataset, texts, models.encoder)
    direct = direct_readings(dataset, texts, slices, (prompt, answer), catalogue, settings)
    clock.lap("slots, triggers and code")
    words = np.array([len(text.split()) for text in texts.answers], dtype=np.int64)
    measured = Measured(texts.rows, prompt, answer, words, slices, stance, direct=direct)
    if settings.depth == "quick":
        return replace(measured, gaps=(("scorer", "depth is quick"),))
    if clock.spent:
        return replace(measured, gaps=(("scorer", "the time budget was spent before the scorer was asked"),))
    return _ask_scorer(measured, texts, models, catalogue, settings, clock)


def slice_rows(dataset: Dataset, texts: RowTexts, prompt: FloatArray, answer: FloatArray, seed: int) -> tuple[Slice, ...]:
    """Slice the sampled rows and return slices in row indices of the whole set."""
    sample = Dataset(dataset.name, dataset.digest, tuple(dataset.rows[i] for i in texts.rows), layout=dataset.layout)
    found = find_slices(sample, SliceEmbeddings(prompt, answer, unit(prompt + answer)), seed=seed)
    return tuple(Slice(s.name, s.found_by, tuple(int(texts.rows[i]) for i in s.rows), s.terms) for s in found)


def _encode(encoder: Encoder, prompts: Sequence[str], answers: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    vectors = encoder.encode([*prompts, *answers])
    return vectors[: len(prompts)], vectors[len(prompts) :]


def _stances(dataset: Dataset, texts: RowTexts, encoder: Encoder) -> StanceRows | None:
    found = [text for i in texts.rows if (text := stance_text(dataset.rows[i], int(i))) is not None]
    if len(found) < 20 or len(found) < 0.1 * len(texts):
        return None
    unique = list(dict.fromkeys(t for text in found for t in (text.towards, text.away) if t))
    vectors = encoder.encode(unique)
    return embed_stances(found, dict(zip(unique, vectors, strict=True)))


def _ask_scorer(
    measured: Measured, texts: RowTexts, models: Models, catalogue: Sequence[Detector], settings: Settings, clock: Clock
) -> Measured:
    models.progress.stage("asking the scorer", 1)
    suspicion = row_suspicion(measured, models.encoder, catalogue)
    fingerprint = _fingerprint(measured, texts, suspicion, models.scorer, catalogue, settings)
    models.progress.advance()
    clock.lap("in-context induction")
    return replace(measured, fingerprint=fingerprint)


def row_suspicion(measured: Measured, encoder: Encoder, catalogue: Sequence[Detector]) -> FloatArray:
    """Return, per sampled row, the largest projection on the difference of means of any detector's cases, standardised within the set, (n,).

    A cheap guess that only decides which slice the scorer is shown.
    """
    best = np.full(len(measured.rows), -np.inf, dtype=np.float32)
    for detector in catalogue:
        bad, good = contrast_pairs(detector) if "resemblance" in detector.channels else ([], [])
        if len(bad) < 8:
            continue
        vectors = encoder.encode([a for _, a in bad] + [a for _, a in good])
        scores = measured.answer @ (vectors[: len(bad)].mean(0) - vectors[len(bad) :].mean(0))
        best = np.maximum(best, (scores - scores.mean()) / (scores.std() + 1e-6))
    return best


def _fingerprint(
    measured: Measured, texts: RowTexts, suspicion: FloatArray, scorer: CausalScorer, catalogue: Sequence[Detector], settings: Settings
) -> Fingerprint | None:
    questions = battery(catalogue)
    if not questions.questions:
        return None
    number = _most_suspicious_slice(measured, suspicion)
    places = np.flatnonzero(np.isin(measured.rows, np.asarray(measured.slices[number].rows)) & (measured.words > 0))
    if len(places) < 4:
        return None
    return induce(
        scorer, measured.rows[places], [texts.prompts[p] for p in places], [texts.answers[p] for p in places], questions,
        slice_number=number, rng=np.random.default_rng(settings.seed),
    )  # fmt: skip


def _most_suspicious_slice(measured: Measured, suspicion: FloatArray) -> int:
    """The slice whose rows are most suspicious together; the whole set unless one stands out by three standard errors."""
    best, number = 3.0, 0
    for i, part in enumerate(measured.slices):
        inside = np.isin(measured.rows, np.asarray(part.rows))
        if i == 0 or inside.sum() < 20 or inside.sum() > 0.6 * len(inside):
            continue
        z = float(suspicion[inside].mean() - suspicion.mean()) / float(suspicion.std() / np.sqrt(inside.sum()) + 1e-9)
        if z > best:
            best, number = z, i
    return number
