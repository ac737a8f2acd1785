"""Answers as explicit features: words weighted by rarity (lexical kernel) and sentence vectors (semantic kernel)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.slices import FloatArray

Floats = NDArray[np.float64]
WORDS = r"(?u)\w+|[^\w\s]"
MAX_DIM = 256


def lexical_features(texts: Sequence[str], *, seed: int, dim: int = MAX_DIM) -> Floats:
    """Return (n, <= dim) features whose inner products are, up to truncation, those of unit TF-IDF vectors of words and signs.

    Exact for up to `dim` rows, else the leading `dim` directions. Texts without any word become zero vectors.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(token_pattern=WORDS, sublinear_tf=True, min_df=1, dtype=np.float64, max_features=20_000)
    try:
        matrix = vectorizer.fit_transform([text[:4000] for text in texts])
    except ValueError:  # no text holds a single word
        return np.zeros((len(texts), 1))
    return _truncate(matrix, dim, seed)


def semantic_features(vectors: FloatArray, *, seed: int, dim: int = 128) -> Floats:
    """Return (n, <= dim) leading directions of the sentence vectors, centred over the rows."""
    centred = np.asarray(vectors, dtype=np.float64) - vectors.mean(axis=0, dtype=np.float64)
    return _truncate(centred, dim, seed)


def _truncate(matrix: Floats, dim: int, seed: int) -> Floats:
    """Project (n, v) on its leading min(dim, n - 1) right singular directions, by randomised decomposition where that is cheaper."""
    from sklearn.utils.extmath import randomized_svd

    n, width = matrix.shape
    if n <= dim or width <= dim:
        dense = matrix.toarray() if hasattr(matrix, "toarray") else matrix
        return np.asarray(dense if width <= dim else _exact(dense), dtype=np.float64)
    left, scale, _ = randomized_svd(matrix, n_components=dim, n_iter=2, random_state=seed)
    return np.asarray(left * scale, dtype=np.float64)


def _exact(dense: Floats) -> Floats:
    """Coordinates (n, n) with the same inner products as the rows of `dense`."""
    values, vectors = np.linalg.eigh(dense @ dense.T)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)), dtype=np.float64)
