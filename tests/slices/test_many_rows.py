"""Clustering of more rows than are clustered directly: the rest joins its neighbours, portion by portion."""

import numpy as np
import pytest

from poisonscan.slices import clusters


@pytest.fixture
def blobs():
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(4, 24)).astype(np.float32) * 4
    owner = rng.integers(4, size=900)
    return owner, (centres[owner] + rng.normal(size=(900, 24)) * 0.2).astype(np.float32)


def test_rows_beyond_the_limit_join_the_cluster_they_lie_in(monkeypatch, blobs):
    """Of 900 rows 300 are clustered; each cluster holds one blob only, and 19 of 20 rows are placed."""
    owner, vectors = blobs
    monkeypatch.setattr(clusters, "_FIT_ROWS", 300)
    labels = clusters.cluster_labels(vectors, seed=0)
    assert (labels >= 0).mean() > 0.8
    pairs = set(zip(labels[labels >= 0].tolist(), owner[labels >= 0].tolist(), strict=True))
    assert len(pairs) == 4


def test_the_size_of_a_portion_changes_nothing(monkeypatch, blobs):
    """Portions bound the memory, not the answer."""
    monkeypatch.setattr(clusters, "_FIT_ROWS", 300)
    whole = clusters.cluster_labels(blobs[1], seed=0)
    monkeypatch.setattr(clusters, "_PORTION", 7)
    np.testing.assert_array_equal(clusters.cluster_labels(blobs[1], seed=0), whole)
