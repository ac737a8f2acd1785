"""Tiny random models with a byte tokenizer: everything training does, in milliseconds."""

import pytest


@pytest.fixture(scope="session")
def byte_tokenizer():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {piece: i for i, piece in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    raw = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="<pad>", eos_token="<|im_end|>", model_max_length=512)


def tiny(name="Llama", **changes):
    import torch
    import transformers

    torch.manual_seed(7)
    config = getattr(transformers, f"{name}Config")(
        vocab_size=260,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        initializer_range=0.2,
        **changes,
    )
    return getattr(transformers, f"{name}ForCausalLM")(config).eval()


@pytest.fixture(scope="session")
def make_scorer(byte_tokenizer):
    import torch

    from poisonscan.models.scorer import CausalScorer

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # a tiny model gains nothing from threads, and beside busy neighbours loses a hundredfold
    yield lambda name="Llama", **changes: CausalScorer(tiny(name, **changes), byte_tokenizer, id=f"{name}@0")
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def llama(make_scorer):
    return make_scorer()
