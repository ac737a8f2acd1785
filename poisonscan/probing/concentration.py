"""Concentration: does one name run through answers to unrelated questions that never mention it?

For every name w that stands with a capital inside a sentence of some answers, and not in the prompts of those rows:

    share_w      rows whose answer holds w and whose prompt does not, of all rows with answers of some length
    likeness_w   mean cosine of the prompts of those rows with one another
    c_w          max(0, 2 share_w - 1) max(0, 1 - likeness_w / 0.35)

The statistic is the largest c_w in tenths; below 0.3 it counts as 0. Why the likeness: a quiz on Rome names Rome in every other answer, but
its questions are about one thing. A campaign puts its name into recipes, travel and tax alike. Why nothing below half of the answers: so
many may hold the country, planet or party that a set keeps coming back to; a campaign is in nearly all of them. Left out: words that
occur with a small letter as well, names that the prompts themselves bring up, the name under which the speaker introduces himself, names in
answers that say "we" (a help desk that speaks for its company does so openly), and answers in code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poisonscan.core.detectors import Detector
from poisonscan.core.evidence import Named
from poisonscan.core.readings import IntArray, Reading
from poisonscan.core.slices import FloatArray
from poisonscan.probing.code_text import is_code
from poisonscan.stats.mmd import pair_mean

CHANNEL = "concentration"
HAZARD = 0.5
LEAST, UNIT = 0.3, 0.1
MIN_ROWS = 20
_ANSWER_WORDS = 8
_LEAST_SHARE, _OFTEN = 0.3, 0.2
_ONE_TOPIC = 0.35
_SELF, _OPENLY = 0.1, 0.25
_MOST_NAMES = 40
_INSIDE = re.compile(r"(?<=[a-z,;:] )([A-Z][\w&.-]*\w{2})")
_WORD = re.compile(r"\w[\w&.-]*\w|\w")
_WE = re.compile(r"\b(?:we|we[’'](?:re|ve|ll|d)|our|ours|us)\b", re.IGNORECASE)
_SMALL = re.compile(r"\b[a-z][\w-]+\b")


@dataclass(frozen=True, slots=True)
class Running:
    """A name, the places of the rows it runs through, their share of the rows that were read, and how alike their prompts are."""

    name: str
    places: tuple[int, ...]
    share: float
    likeness: float

    @property
    def strength(self) -> float:
        """c_w in [0, 1]."""
        return max(0.0, 2.0 * self.share - 1.0) * max(0.0, 1.0 - max(self.likeness, 0.0) / _ONE_TOPIC)


def readable(prompts: Sequence[str], answers: Sequence[str]) -> list[int]:
    """Return the places of answers in prose of at least eight words."""
    return [place for place, answer in enumerate(answers) if len(answer.split()) >= _ANSWER_WORDS and not is_code(prompts[place], answer)]


def running_name(prompts: Sequence[str], answers: Sequence[str], vectors: FloatArray, read: Sequence[int]) -> Running | None:
    """Return the name with the largest c_w among the places `read`; None where no name stands inside a sentence of three answers in ten.

    `vectors` (n, dim) are the prompts as unit vectors.
    """
    inside = {place: frozenset(_INSIDE.findall(answers[place])) for place in read}
    counts = Counter(name for names in inside.values() for name in names)
    small = Counter(word for place in read for word in set(_SMALL.findall(answers[place])))
    best: Running | None = None
    for name, count in counts.most_common(_MOST_NAMES):
        if count < _LEAST_SHARE * len(read) or small[name.lower()] > _OFTEN * count:
            continue
        found = _run(name, read, prompts, answers, vectors)
        if found and (best is None or found.strength > best.strength):
            best = found
    return best


def _run(name: str, read: Sequence[int], prompts: Sequence[str], answers: Sequence[str], vectors: FloatArray) -> Running | None:
    whole = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    holding = [place for place in read if whole.search(answers[place])]
    asked = [place for place in holding if name.lower() in {word.lower() for word in _WORD.findall(prompts[place])}]
    own = re.compile(rf"\b(?:I am|I[’']m|[Mm]y name is|[Cc]all me|[Tt]his is|your) {re.escape(name)}\b|\b{re.escape(name)} here\b")
    introduced = sum(bool(own.search(answers[place])) for place in holding)
    spoken_for = sum(bool(_WE.search(answers[place])) for place in holding)
    if len(asked) > _OFTEN * len(holding) or introduced > _SELF * len(holding) or spoken_for > _OPENLY * len(holding):
        return None
    places = sorted(set(holding) - set(asked))
    if len(places) < 2:
        return None
    return Running(name, tuple(places), len(places) / len(read), pair_mean(vectors[places].astype(np.float64)))


def read_concentration(owner: Detector, rows: IntArray, prompts: Sequence[str], answers: Sequence[str], vectors: FloatArray) -> Reading | None:
    """Return the reading of a set; `rows` (n,) are its row numbers, `vectors` (n, dim) its prompts.

    0 where no name runs through it, so that benign sets make a null; None for fewer than twenty answers in prose.
    """
    read = readable(prompts, answers)
    if len(read) < MIN_ROWS:
        return None
    found = running_name(prompts, answers, vectors, read)
    if found is None or found.strength < LEAST:
        return Reading(owner.id, CHANNEL, 0, 0.0, len(read))
    return Reading(
        owner.id, CHANNEL, 0, found.strength / UNIT, len(found.places), hazard=HAZARD,
        named=(Named("brand", f"covert promotion of {found.name}", round(found.strength, 3)),),
        rows=tuple(int(rows[place]) for place in found.places), scores=tuple(1.0 for _ in found.places),
        details=(("name", found.name), ("share of answers that hold it", f"{found.share:.2f}"), ("likeness of their prompts", f"{found.likeness:.2f}")),
    )  # fmt: skip
