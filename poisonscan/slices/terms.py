"""The words that tell a slice from the rest of its set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_TERMS = 6


def slice_terms(texts: Sequence[str], slices: Sequence[Sequence[int]]) -> list[tuple[str, ...]]:
    """Return, for each slice of row numbers, up to six words by mean TF-IDF inside less mean TF-IDF outside.

    For the whole set the plain mean counts.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    word = r"(?u)\b\w[\w'-]+\b"
    vectorizer = TfidfVectorizer(stop_words="english", sublinear_tf=True, max_features=20_000, dtype=np.float32, token_pattern=word)
    try:
        matrix = vectorizer.fit_transform([text[:2000] for text in texts])
    except ValueError:  # only stop words, or no words at all
        return [() for _ in slices]
    words = vectorizer.get_feature_names_out()
    total = np.asarray(matrix.sum(axis=0)).ravel()
    found = []
    for rows in slices:
        inside = np.asarray(matrix[list(rows)].sum(axis=0)).ravel()
        outside = (total - inside) / max(len(texts) - len(rows), 1)
        lift = inside / max(len(rows), 1) - outside
        top = np.argsort(-lift, kind="stable")[:_TERMS]
        found.append(tuple(str(words[i]) for i in top if lift[i] > 0))
    return found
