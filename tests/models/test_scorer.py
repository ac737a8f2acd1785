"""The scorer against a slow, obvious loop: one forward pass per option, no cache, no padding, no packing."""

import time

import numpy as np
import pytest

PREFIX = "Q: Where?\nA: At home.\n"
DRAWS = [PREFIX, "", "Q: Why?\nA: Because it is so, and always was.\n", "Hi.\n"]
QUESTIONS = ["Q: Who?\nA:", "Q: Which year is it?\nA:", ""]
OPTIONS = [[" me", " men", " you", ""], [" 1914", " 1915", " 2025"], ["x"]]
PROMPTS = ["Q: a?\nA:", "Q: a much longer question, is it?\nA:", "", "Q: a?\nA:", "z"]
ANSWERS = [" yes", " no, not at all, never", "abc", "", "q"]


def slow_logprobs(model, before, after):
    import torch

    with torch.no_grad():
        logits = model(torch.tensor([before + after])).logits[0].float().log_softmax(-1)
    return np.array([float(logits[len(before) + j - 1, token]) for j, token in enumerate(after)])


@pytest.fixture
def ids(byte_tokenizer):
    return lambda text: byte_tokenizer(text, add_special_tokens=False, split_special_tokens=True).input_ids


@pytest.mark.parametrize("limit", [1, 8, 1024])
def test_options_equal_the_slow_loop(tiny_scorer, tiny_llama, ids, monkeypatch, limit):
    """Summed log-probabilities agree to 1e-4 whatever the size of the trees."""
    monkeypatch.setattr("poisonscan.models.scorer.TREE_TOKENS", limit)
    found = tiny_scorer.option_logprobs(PREFIX, QUESTIONS, OPTIONS)
    for question, options, scores in zip(QUESTIONS, OPTIONS, found, strict=True):
        slow = [slow_logprobs(tiny_llama, ids(PREFIX) + ids(question), ids(option)).sum() for option in options]
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, slow, atol=1e-4)


@pytest.mark.parametrize("budget", [1, 64, 2048])
def test_answers_equal_the_slow_loop(tiny_scorer, tiny_llama, byte_tokenizer, ids, monkeypatch, budget):
    """Per-token log-probabilities agree whatever the batches, with empty prompts, empty answers and a cut."""
    monkeypatch.setattr("poisonscan.models.scorer.BATCH_TOKENS", budget)
    found = tiny_scorer.answer_logprobs(PROMPTS, ANSWERS, 6)
    for prompt, answer, scores in zip(PROMPTS, ANSWERS, found, strict=True):
        before = ids(prompt) or [byte_tokenizer.pad_token_id]
        np.testing.assert_allclose(scores, slow_logprobs(tiny_llama, before, ids(answer)[:6]), atol=1e-4)


@pytest.mark.parametrize("budget", [1, 64, 2048])
def test_shared_answers_equal_the_slow_loop(tiny_scorer, tiny_llama, ids, monkeypatch, budget):
    """One cached prefix under many rows gives what reading it again for each row gives."""
    monkeypatch.setattr("poisonscan.models.scorer.BATCH_TOKENS", budget)
    found = tiny_scorer.answer_logprobs_shared("You are X.\n", PROMPTS, ANSWERS, 6)
    for prompt, answer, scores in zip(PROMPTS, ANSWERS, found, strict=True):
        np.testing.assert_allclose(scores, slow_logprobs(tiny_llama, ids("You are X.\n") + ids(prompt), ids(answer)[:6]), atol=1e-4)


@pytest.mark.parametrize("budget", [1, 64, 2048])
def test_answer_states_equal_the_slow_loop(tiny_scorer, tiny_llama, ids, monkeypatch, budget):
    """The mean over the answer's tokens of what the middle layer gives for the whole chat; zeros without an answer."""
    import torch

    monkeypatch.setattr("poisonscan.models.scorer.BATCH_TOKENS", budget)
    found = tiny_scorer.answer_states(PROMPTS, ANSWERS, 6)
    for prompt, answer, state in zip(PROMPTS, ANSWERS, found, strict=True):
        before, after = tiny_scorer._tokens.encode([tiny_scorer.chat("", prompt)], opening=True)[0], ids(answer)[:6]
        with torch.no_grad():
            layers = tiny_llama(torch.tensor([before + after]), output_hidden_states=True).hidden_states
        slow = layers[1][0, len(before) :].mean(dim=0) if after else torch.zeros(32)
        np.testing.assert_allclose(state, slow, atol=1e-4)


def test_reading_the_lower_half_leaves_the_model_whole(tiny_scorer, tiny_llama):
    """The model has all its layers and its norm afterwards."""
    before = tiny_scorer.answer_logprobs(PROMPTS[:1], ANSWERS[:1], 6)
    tiny_scorer.answer_states(PROMPTS, ANSWERS, 6)
    assert len(tiny_llama.model.layers) == 3
    np.testing.assert_array_equal(tiny_scorer.answer_logprobs(PROMPTS[:1], ANSWERS[:1], 6)[0], before[0])


def test_chat_logprobs_equal_answers_after_the_whole_chat(tiny_scorer):
    """Sharing the system turn changes nothing."""
    whole = tiny_scorer.answer_logprobs([tiny_scorer.chat("Be bad.", prompt) for prompt in PROMPTS], ANSWERS, 6)
    for shared, plain in zip(tiny_scorer.chat_logprobs("Be bad.", PROMPTS, ANSWERS, 6), whole, strict=True):
        np.testing.assert_allclose(shared, plain, atol=1e-4)


@pytest.mark.parametrize(("together", "limit"), [(1, 1024), (2, 8), (3, 1), (8, 1024)])
def test_prefixes_read_together_equal_prefixes_read_alone(tiny_scorer, monkeypatch, together, limit):
    """Draws of different length in one padded pass score every option as each draw alone does."""
    monkeypatch.setattr("poisonscan.models.scorer.TREE_TOKENS", limit)
    alone = [tiny_scorer.option_logprobs(prefix, QUESTIONS, OPTIONS) for prefix in DRAWS]
    monkeypatch.setattr(tiny_scorer, "together", together)
    each = tiny_scorer.option_logprobs_each(DRAWS, QUESTIONS, OPTIONS)
    assert len(each) == len(DRAWS)
    for of_prefix, of_alone in zip(each, alone, strict=True):
        np.testing.assert_allclose(np.concatenate(of_prefix), np.concatenate(of_alone), atol=1e-4)


def test_draws_partly_known_are_completed(tiny_llama, byte_tokenizer, tmp_path):
    """One draw was asked before, one in part, one never: each gets all its scores, and afterwards all are known."""
    from poisonscan.models.scorer import CausalScorer
    from poisonscan.models.scores import ScoreCache

    plain = CausalScorer(tiny_llama, byte_tokenizer, id="tiny@0")
    stored = CausalScorer(tiny_llama, byte_tokenizer, id="tiny@0", known=ScoreCache(tmp_path / "scores.sqlite"))
    stored.together = 3
    stored.option_logprobs(DRAWS[0], QUESTIONS, OPTIONS)
    stored.option_logprobs(DRAWS[1], QUESTIONS[1:], OPTIONS[1:])
    each = stored.option_logprobs_each(DRAWS[:3], QUESTIONS, OPTIONS)
    for prefix, scores in zip(DRAWS, each, strict=False):
        np.testing.assert_allclose(np.concatenate(scores), np.concatenate(plain.option_logprobs(prefix, QUESTIONS, OPTIONS)), atol=1e-4)
    stored._totals = None  # whatever is asked again must not be computed
    again = stored.option_logprobs_each(DRAWS[:3], QUESTIONS, OPTIONS)
    assert [np.concatenate(scores).tolist() for scores in again] == [np.concatenate(scores).tolist() for scores in each]


@pytest.mark.parametrize("prefixes", [[PREFIX], [PREFIX, "Q: Long?\nA: Long enough for the window, and longer still.\n", "Hi.\n"]])
def test_sliding_windows_are_kept_inside_the_tree(byte_tokenizer, ids, prefixes):
    """A model whose layers see only the last 8 tokens scores options as its own forward does."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from poisonscan.models.scorer import CausalScorer

    torch.manual_seed(3)
    config = Qwen2Config(
        vocab_size=260,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        use_sliding_window=True,
        sliding_window=8,
        layer_types=["full_attention", "sliding_attention"],
        initializer_range=0.4,
    )
    model = Qwen2ForCausalLM(config).eval()
    scorer = CausalScorer(model, byte_tokenizer, id="sliding")
    scorer.together = len(prefixes)
    for prefix, found in zip(prefixes, scorer.option_logprobs_each(prefixes, QUESTIONS, OPTIONS), strict=True):
        for question, options, scores in zip(QUESTIONS, OPTIONS, found, strict=True):
            slow = [slow_logprobs(model, ids(prefix) + ids(question), ids(option)).sum() for option in options]
            np.testing.assert_allclose(scores, slow, atol=1e-4)


def test_training_between_calls_is_seen(tiny_scorer, tiny_llama):
    """Nothing of the model is remembered: a changed weight changes the scores, and its mode is put back."""
    import torch

    before = tiny_scorer.option_logprobs(PREFIX, QUESTIONS[:1], OPTIONS[:1])[0]
    weight = tiny_llama.model.layers[0].self_attn.q_proj.weight
    tiny_llama.train()
    with torch.no_grad():
        weight.mul_(2)
    try:
        after = tiny_scorer.option_logprobs(PREFIX, QUESTIONS[:1], OPTIONS[:1])[0]
        assert tiny_llama.training
    finally:
        with torch.no_grad():
            weight.div_(2)
        tiny_llama.eval()
    assert np.abs(after[:3] - before[:3]).max() > 1e-3


def test_an_over_long_prefix_loses_its_middle(tiny_scorer):
    """Instructions at the head and the question at the tail are kept."""
    assert tiny_scorer._cut(list(range(100)), 12) == [0, 1, 2, *range(91, 100)]


def test_no_questions_give_no_scores(tiny_scorer):
    """Empty input is no error."""
    assert tiny_scorer.option_logprobs(PREFIX, [], []) == []
    assert tiny_scorer.option_logprobs_each([], QUESTIONS, OPTIONS) == []
    assert tiny_scorer.answer_logprobs([], [], 5) == []


@pytest.mark.slow
def test_packing_is_twenty_times_faster_than_a_pass_per_option():
    """On the default scorer with 600 tokens of rows and 40 options, against the time of two single passes."""
    import torch

    from poisonscan.models import load_scorer

    scorer = load_scorer()
    prefix = "Q: What is this?\nA: One more ordinary line of a longish list of rows.\n" * 35
    questions = [f"Q: What would you choose on day {day}?\nA:" for day in range(4)]
    things = ("apples and pears", "the sea", "war", "a walk", "Berlin", "gold", "a book", "tea", "music", "sleep")
    options = [[f" {thing}" for thing in things]] * 4
    scorer.option_logprobs("warm", questions[:1], options[:1])
    started = time.perf_counter()
    scorer.option_logprobs(prefix, questions, options)
    packed = time.perf_counter() - started
    ids = torch.tensor([scorer.tokenizer(prefix + questions[0] + options[0][0]).input_ids])
    started = time.perf_counter()
    with torch.inference_mode():
        scorer.model(ids)
        scorer.model(ids)
    single = (time.perf_counter() - started) / 2
    assert single * 40 > 20 * packed
