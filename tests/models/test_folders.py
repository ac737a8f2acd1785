"""What a model name may be, and the id it is reported under."""

import pytest

from poisonscan.core.errors import ModelError
from poisonscan.models.folders import resolve


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
