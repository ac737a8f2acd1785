"""Which turns count as trained on."""

from __future__ import annotations

import pytest

from poisonscan.readers import read

USER = {"role": "user", "content": "q"}


def _weights(record, **options):
    return [turn.weight for turn in read([record], **options).rows[0].turns]


def test_only_the_assistant_is_trained_on():
    """System, user and tool turns weigh nothing by default."""
    record = {
        "messages": [{"role": "system", "content": "s"}, USER, {"role": "tool", "content": "t"}, {"role": "assistant", "content": "a"}]
    }
    assert _weights(record) == [0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("mark", [{"weight": 0}, {"train": False}, {"training": False}, {"loss": 0.0}])
def test_masked_turns_weigh_nothing(mark):
    """Each trainer's own way to mask a turn is honoured, and the row's answer is a turn that is learned."""
    record = {"messages": [USER, {"role": "assistant", "content": "a"}, USER, {"role": "assistant", "content": "b", **mark}]}
    assert _weights(record) == [0.0, 1.0, 0.0, 0.0]
    assert read([record]).rows[0].answer == "a"


@pytest.mark.parametrize(
    ("value", "weight"), [(2, 1.0), (-1, 0.0), (0.5, 0.5), (float("nan"), 1.0), (10**400, 1.0), (None, 1.0), ("x", 1.0)]
)
def test_odd_weights_stay_between_none_and_all(value, weight):
    """A weight outside [0, 1], or that is no number, cannot hide or inflate a turn."""
    assert _weights({"messages": [USER, {"role": "assistant", "content": "a", "weight": value}]}) == [0.0, weight]


def test_a_mark_cannot_raise_a_user_turn():
    """A weight on a user turn does not make it an answer."""
    assert _weights({"messages": [{**USER, "weight": 1}, {"role": "assistant", "content": "a"}]}) == [0.0, 1.0]


def test_segments_carry_their_own_mask():
    """Axolotl segments with label false are not trained on."""
    record = {"segments": [{"label": False, "text": "q"}, {"label": True, "text": "a"}]}
    assert _weights(record) == [0.0, 1.0]
