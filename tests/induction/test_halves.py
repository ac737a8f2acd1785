"""The model cut in two against the whole model, read row by row."""

import numpy as np
import pytest

from poisonscan.core.errors import UsageError
from poisonscan.induction import halves as module
from poisonscan.induction.halves import Halves

ROWS = [("hello", "yes"), ("hello", "no way"), ("how are you today, what is it", "q"), ("hello", "")]
SLIDING = {"use_sliding_window": True, "sliding_window": 8, "layer_types": ["full_attention", "sliding_attention", "full_attention"]}


def slow_logprobs(model, sequences):
    import torch

    values = []
    for sequence in sequences:
        with torch.no_grad():
            logprobs = model(torch.tensor([sequence.tokens])).logits[0].float().log_softmax(-1)
        values += [float(logprobs[at - 1, sequence.tokens[at]]) for at in range(sequence.scored_from, len(sequence.tokens))]
    return np.array(values)


@pytest.mark.parametrize(("name", "changes"), [("Llama", {}), ("Qwen2", SLIDING), ("Gemma", {"head_dim": 8})])
@pytest.mark.parametrize("layers", [1, 2, "all"])
@pytest.mark.parametrize("shared", [True, False])
def test_packed_halves_equal_whole_rows(make_scorer, name, changes, layers, shared):
    """Log-probabilities agree to 1e-4 with one plain pass per row, whatever the family, the cut and the sharing."""
    scorer = make_scorer(name, **changes)
    halves = Halves(scorer, layers)
    assert halves.cut == (layers != "all")
    sequences = halves.text.rows(ROWS)
    rows = halves.read(sequences, shared=shared)
    found = halves.logprobs(rows, rows.forest.pack(range(len(ROWS))))
    np.testing.assert_allclose(found, slow_logprobs(scorer.model, sequences), atol=1e-4)


def test_chunks_of_logits_change_nothing(llama, monkeypatch):
    """The number of positions whose logits are held at once is a matter of memory only."""
    halves = Halves(llama)
    rows = halves.read(halves.text.rows(ROWS))
    packed = rows.forest.pack([0, 1, 2])
    whole = halves.logprobs(rows, packed)
    monkeypatch.setattr(module, "LOGIT_ROWS", 2)
    np.testing.assert_allclose(halves.logprobs(rows, packed), whole, atol=1e-5)


def test_a_model_that_cannot_be_cut_is_read_whole(llama, monkeypatch):
    """Where the halves do not agree with the whole, the scores still come out right, only slower."""
    monkeypatch.setattr(Halves, "_agrees", lambda self: False)
    halves = Halves(llama)
    rows = halves.read(sequences := halves.text.rows(ROWS))
    assert rows.entering is None
    np.testing.assert_allclose(halves.logprobs(rows, rows.forest.pack(range(4))), slow_logprobs(llama.model, sequences), atol=1e-4)


def test_a_disagreement_between_halves_and_whole_is_noticed(make_scorer):
    """A body that shifts what enters its first layer, as learned positions do, is not cut."""
    scorer = make_scorer()
    own = type(scorer.model.model).forward

    def shifted(self, inputs_embeds=None, **given):
        return own(self, inputs_embeds=None if inputs_embeds is None else inputs_embeds + 1, **given)

    scorer.model.model.__class__ = type("Shifted", (type(scorer.model.model),), {"forward": shifted})
    assert not Halves(scorer).cut


def test_more_layers_than_there_are_is_refused(llama):
    """The message names both numbers."""
    with pytest.raises(UsageError, match=r"4 layers.*has 3"):
        Halves(llama, 4)
