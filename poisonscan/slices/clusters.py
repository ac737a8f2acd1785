"""Rows that lie together in the encoder's space: HDBSCAN over prompts, answers and both; what no cluster took is a slice too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.slices import FloatArray, SliceEmbeddings
from poisonscan.slices.candidates import MIN_ROWS, Candidate

_DIM = 20
_FIT_ROWS = 5000
_CLUSTER_ROWS = 15
_REACH = 0.95

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

    PCA to 20 dimensions, then HDBSCAN with clusters of at least 15 rows. Above 5,000 rows a random 5,000 are clustered and each other row
    joins its nearest neighbour's cluster, or the noise when it lies farther out than 95 % of the clustered rows lie from theirs.
    """
    from sklearn.decomposition import PCA

    dim = min(_DIM, *vectors.shape)
    points = PCA(dim, random_state=seed, svd_solver="randomized").fit_transform(vectors)
    if len(points) <= _FIT_ROWS:
        return _hdbscan(points)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(points))[:_FIT_ROWS])
    fitted = _hdbscan(points[chosen])
    return _assign(points, chosen, fitted)


def _hdbscan(points: FloatArray) -> Labels:
    from sklearn.cluster import HDBSCAN

    return np.asarray(HDBSCAN(min_cluster_size=_CLUSTER_ROWS, min_samples=5, copy=True).fit_predict(points), dtype=np.int64)


def _assign(points: FloatArray, chosen: Labels, fitted: Labels) -> Labels:
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=2).fit(points[chosen])
    near, _ = index.kneighbors(points[chosen])
    reach = np.quantile(near[fitted >= 0, 1], _REACH) if (fitted >= 0).any() else 0.0
    rest = np.setdiff1d(np.arange(len(points)), chosen)
    distance, neighbour = index.kneighbors(points[rest], n_neighbors=1)
    labels = np.full(len(points), -1, dtype=np.int64)
    labels[chosen] = fitted
    labels[rest] = np.where(distance[:, 0] <= reach, fitted[neighbour[:, 0]], -1)
    return labels


def _candidate(name: str, inside: NDArray[np.bool_]) -> Candidate:
    return Candidate(name, "cluster", tuple(int(i) for i in np.flatnonzero(inside)))
