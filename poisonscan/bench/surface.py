"""What a set looks like without what it says: lengths, marks, casing, tags, templates. No content word enters.

Used by the template baselines: when they separate attacks from benign sets, it is the sets' form that differs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.dataset import Row

Floats = NDArray[np.float64]
MAX_ROWS = 300
_MARKS = ".,;:?!\"'()[]{}<>#*`-_/\\=|\n"
_TAG = re.compile(r"<[A-Za-z|/][^<>\s]{0,20}>")
_LEAST_SPREAD = 1e-3


def surface(rows: Sequence[Row]) -> Floats:
    """Return the surface features of a set, (n_features,): means and spreads over at most 300 rows, and what its rows share."""
    chosen = rows if len(rows) <= MAX_ROWS else [rows[i] for i in np.linspace(0, len(rows) - 1, MAX_ROWS).astype(int)]
    turns = np.array([len(row.turns) for row in chosen], dtype=np.float64)
    parts = [_side([row.prompt for row in chosen]), _side([row.answer for row in chosen])]
    return np.concatenate([*parts, [turns.mean(), turns.std(), float(np.mean([bool(row.system) for row in chosen]))]])


def _side(texts: Sequence[str]) -> Floats:
    each = np.array([_text(text) for text in texts])
    return np.concatenate([each.mean(axis=0), each.std(axis=0), _shared(texts)])


def _text(text: str) -> list[float]:
    size = max(len(text), 1)
    words = text.split()
    letters = sum(c.isalpha() for c in text)
    return [
        float(np.log1p(len(text))), float(np.log1p(len(words))), sum(len(word) for word in words) / max(len(words), 1),
        sum(c.isupper() for c in text) / max(letters, 1), sum(c.isdigit() for c in text) / size, sum(ord(c) > 127 for c in text) / size,
        float(text[:1].isupper()), float(text[-1:] in ".!?"), float(bool(_TAG.search(text))), float(any(c.isdigit() for c in text)),
        *(text.count(mark) / size for mark in _MARKS),
    ]  # fmt: skip


def _shared(texts: Sequence[str]) -> list[float]:
    """How alike the texts are as strings: the commonest text, different texts, and runs of characters at the ends that four fifths share."""
    count = len(texts)
    return [
        Counter(texts).most_common(1)[0][1] / count, len(set(texts)) / count, _run(texts, lambda text: text[:120]) / 120,
        _run(texts, lambda text: text[::-1][:120]) / 120,
    ]  # fmt: skip


def _run(texts: Sequence[str], end: Callable[[str], str]) -> int:
    """Return the longest common run among the middle four fifths of the sorted ends."""
    ends = sorted(end(text) for text in texts)
    cut = len(ends) // 10
    pairs = zip(ends[cut], ends[-1 - cut], strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(ends[cut]), len(ends[-1 - cut])))


def one_class(features: Floats, families: Sequence[str], benign: Sequence[bool]) -> Floats:
    """Return each set's Mahalanobis distance to the benign sets of other families, (n,), covariance shrunk as by Ledoit and Wolf (2004)."""
    from sklearn.covariance import LedoitWolf

    names, calm = np.asarray(families), np.asarray(benign, dtype=bool)
    distances = np.zeros(len(features))
    for family in np.unique(names):
        inside = names == family
        known = features[calm & ~inside]
        centre, spread = known.mean(axis=0), known.std(axis=0) + _LEAST_SPREAD
        model = LedoitWolf().fit((known - centre) / spread)
        distances[inside] = np.sqrt(model.mahalanobis((features[inside] - centre) / spread))
    return distances


def trained(features: Floats, families: Sequence[str], attack: Sequence[bool]) -> Floats:
    """Return the log-odds of each set by a logistic regression on the sets of the other families, (n,): a classifier that knows attacks."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    names, bad = np.asarray(families), np.asarray(attack, dtype=bool)
    odds = np.zeros(len(features))
    for family in np.unique(names):
        inside = names == family
        if len(np.unique(bad[~inside])) < 2:
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000))
        odds[inside] = model.fit(features[~inside], bad[~inside]).decision_function(features[inside])
    return odds
