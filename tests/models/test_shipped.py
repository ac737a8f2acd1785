"""Shipped vectors: what comes back is what went in, to a hundredth; foreign and damaged files are passed over."""

import numpy as np
import pytest

from poisonscan.models.shipped import load_shipped, save_shipped
from poisonscan.models.vectors import text_key

TEXTS = ["a bird", "a town", "a dish"]


@pytest.fixture
def stored(tmp_path):
    vectors = np.random.default_rng(0).standard_normal((3, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    save_shipped(tmp_path / "vectors.npz", "encoder@1", TEXTS, vectors)
    return tmp_path / "vectors.npz", vectors


def test_vectors_come_back_nearly_unchanged(stored):
    """The rounding to int8 turns a unit vector by less than one per cent, and texts never met are not made up."""
    path, vectors = stored
    found = load_shipped(path, "encoder@1").get([text_key(text) for text in [*TEXTS, "never met"]])
    assert list(found) == [text_key(text) for text in TEXTS]
    for text, vector in zip(TEXTS, vectors, strict=True):
        near = found[text_key(text)]
        assert float(near @ vector / np.linalg.norm(near)) > 0.9999


def test_vectors_of_another_encoder_are_passed_over(stored):
    """Numbers of one encoder mean nothing to another."""
    assert load_shipped(stored[0], "encoder@2") is None


def test_a_damaged_file_is_as_good_as_none(stored):
    """A file cut short costs time, not the scan."""
    path = stored[0]
    path.write_bytes(path.read_bytes()[:200])
    assert load_shipped(path, "encoder@1") is None
    assert load_shipped(path.with_name("missing.npz"), "encoder@1") is None
