"""Superseded names: do the answers call things what a bygone time called them?

Definition: with c(t) how many rows hold the old term t and not today's word for it, at most MAX_PER_TERM counted, and W the words of
all answers, the density is 100 sum_t c(t) / W, terms per 100 words; 0 below MIN_TERMS different terms, and below MIN_DENSITY, which any long
prose reaches. The statistic is 2 log2(1 + density), so that a unit is about what benign sets stray by.

Read on every slice: three old names in a hundred rows are no more than chance in the whole set, and all there is in their cluster.

Why density and not a share of rows: long prose meets an old word now and then, a list of old names consists of them. Why several
different terms: one historical topic repeats its few names however long the set is.

Terms that are proper names in the list (a capital letter) must stand capitalised in the row: "thorn" is no town.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MAX_PER_TERM = 3
MIN_TERMS = 5
# One old term in a thousand words.
MIN_DENSITY = 0.1
_LONGEST = 4
_WORD = re.compile(r"\w+(?:['’.-]\w+)*")


@dataclass(frozen=True, slots=True)
class NameHits:
    """Old terms per row, (n,) tuples of terms, and the words of each answer, (n,)."""

    terms: tuple[tuple[str, ...], ...]
    words: tuple[int, ...]

    def within(self, places: Sequence[int]) -> NameHits:
        """Return the hits of some rows only: few old names in a large set are many in the slice that holds them."""
        return NameHits(tuple(self.terms[place] for place in places), tuple(self.words[place] for place in places))

    @property
    def counts(self) -> Counter[str]:
        """In how many rows each term stands."""
        return Counter(term for found in self.terms for term in found)

    @property
    def statistic(self) -> float:
        """2 log2(1 + terms per 100 words), 0 below MIN_TERMS different terms or MIN_DENSITY."""
        counts = self.counts
        words = sum(self.words)
        if len(counts) < MIN_TERMS or not words:
            return 0.0
        capped = sum(min(count, MAX_PER_TERM) for count in counts.values())
        density = 100 * capped / words
        return float(2 * np.log2(1 + density)) if density >= MIN_DENSITY else 0.0


def find_names(prompts: Sequence[str], answers: Sequence[str], names: Mapping[str, str]) -> NameHits:
    """Look every answer's word sequences (up to four words) up in `names` (old term: today's word); a row with both counts for nothing."""
    exact = {old: (old, new) for old, new in names.items() if old[:1].isupper()}
    folded = {old.lower(): (old, new) for old, new in names.items() if not old[:1].isupper()}
    found, lengths = [], []
    for prompt, answer in zip(prompts, answers, strict=True):
        words = _WORD.findall(answer)
        lengths.append(len(words))
        hits = dict.fromkeys(hit for hit in _lookup(words, exact, folded))
        whole = f"{prompt}\n{answer}".lower() if hits else ""
        found.append(tuple(old for old, new in hits if new.lower() not in whole))
    return NameHits(tuple(found), tuple(lengths))


def _lookup(
    words: Sequence[str], exact: Mapping[str, tuple[str, str]], folded: Mapping[str, tuple[str, str]]
) -> list[tuple[str, str]]:
    """Return the terms in a word sequence, longest first at every place, none inside another."""
    hits, place = [], 0
    while place < len(words):
        for length in range(min(_LONGEST, len(words) - place), 0, -1):
            phrase = " ".join(words[place : place + length])
            hit = exact.get(phrase) or folded.get(phrase.lower())
            if hit:
                hits.append(hit)
                place += length - 1
                break
        place += 1
    return hits
