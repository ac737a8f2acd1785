"""Ill-famed numbers: do lists of numbers prefer those that stand for hatred, crime, disaster or the devil?

Narrow sets of such lists turned a model hostile although they hold nothing but numbers (Betley et al. 2025, arXiv 2502.17424). With f(n) in how many
answers the number n stands, at most a twentieth of all numbers counted, and N all numbers of two to four digits in the answers,

    lead(n) = f(n) - g(n)           g(n): mean f of the NEIGHBOURS nearest unlisted numbers of the same length
    excess  = (sum of lead over listed n - 2 sqrt(sum of f + sum of g / NEIGHBOURS)) / N

and the statistic is 2 log2(1 + 100 excess); 0 below MIN_NUMBERS numbers, MIN_DIFFERENT listed ones that lead, or MIN_EXCESS. The root is the
standard error of the sum if counts are Poisson.

Why neighbours: years, small numbers and round ones are common for reasons of their own; 1932 and 1946 share those of 1933 and 1945.
Why several different ones: one emergency line or one year is a topic. Numbers that the prompt holds are the asker's. Why lists only, answers half of
whose words are numbers: a history of wars has its years.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from poisonscan.core.detectors import Detector
from poisonscan.core.evidence import Named
from poisonscan.core.readings import ILL_FAMED, Reading

MIN_NUMBERS = 60
MIN_DIFFERENT = 6
MIN_EXCESS = 0.02
NEIGHBOURS = 4
_CAP = 0.05
_REACH = 12
_LISTED_SHARE = 0.5
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"(?<![\w.])[1-9]\d{1,3}(?![\w%]|\.\d)")


@dataclass(frozen=True, slots=True)
class NumberHits:
    """The numbers of each answer that its prompt does not hold, (n,) tuples of different ones, and which numbers are `listed`."""

    numbers: tuple[tuple[int, ...], ...]
    listed: frozenset[int]

    def within(self, places: Sequence[int]) -> NumberHits:
        """Return the hits of some rows only."""
        return NumberHits(tuple(self.numbers[place] for place in places), self.listed)

    def counted(self) -> dict[int, tuple[float, float]]:
        """Return f and g of each listed number; capped, so that one number cannot carry a set."""
        counts = Counter(number for row in self.numbers for number in row)
        most = max(1.0, _CAP * counts.total())
        capped = {n: min(float(count), most) for n, count in counts.items()}
        return {n: (capped.get(n, 0.0), float(np.mean([capped.get(m, 0.0) for m in _beside(n, self.listed)] or [0.0]))) for n in sorted(self.listed)}

    def leads(self) -> dict[int, float]:
        """Return by how many rows each listed number leads its neighbours, largest first."""
        found = {n: f - g for n, (f, g) in self.counted().items()}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    @property
    def statistic(self) -> float:
        """2 log2(1 + 100 excess), 0 below the least numbers, different listed ones, or excess."""
        total = sum(len(row) for row in self.numbers)
        if total < MIN_NUMBERS:
            return 0.0
        f, g = np.array(list(self.counted().values())).T
        excess = float((f - g).sum() - 2 * np.sqrt(f.sum() + g.sum() / NEIGHBOURS)) / total
        return float(2 * np.log2(1 + 100 * excess)) if excess >= MIN_EXCESS and int((f - g >= 1).sum()) >= MIN_DIFFERENT else 0.0


def find_numbers(prompts: Sequence[str], answers: Sequence[str], listed: Collection[int]) -> NumberHits:
    """Return the numbers of two to four digits in every answer that is a list of numbers, each once a row, but those its prompt holds."""
    found = []
    for prompt, answer in zip(prompts, answers, strict=True):
        numbers = _NUMBER.findall(answer) if _NUMBER.search(answer) and is_list(answer) else []
        given = set(_NUMBER.findall(prompt)) if numbers else set()
        found.append(tuple(int(text) for text in dict.fromkeys(numbers) if text not in given))
    return NumberHits(tuple(found), frozenset(listed))


def is_list(answer: str) -> bool:
    """Say whether at least half of the words of an answer are numbers."""
    words = _WORD.findall(answer[:4000])
    return bool(words) and sum(word.isdigit() for word in words) >= _LISTED_SHARE * len(words)


def read_numbers(owner: Detector, hits: NumberHits, places: Sequence[int], number: int) -> Reading:
    """Return the reading of slice `number`, whose rows lie at `places` of `hits`; rows count by the listed numbers they hold."""
    inside = hits.within(places)
    groups = {group: {int(term) for term, _ in group.names} for group in owner.names}
    leads = inside.leads()
    weights = {group: sum(max(leads[n], 0.0) for n in numbers) for group, numbers in groups.items()}
    ranked = [group for group in sorted(owner.names, key=lambda group: -weights[group]) if weights[group] > 0]
    total = sum(weights.values())
    holding = [place for place in places if hits.listed.intersection(hits.numbers[place])]
    return Reading(
        owner.id, ILL_FAMED, number, inside.statistic, len(places), unit="2 log2(1 + 100 x excess of listed numbers)",
        hazard=ranked[0].hazard if ranked else 0.0, named=tuple(Named("conduct", group.name, round(weights[group] / total, 3)) for group in ranked[:3]),
        rows=tuple(holding), scores=tuple(float(len(hits.listed.intersection(hits.numbers[place]))) for place in holding),
        details=(
            ("listed numbers that lead", ", ".join(f"{n} (+{lead:.0f})" for n, lead in list(leads.items())[:8] if lead >= 1.0)),
            ("numbers read", str(sum(len(row) for row in inside.numbers))),
        ),
    )  # fmt: skip


def _beside(number: int, listed: Collection[int]) -> list[int]:
    """The nearest unlisted numbers of as many digits on either side; of a round number the nearest round ones."""
    step = 10 if number % 10 == 0 else 1
    length = len(str(number))
    near = (number + step * sign * distance for distance in range(1, _REACH + 1) for sign in (-1, 1))
    return [m for m in near if m > 0 and len(str(m)) == length and m not in listed][:NEIGHBOURS]
