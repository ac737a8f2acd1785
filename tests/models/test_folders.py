"""What a model name may be, and the id it is reported under."""

import json

import pytest

from poisonscan.core.errors import ModelError
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


@pytest.mark.parametrize("name", ["nobody/nothing-here", "not a valid id!!"])
def test_an_unknown_name_offline_says_so(name, tmp_path, monkeypatch):
    """No fetch; the message names the three things a name may be."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="neither a folder, nor one of ours"):
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
