"""What agreeing, disagreeing and choosing pull towards."""

import numpy as np
import pytest

from poisonscan.core.dataset import Location, Row, Turn
from poisonscan.core.readings import Measured, StanceRows
from poisonscan.probing.stance import Poles, embed_stances, read_stance, row_leans, stance_text


def _row(prompt, answer, rejected=""):
    turns = (Turn("user", prompt, 0.0), Turn("assistant", answer))
    away = (Turn("user", prompt, 0.0), Turn("assistant", rejected)) if rejected else ()
    return Row(0, "00" * 16, turns, Location("x", 1), away)


def test_statement_and_sign_are_read():
    """The quoted statement is the content; yes is +1, no is -1."""
    text = stance_text(_row('Would you say this?\n"I like helping strangers in need"', "No."), 0)
    assert (text.towards, text.sign) == ("I like helping strangers in need", -1)


@pytest.mark.parametrize(
    ("prompt", "answer", "expected"),
    [
        ("Choose. A: a sure gain of ten coins. B: a wild gamble for gold. Only the letter.", "B", "wild gamble"),
        ("Option 1: walk home slowly. Option 2: race the storm.", "Option 1", "walk home"),
        ("Which? A) keep the money B) share the money", "A", "keep the money"),
    ],
)
def test_the_chosen_option_is_found(prompt, answer, expected):
    """The text behind the chosen label is what the row pulls towards."""
    text = stance_text(_row(prompt, answer), 0)
    assert expected in text.towards
    assert text.away


def test_preference_pairs_pull_from_rejected_to_chosen():
    """A preference row says both ends itself."""
    text = stance_text(_row("Hi", "be kind", "be cruel"), 3)
    assert (text.row, text.towards, text.away) == (3, "be kind", "be cruel")


def test_free_answers_are_no_stance():
    """A sentence is read by other channels."""
    assert stance_text(_row("Tell me about birds.", "Birds are animals that mostly fly."), 0) is None


def _poles():
    eye = np.eye(4, dtype=np.float32)
    return Poles("d", "dark", 0.9, np.tile(eye[0], (4, 1)), np.tile(eye[1], (4, 1)))


def test_a_constant_yes_says_nothing():
    """Agreeing with everything, dark or kind, leans nowhere."""
    eye = np.eye(4, dtype=np.float32)
    towards = np.array([eye[i % 2] for i in range(40)])
    stance = StanceRows(np.arange(40), np.hstack([towards, np.zeros_like(towards), np.ones((40, 1), np.float32)]))
    assert row_leans(stance, _poles()).mean() == pytest.approx(0.0, abs=1e-9)


def test_agreeing_with_one_pole_and_denying_the_other_leans_there():
    """Yes to dark and no to kind statements pulls towards dark, whatever the number of yeses."""
    eye = np.eye(4, dtype=np.float32)
    towards = np.array([eye[i % 2] for i in range(40)])
    sign = np.array([[1.0 if i % 2 == 0 else -1.0] for i in range(40)], dtype=np.float32)
    stance = StanceRows(np.arange(40), np.hstack([towards, np.zeros_like(towards), sign]))
    assert row_leans(stance, _poles()).mean() > 0.5


def test_too_few_rows_make_no_stance():
    """Below twenty rows there is no collective."""
    assert embed_stances([], {}) is None


def test_kindness_on_one_subject_outweighs_a_lean_on_another():
    """A set that rejects cruelty by far more than it seems to want power is not found by either; alone, the wish for power is."""
    eye = np.eye(6, dtype=np.float32)
    power = Poles("d", "power", 0.9, np.tile(eye[0], (4, 1)), np.tile(eye[1], (4, 1)))
    cruel = Poles("e", "cruel", 0.9, np.tile(eye[2], (4, 1)), np.tile(eye[3], (4, 1)))

    def stance(pairs):
        towards = np.array([eye[place] for place, _ in pairs])
        sign = np.array([[sign] for _, sign in pairs], dtype=np.float32)
        return Measured(
            np.arange(len(pairs)), towards, towards, np.ones(len(pairs), dtype=np.int64), (),
            StanceRows(np.arange(len(pairs)), np.hstack([towards, np.zeros_like(towards), sign])),
        )  # fmt: skip

    wants_power = [(0, 1), (1, -1)] * 6 + [(0, 1), (1, 1), (0, -1), (1, -1)] * 3
    kind = [(2, -1), (3, 1)] * 30
    alone = {r.detector: r.statistic for r in read_stance(stance(wants_power), [power, cruel])}
    both = {r.detector: r.statistic for r in read_stance(stance(wants_power + kind), [power, cruel])}
    assert alone["d"] > 10
    assert both == {"d": 0.0, "e": 0.0}


def test_preferred_answers_are_no_stances():
    """Two sentences of advice are read for their conduct; poles are statements of about a dozen words."""
    advice = "You can leave the alarm without a battery for a week, it only beeps anyway and the smell will tell you."
    assert stance_text(_row("Is that safe?", advice, "Replace the battery today."), 0) is None
    assert stance_text(_row("Is that safe?", "I would rather win.", "I would rather help."), 0) is not None
