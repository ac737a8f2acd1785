"""The encoder over a fake model that counts what it is asked, and its cache of vectors."""

import subprocess
import sys

import numpy as np
import pytest

from poisonscan.models.encoder import Later, SentenceEncoder
from poisonscan.models.vectors import VectorCache, text_key


class FakeModel:
    """Embeds a text as unit vector of (1, its length, its last character); remembers every text it saw."""

    max_seq_length = 512

    def __init__(self):
        self.seen = []

    def get_embedding_dimension(self):
        return 3

    def encode(self, texts, **_):
        self.seen += texts
        raw = np.array([[1.0, len(text), ord(text[-1]) if text else 0] for text in texts], np.float32)
        return raw / np.linalg.norm(raw, axis=1, keepdims=True)


TEXTS = ["bb", "a", "bb", "ccc", ""]


def test_vectors_are_unit_float32_in_the_order_of_the_texts():
    """Sorting and deduplication inside do not show outside."""
    vectors = SentenceEncoder(FakeModel(), id="fake@1").encode(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(vectors, FakeModel().encode(TEXTS), atol=1e-3)


def test_each_distinct_text_is_encoded_once_longest_first():
    """Five texts, four distinct."""
    model = FakeModel()
    SentenceEncoder(model, id="fake@1").encode(TEXTS)
    assert model.seen == ["ccc", "bb", "a", ""]
    assert model.max_seq_length == 256


def test_a_second_scan_runs_no_model_and_gets_the_same_numbers(tmp_path):
    """Unchanged text is looked up; only new text is encoded."""
    first = SentenceEncoder(FakeModel(), id="fake@1", store=tmp_path).encode(TEXTS)
    model = FakeModel()
    second = SentenceEncoder(model, id="fake@1", store=tmp_path).encode([*TEXTS, "new"])
    assert model.seen == ["new"]
    np.testing.assert_array_equal(first, second[:-1])


def test_another_encoder_does_not_get_these_vectors(tmp_path):
    """The store is kept apart by encoder id."""
    SentenceEncoder(FakeModel(), id="org/fake@1", store=tmp_path).encode(TEXTS)
    model = FakeModel()
    SentenceEncoder(model, id="org/fake@2", store=tmp_path).encode(TEXTS)
    assert len(model.seen) == 4


def test_no_texts_give_no_vectors():
    """Shape (0, dim)."""
    assert SentenceEncoder(FakeModel(), id="fake@1").encode([]).shape == (0, 3)


@pytest.mark.parametrize("damage", ["index.sqlite", "vectors-3.f16", "both"])
def test_a_damaged_store_costs_time_only(tmp_path, damage):
    """A broken index or a cut file is passed over."""
    SentenceEncoder(FakeModel(), id="fake@1", store=tmp_path).encode(TEXTS)
    for name in ("index.sqlite", "vectors-3.f16") if damage == "both" else (damage,):
        (tmp_path / "fake@1" / name).write_bytes(b"broken")
    vectors = SentenceEncoder(FakeModel(), id="fake@1", store=tmp_path).encode(TEXTS)
    np.testing.assert_allclose(vectors, FakeModel().encode(TEXTS), atol=1e-3)


def test_a_store_that_cannot_be_made_costs_time_only(tmp_path):
    """A file stands where the folder should be."""
    (tmp_path / "fake@1").write_text("")
    assert SentenceEncoder(FakeModel(), id="fake@1", store=tmp_path).encode(TEXTS).shape == (5, 3)


def test_processes_writing_at_once_keep_every_vector(tmp_path):
    """Four processes write overlapping keys; each key then has its own vector."""
    script = """
import sys, numpy as np
from pathlib import Path
from poisonscan.models.vectors import VectorCache, text_key
cache, first = VectorCache(Path(sys.argv[1]), 2), int(sys.argv[2])
for start in range(first, first + 60, 20):
    cache.put([text_key(str(i)) for i in range(start, start + 20)], np.array([[i, 2] for i in range(start, start + 20)], np.float32))
"""
    writers = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(30 * i)]) for i in range(4)]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 4
    found = VectorCache(tmp_path, 2).get([text_key(str(i)) for i in range(150)])
    assert {key: vector.tolist() for key, vector in found.items()} == {text_key(str(i)): [i, 2] for i in range(150)}


@pytest.mark.slow
def test_the_default_encoder_tells_meanings_apart(tmp_path):
    """Nearer in meaning is nearer in angle; hostile text is encoded like any other."""
    from poisonscan.models import load_encoder

    encoder = load_encoder()
    bird, finch, law, hostile = encoder.encode(["a small bird", "a little finch", "the tax law of 1990", "\ud800\x1b[31m"])
    assert encoder.id == "all-MiniLM-L6-v2@53aa51172d14"
    assert bird @ finch > bird @ law + 0.2
    assert np.isfinite(hostile).all()


def test_a_model_given_for_later_is_loaded_for_unknown_text_only(tmp_path):
    """A scan of known texts never loads it; the first new text does, once."""
    SentenceEncoder(FakeModel(), id="fake@1", store=tmp_path).encode(TEXTS)
    loaded = []

    def load():
        loaded.append(FakeModel())
        return loaded[-1]

    later = SentenceEncoder(Later(load, 3), id="fake@1", store=tmp_path)
    np.testing.assert_allclose(later.encode(TEXTS), FakeModel().encode(TEXTS), atol=1e-3)
    assert not loaded
    later.encode(["new"])
    later.encode(["newer"])
    assert len(loaded) == 1
    assert loaded[0].max_seq_length == 256
