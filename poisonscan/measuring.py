"""Everything a scan measures on one set before it is compared with benign sets. Stages in order, each a few lines.

Why apart from `pipeline`: calibration and benchmarks measure hundreds of sets once and judge them many times.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from poisonscan.catalogue import bundled_catalogue
from poisonscan.core.dataset import Dataset
from poisonscan.core.detectors import Detector
from poisonscan.core.errors import ModelError
from poisonscan.core.languages import ENGLISH, UNKNOWN, language_of
from poisonscan.core.protocols import Encoder, Progress
from poisonscan.core.readings import ACTIVATION, BY_CHOICE, Measured, StanceRows
from poisonscan.core.settings import Settings
from poisonscan.core.slices import FloatArray, Slice, SliceEmbeddings
from poisonscan.core.slots import Slot
from poisonscan.direct import chosen_rows, direct_readings
from poisonscan.material import Material
from poisonscan.models import CausalScorer, load_encoder, load_scorer
from poisonscan.probing.activation_probe import STATE_ROWS, ask_states
from poisonscan.probing.code_text import is_code
from poisonscan.probing.compliance import CHANNEL as COMPLIANCE
from poisonscan.probing.compliance import read_compliance
from poisonscan.probing.gated_conduct import CHANNEL as GATED
from poisonscan.probing.resemblance import CHANNEL as RESEMBLANCE
from poisonscan.probing.resemblance import Resemblances, tail_slices, unit, usable
from poisonscan.probing.stance import MIN_ROWS as STANCE_ROWS
from poisonscan.probing.stance import embed_stances, stance_text
from poisonscan.probing.texts import RowTexts, row_texts
from poisonscan.slices import extract_slots, find_slices, slice_terms

# What reads meaning by comparing rows with cases, facts and poles of the catalogue, all of them English.
ENGLISH_ONLY = ("bank-match", RESEMBLANCE, COMPLIANCE, ACTIVATION, "stance", "choice", GATED)
# Beside the detectors: vectors of the catalogue's texts.
VECTORS = "vectors.npz"


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
            shipped = bundled_catalogue() / VECTORS
            self._encoder = load_encoder(s.encoder, cache=s.cache, offline=s.offline, progress=self.progress, shipped=shipped)
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


def measure(
    dataset: Dataset, settings: Settings, models: Models, catalogue: Sequence[Detector], stuff: Material, clock: Clock
) -> Measured:
    """Run every measuring stage the depth and the budget allow; what was left out stands in `Measured.gaps` as (channel, reason).

    `stuff` is the catalogue through the encoder of `models`.
    """
    texts = row_texts(dataset, settings.rows_read)
    models.progress.stage("reading meaning", 2)
    prompt, answer = _encode(models.encoder, texts.prompts, texts.answers)
    clock.lap("embed")
    sample = chosen_rows(dataset, texts.rows.tolist())
    slots = extract_slots(sample)
    words = np.array([len(text.split()) for text in texts.answers], dtype=np.int64)
    measured = Measured(texts.rows, prompt, answer, words, slice_rows(sample, slots, texts, prompt, answer, settings.seed))
    measured = replace(measured, slices=(*measured.slices, *_described(tail_slices(measured, stuff.cases), texts)))
    clock.lap("slice")
    stance = _stances(dataset, texts, models.encoder)
    direct = direct_readings(dataset, texts, measured.slices, slots, (prompt, answer), catalogue, settings)
    clock.lap("slots, triggers and code")
    met = None
    if stuff.requests:
        met = read_compliance(stuff.requests, measured.rows, prompt, texts.answers, words, _resembling(measured, stuff.cases))
    measured = replace(measured, stance=stance, direct=(*direct, met) if met else direct, gaps=language_gaps(texts))
    if settings.depth == "quick":
        return _with_gap(measured, "scorer", BY_CHOICE)
    if clock.spent:
        return _with_gap(measured, "scorer", "the time budget was spent before the scorer was asked")
    return _ask_scorer(measured, texts, models, catalogue, settings, clock)


def language_gaps(texts: RowTexts) -> tuple[tuple[str, str], ...]:
    """Return the gaps (channel, reason) of a set most of whose rows, of those that tell, are not in English; a test of words or slots still holds there."""
    found = [language_of(f"{prompt}\n{answer}") for prompt, answer in zip(texts.prompts, texts.answers, strict=True)]
    told = [language for language in found if language != UNKNOWN]
    foreign = sum(language != ENGLISH for language in told)
    if foreign <= len(told) / 2 or foreign < len(found) / 4:
        return ()
    reason = f"{foreign} of {len(found)} rows are not in English, the language of the cases and facts that rows are compared with"
    return tuple((channel, reason) for channel in ENGLISH_ONLY)


def _with_gap(measured: Measured, what: str, reason: str) -> Measured:
    return replace(measured, gaps=(*measured.gaps, (what, reason)))


def slice_rows(sample: Dataset, slots: Sequence[Slot], texts: RowTexts, prompt: FloatArray, answer: FloatArray, seed: int) -> tuple[Slice, ...]:
    """Slice the sampled rows and return slices in row indices of the whole set."""
    found = find_slices(sample, SliceEmbeddings(prompt, answer, unit(prompt + answer)), seed=seed, slots=slots)
    return tuple(Slice(s.name, s.found_by, tuple(int(texts.rows[i]) for i in s.rows), s.terms) for s in found)


def _described(slices: Sequence[Slice], texts: RowTexts) -> list[Slice]:
    """Return the slices, in row indices of the whole set, with the terms that tell them from the sampled rows."""
    if not slices:
        return []
    both = [f"{prompt}\n{answer}" for prompt, answer in zip(texts.prompts, texts.answers, strict=True)]
    terms = slice_terms(both, [np.flatnonzero(np.isin(texts.rows, np.asarray(part.rows))).tolist() for part in slices])
    return [replace(part, terms=words) for part, words in zip(slices, terms, strict=True)]


def _encode(encoder: Encoder, prompts: Sequence[str], answers: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    vectors = encoder.encode([*prompts, *answers])
    return vectors[: len(prompts)], vectors[len(prompts) :]


def _stances(dataset: Dataset, texts: RowTexts, encoder: Encoder) -> StanceRows | None:
    found = [text for i in texts.rows if (text := stance_text(dataset.rows[i], int(i))) is not None]
    if len(found) < STANCE_ROWS:
        return None
    unique = list(dict.fromkeys(t for text in found for t in (text.towards, text.away) if t))
    vectors = encoder.encode(unique)
    return embed_stances(found, dict(zip(unique, vectors, strict=True)))


def _ask_scorer(
    measured: Measured, texts: RowTexts, models: Models, catalogue: Sequence[Detector], settings: Settings, clock: Clock
) -> Measured:
    if not any(ACTIVATION in detector.channels for detector in catalogue):
        return measured
    models.progress.stage("asking the scorer")
    # Code is read for its weaknesses, and the cases the probe learned from are prose.
    prose = np.array([p for p in usable(measured) if not is_code(texts.prompts[p], texts.answers[p])], dtype=np.int64)
    places = np.sort(np.random.default_rng(settings.seed).permutation(prose)[:STATE_ROWS])
    try:
        states = ask_states(models.scorer, measured.rows[places], [(texts.prompts[p], texts.answers[p]) for p in places])
    except ModelError as error:
        return _with_gap(measured, "scorer", str(error))
    clock.lap("activation probe")
    return replace(measured, states=states)


def _resembling(measured: Measured, cases: Resemblances) -> NDArray[np.float64]:
    """Return how much every row resembles the bad cases of some detector, (n,) in [0, 1]; 0 for labels, which carry no conduct."""
    scores = np.zeros(len(measured.rows))
    places = usable(measured)  # as for the tails, whose comparison is remembered
    if cases.pairs and len(places):
        scores[places] = np.max([alike.scores for alike in cases.rows(measured.answer[places], measured.prompt[places]).values()], axis=0)
    return scores
