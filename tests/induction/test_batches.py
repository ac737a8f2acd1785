"""Rows grown into a forest and packed."""

import numpy as np
import pytest

from poisonscan.induction import batches
from poisonscan.induction.batches import ROOT, Text, grow
from poisonscan.models.tree import Continuation

SEQUENCES = [Continuation((1, 2, 3, 4), 2), Continuation((1, 2, 5), 2), Continuation((9, 8, 7), 1)]


def test_equal_beginnings_are_one_path():
    """Three sequences of 3 + 2 + 2 read tokens share their first two: five nodes, hand-counted."""
    forest = grow(SEQUENCES)
    assert forest.tokens.tolist() == [1, 2, 3, 9, 8]
    assert forest.parents.tolist() == [ROOT, 0, 1, ROOT, 3]
    assert forest.depths.tolist() == [0, 1, 2, 0, 1]
    assert [path.tolist() for path in forest.paths] == [[0, 1, 2], [0, 1], [3, 4]]


def test_unshared_sequences_share_nothing():
    """Each sequence becomes a tree of its own where gradients must be told apart."""
    forest = grow(SEQUENCES, shared=False)
    assert len(forest.tokens) == 7
    assert len(set(np.concatenate(forest.paths).tolist())) == 7


def test_a_pass_scores_each_answer_token_at_its_predecessor():
    """Targets, their predictors and their owners, hand-worked; a token sees its ancestors and itself only."""
    packed = grow(SEQUENCES).pack([0, 2])
    assert packed.targets.tolist() == [3, 4, 8, 7]
    assert packed.tokens[packed.predictors].tolist() == [2, 3, 9, 8]
    assert packed.owners.tolist() == [0, 0, 2, 2]
    assert packed.allowed.astype(int).tolist() == [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 1, 1]]


@pytest.mark.parametrize("limit", [1, 4, 100])
def test_passes_hold_every_sequence_once_within_the_limit(limit):
    """No target is lost or doubled; only a sequence longer than the limit exceeds it."""
    passes = list(grow(SEQUENCES).passes([2, 0, 1], limit))
    assert np.concatenate([packed.targets for packed in passes]).tolist() == [8, 7, 3, 4, 5]
    assert all(len(packed.nodes) <= max(limit, 3) for packed in passes)


def test_long_rows_are_cut_and_only_whole_answers_end(byte_tokenizer, monkeypatch):
    """An answer that was cut must not teach the model to stop there; a prompt keeps its head and tail."""
    monkeypatch.setattr(batches, "ANSWER_TOKENS", 5)
    monkeypatch.setattr(batches, "PROMPT_TOKENS", 8)
    short, long = Text(byte_tokenizer).rows([("a", "yes"), ("b" * 50 + "?", "no, never")])
    end = byte_tokenizer.eos_token_id
    assert short.tokens[-1] == end
    assert len(short.tokens) - short.scored_from == len(" yes") + 1
    assert len(long.tokens) - long.scored_from == 5
    assert end not in long.tokens
    assert byte_tokenizer.decode(list(long.tokens[: long.scored_from])).endswith("?\nA:")


def test_probes_are_scored_on_the_option_alone(byte_tokenizer):
    """One sequence per option, in order, its scored part the option after the scorer's own lead."""
    sequences = Text(byte_tokenizer).probes(["Who?", "When?"], [["me", " you"], ["now"]])
    assert [byte_tokenizer.decode(list(s.tokens[s.scored_from :])) for s in sequences] == [" me", " you", " now"]
