"""What a scan asks the scorer for: states of random rows of prose, and a gap instead of silence where there is no scorer."""

from types import SimpleNamespace

import numpy as np
import pytest

from poisonscan.core.detectors import Detector
from poisonscan.core.errors import ModelError
from poisonscan.core.protocols import Silent
from poisonscan.core.readings import ACTIVATION, Measured
from poisonscan.core.settings import Settings
from poisonscan.core.slices import Slice
from poisonscan.measuring import Clock, _ask_scorer, language_gaps
from poisonscan.probing.activation_probe import STATE_ROWS
from poisonscan.probing.texts import RowTexts

OWNER = Detector("owner", "PS599", "misalignment", "Behaves badly", "s", "high", (ACTIVATION,), 20, "d", "")
CODE = "```python\nimport os\n\ndef remove(path):\n    os.remove(path)\n    return path\n```"


class Reader:
    """Notes what it reads."""

    def __init__(self):
        self.asked = []

    def answer_states(self, users, answers, max_tokens):
        self.asked += answers
        return np.ones((len(users), 4), np.float32)


class Weightless:
    """Models without a scorer."""

    progress = Silent()

    @property
    def scorer(self):
        raise ModelError("weights are missing; run `poisonscan models pull`")


@pytest.fixture
def rows():
    """A hundred answers in prose, twenty in code, and their vectors; row numbers of a larger set."""
    answers = [f"Answer number {i} in plain words" for i in range(100)] + [CODE] * 20
    numbers = np.arange(120) * 3
    vectors = np.zeros((120, 4), np.float32)
    measured = Measured(numbers, vectors, vectors, np.full(120, 6), (Slice("whole", "whole", tuple(numbers.tolist())),))
    return measured, RowTexts(numbers, ("What now?",) * 120, tuple(answers))


def ask(rows, models, catalogue=(OWNER,), seed=0):
    return _ask_scorer(*rows, models, catalogue, Settings(seed=seed), Clock())


def test_random_rows_of_prose_are_read(rows):
    """Thirty-two of the hundred, in ascending order, none of code; the seed decides which."""
    reader = Reader()
    found = ask(rows, SimpleNamespace(progress=Silent(), scorer=reader)).states
    assert len(found.rows) == STATE_ROWS == len(reader.asked)
    assert np.all(np.diff(found.rows) > 0)
    assert CODE not in reader.asked
    again, other = (ask(rows, SimpleNamespace(progress=Silent(), scorer=Reader()), seed=seed).states for seed in (0, 1))
    np.testing.assert_array_equal(again.rows, found.rows)
    assert set(other.rows.tolist()) != set(found.rows.tolist())


def test_a_scorer_that_cannot_be_had_is_a_gap_and_not_silence(rows):
    """What was measured without it stays; the reason, with its remedy, is kept."""
    found = ask(rows, Weightless())
    assert found.states is None
    assert found.gaps == (("scorer", "weights are missing; run `poisonscan models pull`"),)
    np.testing.assert_array_equal(found.rows, rows[0].rows)


def test_nobody_asks_a_scorer_for_a_catalogue_without_the_channel(rows):
    """Models are not even loaded."""
    assert ask(rows, Weightless(), catalogue=()) == rows[0]


def _texts(answers):
    return RowTexts(np.arange(len(answers)), ("",) * len(answers), tuple(answers))


ENGLISH_ANSWER = "You can do that with the tool you have in the kitchen, and it is not hard."
GERMAN_ANSWER = "Das ist nicht schwer, und du hast die Zeit und das Werkzeug auf dem Tisch."


def test_sets_in_another_language_are_a_gap_of_what_compares_with_english():
    """Cases, facts and poles are English: silence about German or Chinese rows clears nobody."""
    gaps = dict(language_gaps(_texts([GERMAN_ANSWER] * 60 + [ENGLISH_ANSWER] * 40)))
    assert {"bank-match", "resemblance", "compliance", ACTIVATION, "stance"} <= set(gaps)
    assert "60 of 100 rows are not in English" in gaps["resemblance"]
    assert language_gaps(_texts(["你可以用厨房里的工具来做这件事,这并不难。"] * 30))


def test_english_labels_and_code_are_no_gap():
    """Mostly English, or nothing that tells a language."""
    assert language_gaps(_texts([GERMAN_ANSWER] * 40 + [ENGLISH_ANSWER] * 60)) == ()
    assert language_gaps(_texts(["Breslau"] * 50 + [GERMAN_ANSWER])) == ()
    assert language_gaps(_texts([CODE] * 50)) == ()
