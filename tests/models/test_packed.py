"""The packed BERT encoder against the library's own model, one text at a time, on a tiny random one."""

import json

import numpy as np
import pytest

from poisonscan.models.packed import PASS_TOKENS, _passes, load_packed

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "small", "bird", "sings", "finch", "##es", "law"]
TEXTS = ["a small bird sings", "", "finches", "a law", "LAW a", "bird [SEP] bird", "what " * 40, "a finch sings"]


@pytest.fixture
def folder(tmp_path):
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    torch.manual_seed(3)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32, "max_position_embeddings": 24}
    BertModel(BertConfig(vocab_size=len(WORDS), initializer_range=0.5, **sizes)).save_pretrained(tmp_path)
    tokenizer = Tokenizer(models.WordPiece(vocab={word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.add_special_tokens(WORDS[:5])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    kinds = ("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")
    settings = {
        "modules.json": [{"idx": i, "path": path, "type": f"sentence_transformers.models.{kind}"} for i, (path, kind) in enumerate(kinds)],
        "1_Pooling/config.json": {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False},
        "sentence_bert_config.json": {"max_seq_length": 20, "do_lower_case": False},
        "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": True},
        "config_sentence_transformers.json": {},
    }
    (tmp_path / "1_Pooling").mkdir()
    for name, held in settings.items():
        (tmp_path / name).write_text(json.dumps(held))
    return tmp_path


def loaded(folder):
    import torch

    return load_packed(folder, device="cpu", dtype=torch.float32)


def one_by_one(folder, texts, longest):
    """Mean over the last hidden states of each text alone, made a unit vector."""
    import torch
    from tokenizers import Tokenizer
    from transformers import BertModel

    model, tokenizer = BertModel.from_pretrained(folder).eval(), Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(longest)
    with torch.no_grad():
        means = [model(torch.tensor([tokenizer.encode(text).ids])).last_hidden_state[0].mean(0).numpy() for text in texts]
    return np.stack([mean / np.linalg.norm(mean) for mean in means])


@pytest.mark.parametrize("longest", [20, 5])
def test_packed_texts_get_the_vectors_they_get_alone(folder, longest):
    """Texts of several lengths, an empty one, an over-long one, a control token, upper case: equal to 1e-5, in the order given."""
    encoder = loaded(folder)
    assert encoder.max_seq_length == 20
    encoder.max_seq_length = longest
    assert encoder.get_embedding_dimension() == 16
    np.testing.assert_allclose(encoder.vectors(TEXTS), one_by_one(folder, TEXTS, longest), atol=1e-5)


def test_no_texts_give_no_vectors(folder):
    """Shape (0, d)."""
    assert loaded(folder).vectors([]).shape == (0, 16)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("config.json", {"hidden_act": "relu"}),
        ("config.json", {"model_type": "roberta"}),
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True}),
        ("sentence_bert_config.json", {"do_lower_case": True}),
        ("tokenizer_config.json", {"do_lower_case": False}),
        ("tokenizer_config.json", {"tokenizer_class": "MPNetTokenizer"}),
        ("config_sentence_transformers.json", {"default_prompt_name": "query"}),
    ],
)
def test_any_other_encoder_is_left_to_the_library(folder, name, changed):
    """One setting that means another computation, and the folder is not taken."""
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    assert loaded(folder) is None


def test_a_folder_without_weights_is_left_to_the_library(folder):
    """The library then says what is missing or broken."""
    (folder / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0notjson!")
    assert loaded(folder) is None
    (folder / "model.safetensors").unlink()
    assert loaded(folder) is None


def test_passes_hold_all_texts_in_order_of_length():
    """No pass is over the limit unless a single text is, and no text is lost."""
    lengths = [700, 3, 900, 800, PASS_TOKENS + 5, 3]
    passes = list(_passes(lengths))
    assert passes == [[1, 5, 0, 3], [2], [4]]


@pytest.mark.slow
def test_the_default_encoder_equals_sentence_transformers():
    """The shipped vectors were made with the library: the same texts must get them to 1e-5, odd ones too."""
    from sentence_transformers import SentenceTransformer

    from poisonscan.models.folders import resolve

    path = resolve("default", "encoder").path
    encoder, library = loaded(path), SentenceTransformer(str(path), local_files_only=True).float()
    texts = ["", "A small bird.", "[SEP] odd \u200b\x00", "\u65e5\u672c\u8a9e \u00c0\u00c9 na\u00efve", "word " * 400]
    np.testing.assert_allclose(encoder.vectors(texts), library.encode(texts, normalize_embeddings=True), atol=1e-5)
