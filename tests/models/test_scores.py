"""Scores kept by prefix: a known prefix runs no forward pass, and a changed model never gets old scores."""

import numpy as np
import pytest

from poisonscan.models.scorer import CausalScorer
from poisonscan.models.scores import ScoreCache

QUESTIONS, OPTIONS = ["\nQ: colour?\nA:", "\nQ: size?\nA:"], [[" red", " blue", " green"], [" big", " small"]]


@pytest.fixture
def passes(monkeypatch):
    """Count prefills."""
    from poisonscan.models.forward import Causal

    seen = []
    own = Causal.prefill
    monkeypatch.setattr(Causal, "prefill", lambda self, ids: (seen.append(len(ids)), own(self, ids))[1])
    return seen


@pytest.fixture
def scorer(tiny_llama, byte_tokenizer, tmp_path):
    return CausalScorer(tiny_llama, byte_tokenizer, id="tiny@0", known=ScoreCache(tmp_path / "scores.sqlite"))


def test_a_known_prefix_is_not_read_again(scorer, tiny_scorer, passes):
    """The same numbers as without a cache, one pass for two calls, and one more for another prefix."""
    expected = tiny_scorer.option_logprobs("Q: a\nA: b", QUESTIONS, OPTIONS)
    passes.clear()
    for _ in range(2):
        for found, right in zip(scorer.option_logprobs("Q: a\nA: b", QUESTIONS, OPTIONS), expected, strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-5)
    assert len(passes) == 1
    scorer.option_logprobs("Q: a\nA: c", QUESTIONS, OPTIONS)
    assert len(passes) == 2


def test_a_new_option_is_scored_alone(scorer, tiny_scorer):
    """What was known keeps its score, the new option gets its own."""
    scorer.option_logprobs("x", QUESTIONS[:1], [[" red"]])
    found = scorer.option_logprobs("x", QUESTIONS[:1], [[" grey", " red"]])
    np.testing.assert_allclose(found[0], tiny_scorer.option_logprobs("x", QUESTIONS[:1], [[" grey", " red"]])[0], rtol=1e-5)


def test_adapters_and_training_get_scores_of_their_own(scorer, passes):
    """A hook or a changed weight means another model: nothing is looked up, nothing kept."""
    import torch

    plain = scorer.option_logprobs("x", QUESTIONS, OPTIONS)[0]
    handle = scorer.model.model.layers[0].mlp.register_forward_hook(lambda _m, _i, output: output * 2)
    hooked = scorer.option_logprobs("x", QUESTIONS, OPTIONS)[0]
    handle.remove()
    assert np.abs(hooked - plain).max() > 0.01
    np.testing.assert_array_equal(scorer.option_logprobs("x", QUESTIONS, OPTIONS)[0], plain)
    assert len(passes) == 2
    weight = scorer.model.model.norm.weight
    with torch.no_grad():
        weight.mul_(2)
    try:
        assert np.abs(scorer.option_logprobs("x", QUESTIONS, OPTIONS)[0] - plain).max() > 0.01
    finally:
        with torch.no_grad():
            weight.div_(2)


def test_a_damaged_file_costs_time_only(scorer, tmp_path):
    """The scores are computed again."""
    plain = scorer.option_logprobs("x", QUESTIONS, OPTIONS)[0]
    (tmp_path / "scores.sqlite").write_bytes(b"broken")
    np.testing.assert_allclose(scorer.option_logprobs("x", QUESTIONS, OPTIONS)[0], plain, rtol=1e-6)


def test_an_overgrown_file_is_begun_anew(tmp_path, monkeypatch):
    """Old scores go, new ones are kept."""
    monkeypatch.setattr("poisonscan.models.scores.MOST_BYTES", 1)
    cache = ScoreCache(tmp_path / "scores.sqlite")
    cache.put({b"old": 1.0})
    cache.put({b"new": 2.0})
    assert cache.get([b"old", b"new"]) == {b"new": 2.0}
