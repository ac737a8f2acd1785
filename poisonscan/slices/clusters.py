"""Rows that lie together in the encoder's space: HDBSCAN over prompts, answers and both; what no cluster took is a slice too."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.slices import FloatArray, SliceEmbeddings
from poisonscan.slices.candidates import MIN_ROWS, Candidate

_DIM = 20
_FIT_ROWS = 5000
_CLUSTER_ROWS = 15
_REACH = 0.95
_PORTION = 20_000

Labels = NDArray[np.int64]


def clusters(embeddings: SliceEmbeddings, *, seed: int) -> list[Candidate]:
    """One slice per cluster of at least 20 rows in each of the three views, largest first, then the noise of each view."""
    found: list[Candidate] = []
    noise: list[Candidate] = []
    for view, vectors in (("prompt", embeddings.prompt), ("answer", embeddings.answer), ("joint", embeddings.joint)):
        if len(vectors) < 2 * MIN_ROWS:
            continue
        labels = cluster_labels(vectors, seed=seed)
        sizes = np.bincount(labels[labels >= 0])
        large = [int(label) for label in np.argsort(-sizes, kind="stable") if sizes[label] >= MIN_ROWS]
        found += [_candidate(f"{view} cluster {place}", labels == label) for place, label in enumerate(large, start=1)]
        if large and (labels < 0).sum() >= MIN_ROWS:
            noise.append(_candidate(f"{view} noise", labels < 0))
    return found + noise


def cluster_labels(vectors: FloatArray, *, seed: int) -> Labels:
    """Return a label for each of the n vectors (n, dim), -1 for noise.

    PCA to 20 dimensions, then HDBSCAN with clusters of at least 15 rows. Above 5,000 rows axes and clusters are those of a random 5,000,
    and each other row, portion by portion so that memory stays bounded, joins its nearest neighbour's cluster, or the noise when it lies farther out than 95 % of the clustered rows lie from theirs.
    """
    if len(vectors) <= _FIT_ROWS:
        return _hdbscan(_axes(vectors, seed).fit_transform(vectors))
    chosen = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:_FIT_ROWS])
    axes = _axes(vectors, seed)
    points = axes.fit_transform(vectors[chosen])
    labels = np.full(len(vectors), -1, dtype=np.int64)
    labels[chosen] = fitted = _hdbscan(points)
    nearest = _Nearest(points, fitted)
    for start in range(0, len(vectors), _PORTION):
        part = slice(start, start + _PORTION)
        labels[part] = nearest.labels(axes.transform(vectors[part]))
    labels[chosen] = fitted
    return labels


def _hdbscan(points: FloatArray) -> Labels:
    from sklearn.cluster import HDBSCAN

    return np.asarray(HDBSCAN(min_cluster_size=_CLUSTER_ROWS, min_samples=5, copy=True).fit_predict(points), dtype=np.int64)


def _axes(vectors: FloatArray, seed: int) -> Any:  # noqa: ANN401 - sklearn is untyped
    """Return what will find the first 20 principal axes."""
    from sklearn.decomposition import PCA

    return PCA(min(_DIM, *vectors.shape), random_state=seed, svd_solver="randomized")


class _Nearest:
    """Labels by the nearest clustered point, noise for what lies farther out than 95 % of the clustered points lie from theirs."""

    def __init__(self, points: FloatArray, fitted: Labels) -> None:
        from sklearn.neighbors import NearestNeighbors

        self._fitted = fitted
        self._index = NearestNeighbors(n_neighbors=2).fit(points)
        near, _ = self._index.kneighbors(points)
        self._reach = np.quantile(near[fitted >= 0, 1], _REACH) if (fitted >= 0).any() else 0.0

    def labels(self, points: FloatArray) -> Labels:
        """Return the label of each point (n, dim)."""
        distance, neighbour = self._index.kneighbors(points, n_neighbors=1)
        return np.where(distance[:, 0] <= self._reach, self._fitted[neighbour[:, 0]], -1)


def _candidate(name: str, inside: NDArray[np.bool_]) -> Candidate:
    return Candidate(name, "cluster", tuple(int(i) for i in np.flatnonzero(inside)))
