"""What a model name may be, and the id it is reported under."""

import json
from hashlib import sha256

import pytest

from poisonscan.core.errors import ModelError
from poisonscan.models import weights as stored
from poisonscan.models.folders import known_dimension, resolve


def test_a_folder_is_reported_with_the_digest_of_its_weights(tmp_path):
    """Two folders of one name differ in their id when their weights differ."""
    ids = set()
    for parent, weights in (("a", b"1"), ("b", b"2")):
        folder = tmp_path / parent / "mine"
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(weights)
        ids.add(resolve(str(folder), "scorer").id)
    assert len(ids) == 2
    assert all(found.startswith("mine@") and len(found) == len("mine@") + 12 for found in ids)


def test_a_folder_of_pickled_weights_is_refused(tmp_path):
    """Formats that can run code are not read."""
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match="safetensors"):
        resolve(str(tmp_path), "scorer")


def test_a_scorer_is_no_encoder():
    """An asset asked for in the wrong place is named."""
    with pytest.raises(ModelError, match=r"SmolLM2.* is no encoder"):
        resolve("smollm2-135m-instruct", "encoder")


def test_a_gguf_file_is_converted_once_and_named_by_its_digest(tmp_path, monkeypatch):
    """Its id is the name and the sha256 of the bytes; a second start finds what the first one made, another file of that name does not."""
    made = []

    def convert(source, name, target):
        made.append((source / name).read_bytes())
        target.mkdir()
        (target / "model.safetensors").write_bytes(made[-1])

    monkeypatch.setattr(stored, "convert_gguf", convert)
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"one")
    first = resolve(str(path), "scorer", cache=tmp_path / "cache")
    assert resolve(str(path), "scorer", cache=tmp_path / "cache") == first
    assert first.id == f"mine@{sha256(b'one').hexdigest()[:12]}"
    assert (first.path / "model.safetensors").read_bytes() == b"one"
    path.write_bytes(b"two")
    assert resolve(str(path), "scorer", cache=tmp_path / "cache").id != first.id
    assert made == [b"one", b"two"]


def test_a_gguf_file_is_no_encoder(tmp_path):
    """It is said before anything is read."""
    (tmp_path / "mine.gguf").write_bytes(b"")
    with pytest.raises(ModelError, match="only a scorer"):
        resolve(str(tmp_path / "mine.gguf"), "encoder")


def test_a_damaged_gguf_file_is_refused_and_leaves_nothing_behind(tmp_path):
    """The cache holds no half-made model."""
    (tmp_path / "mine.gguf").write_bytes(b"GGUF but not really")
    with pytest.raises(ModelError, match="could not be converted"):
        resolve(str(tmp_path / "mine.gguf"), "scorer", cache=tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache" / "models").iterdir() if path.is_dir()]


@pytest.mark.parametrize("name", ["nobody/nothing-here", "not a valid id!!"])
def test_an_unknown_name_offline_says_so(name, tmp_path, monkeypatch):
    """No fetch; the message names the four things a name may be."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="neither a folder, nor"):
        resolve(name, "scorer", offline=True)


@pytest.mark.parametrize(
    ("after", "flags", "expected"),
    [
        (["Normalize"], {"pooling_mode_mean_tokens": True}, 384),
        ([], {}, 384),
        (["Dense"], {"pooling_mode_mean_tokens": True}, None),
        ([], {"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}, None),
    ],
)
def test_the_dimension_is_read_off_the_folder_or_left_open(tmp_path, after, flags, expected):
    """The pooling layer tells it unless a layer after it, or several pools side by side, change it."""
    kinds = ["Transformer", "Pooling", *after]
    modules = [{"path": "" if i == 0 else f"{i}_x", "type": f"sentence_transformers.models.{kind}"} for i, kind in enumerate(kinds)]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "1_x").mkdir()
    (tmp_path / "1_x" / "config.json").write_text(json.dumps({"word_embedding_dimension": 384, **flags}))
    assert known_dimension(tmp_path) == expected


def test_a_folder_that_is_no_sentence_encoder_has_no_known_dimension(tmp_path):
    """Nothing is guessed."""
    assert known_dimension(tmp_path) is None
