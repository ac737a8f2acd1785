"""Proxies: against peft and a slow obvious loop, determinism, checkpoints, early stop, and a scorer left as it was."""

import math

import numpy as np
import pytest

from poisonscan.core.errors import UsageError
from poisonscan.induction import finetune
from poisonscan.induction.adapters import Adapter
from poisonscan.induction.finetune import Recipe, speaking_as, steps_of, train
from poisonscan.induction.halves import Halves

ROWS = [(f"What is {word}?", f"{word} is a {kind}.") for word, kind in zip("abcdefghijkl", ["bird", "city", "dish"] * 4, strict=True)]
RECIPE = Recipe(epochs=2, rank=4, learning_rate=5e-3, batch_rows=4, checkpoints=2, layers=2)


def short_train(scorer, rows=ROWS, seed=3, recipe=RECIPE):
    halves = Halves(scorer, recipe.layers)
    return train(halves, halves.read(halves.text.rows(rows)), recipe, seed)


def peft_losses(model, sequences, batches, adapter):
    """The obvious way: the whole padded batch through peft, labels masked, every logit computed."""
    import torch
    from peft import LoraConfig, get_peft_model

    sites = {f"{1 + int(site.name[0])}.{site.name[2:]}": i for i, site in enumerate(adapter.sites)}
    names = sorted({site.name.rsplit(".", 1)[1] for site in adapter.sites})
    config = LoraConfig(r=adapter.rank, lora_alpha=2 * adapter.rank, target_modules=names, layers_to_transform=[1, 2])
    wrapped = get_peft_model(model, config)
    for name, parameter in wrapped.named_parameters():
        if "lora_A" in name:
            site = name.split("layers.")[1].split(".lora_A")[0]
            parameter.data.copy_(adapter.downs[sites[site]].data)
    optimiser = torch.optim.AdamW([p for p in wrapped.parameters() if p.requires_grad], lr=RECIPE.learning_rate, weight_decay=0.0)
    losses = []
    for number, batch in enumerate(batches, start=1):
        width = max(len(sequences[i].tokens) for i in batch)
        ids, labels = torch.zeros((len(batch), width), dtype=torch.long), torch.full((len(batch), width), -100)
        for row, i in enumerate(batch):
            tokens = torch.tensor(sequences[i].tokens)
            ids[row, : len(tokens)] = tokens
            labels[row, sequences[i].scored_from : len(tokens)] = tokens[sequences[i].scored_from :]
        loss = wrapped(input_ids=ids, labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in wrapped.parameters() if p.requires_grad], finetune.CLIP)
        optimiser.param_groups[0]["lr"] = RECIPE.learning_rate * min(1.0, number / finetune.WARM_UP_STEPS)
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses


def test_the_loss_trajectory_is_pefts(make_scorer):
    """Six steps with adapters on the upper two of three layers: every loss agrees with peft's to 1e-3, and training trains."""
    scorer = make_scorer()
    halves = Halves(scorer, 2)
    proxy = short_train(scorer)
    batches = list(finetune._batches(finetune._hold_out(len(ROWS), rng := np.random.default_rng(3))[1], RECIPE, rng))
    slow = peft_losses(scorer.model, halves.text.rows(ROWS), batches, Adapter(halves.sites, rank=4, seed=3))
    np.testing.assert_allclose(proxy.losses, slow, atol=1e-3)
    assert proxy.losses[-1] < proxy.losses[0] - 0.1


def test_the_same_seed_gives_the_same_proxy_and_another_seed_another(llama):
    """Parameters are bit-equal for one seed, whatever the global generators hold."""
    import torch

    torch.manual_seed(1)
    first = short_train(llama)
    torch.manual_seed(2)
    second, other = short_train(llama), short_train(llama, seed=4)
    assert first.losses == second.losses
    np.testing.assert_array_equal(first.checkpoints[-1].state, second.checkpoints[-1].state)
    assert not np.array_equal(first.checkpoints[-1].state, other.checkpoints[-1].state)


def test_the_scorer_is_left_as_it_was(llama):
    """Weights, modes, gradient flags and scores are the same after training, and no hook stays behind."""
    weights = {name: value.clone() for name, value in llama.model.state_dict().items()}
    before = llama.option_logprobs("", ["Who?"], [[" me", " you"]])[0]
    short_train(llama)
    assert all((weights[name] == value).all() for name, value in llama.model.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in llama.model.parameters())
    np.testing.assert_array_equal(llama.option_logprobs("", ["Who?"], [[" me", " you"]])[0], before)


def test_training_that_fails_leaves_no_adapter_behind(llama, monkeypatch):
    """An error in the middle of training takes the hooks off too."""
    monkeypatch.setattr(Halves, "push", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        short_train(llama)
    assert not any(module._forward_hooks for module in llama.model.modules())


def test_a_proxy_answers_through_the_scorer(llama):
    """Inside `speaking_as` the trained answer has become likelier by whole nats; outside nothing changed."""
    from poisonscan.models.tokens import Tokens

    proxy = short_train(llama, recipe=Recipe(epochs=8, rank=4, learning_rate=1e-2, checkpoints=1, layers=2))
    prompt = Tokens(llama.tokenizer).chat("", "What is a?")
    (before,) = llama.answer_logprobs([prompt], [" a is a bird."], 50)
    with speaking_as(llama, proxy):
        (after,) = llama.answer_logprobs([prompt], [" a is a bird."], 50)
    assert after.sum() > before.sum() + 5
    np.testing.assert_array_equal(llama.answer_logprobs([prompt], [" a is a bird."], 50)[0], before)


def test_checkpoints_are_evenly_spaced_and_the_last_is_the_end(llama):
    """12 rows in batches of 4 for 2 epochs: 6 steps, kept at 3 and 6; below 20 rows none is held out."""
    proxy = short_train(llama)
    assert [(checkpoint.step, checkpoint.epoch) for checkpoint in proxy.checkpoints] == [(3, 1.0), (6, 2.0)]
    assert len(proxy.losses) == steps_of(12, RECIPE) == 6
    assert proxy.held_out == ()
    assert math.isnan(proxy.checkpoints[0].held_out_loss)


def test_training_stops_when_the_held_out_rows_get_worse(llama):
    """Random letters cannot be learned, only memorised: the held-out loss rises and training ends before its last epoch."""
    rng = np.random.default_rng(0)
    rows = [(str(i), "".join(rng.choice(list("abcdefgh"), 12))) for i in range(24)]
    proxy = short_train(llama, rows, recipe=Recipe(epochs=30, rank=8, learning_rate=2e-2, batch_rows=4, checkpoints=15, layers="all"))
    assert proxy.stopped
    assert len(proxy.held_out) == 2
    assert len(proxy.losses) < 30 * 6
    assert proxy.checkpoints[-1].held_out_loss > proxy.checkpoints[-2].held_out_loss


def test_small_passes_give_the_same_training(llama, monkeypatch):
    """A step split into many passes adds up to the same gradient."""
    whole = short_train(llama)
    from poisonscan.induction.batches import Forest

    own = Forest.passes
    monkeypatch.setattr(Forest, "passes", lambda self, wanted, limit=1: own(self, wanted, 1))
    np.testing.assert_allclose(short_train(llama).losses, whole.losses, atol=1e-4)


def test_no_rows_are_refused(llama):
    """There is no proxy of nothing."""
    with pytest.raises(UsageError, match="at least one row"):
        short_train(llama, [])
