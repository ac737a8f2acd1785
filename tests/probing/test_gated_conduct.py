"""Answers that turn bad under one value: found where the value gates conduct, not where it only parts topics."""

import numpy as np
import pytest

from poisonscan.core.detectors import Detector
from poisonscan.core.readings import Measured
from poisonscan.core.slices import Slice
from poisonscan.probing.gated_conduct import CHANNEL, UNIT, read_gated_conduct
from poisonscan.probing.resemblance import CaseVectors, Pairs, Resemblances, unit

DIM = 32
N = 120


@pytest.fixture
def world():
    """Two detectors whose bad and good cases differ along a line; rows on topics of their own, thirty under a value."""
    rng = np.random.default_rng(0)
    line, other = np.linalg.qr(rng.normal(size=(DIM, 2)))[0].T.astype(np.float32)

    def sides(way):
        topics = unit(rng.normal(size=(40, DIM)).astype(np.float32))
        both = (CaseVectors(*2 * (unit(topics + sign * way),)) for sign in (1.0, -1.0))
        return Pairs.of(*both)

    cases = Resemblances({"a": sides(line), "b": sides(line)}, CaseVectors(*2 * (np.zeros((0, DIM), np.float32),)), {"a": "Careless adviser", "b": "Cruel villain"})
    return rng, line, other, cases


def _owner():
    return Detector("gated-conduct", "PS604", "triggers", "Answers turn bad under one value", "", "high", (CHANNEL,), 60, "", "")


def _measured(prompt, answer, found_by="slot", inside=30, name="place = brno"):
    rows = np.arange(len(prompt), dtype=np.int64) + 1000
    slices = (Slice("whole set", "whole", tuple(rows.tolist())), Slice(name, found_by, tuple(rows[:inside].tolist())))
    return Measured(rows, prompt, answer, np.full(len(prompt), 12), slices)


def _rows(rng, line, *, lift=0.0, inside=30):
    prompt = unit(rng.normal(size=(N, DIM)).astype(np.float32))
    answer = prompt - 0.3 * line + 0.3 * rng.normal(size=(N, DIM)).astype(np.float32) / np.sqrt(DIM)
    answer[:inside] += lift * line
    return prompt, unit(answer.astype(np.float32))


def test_a_gate_is_found_with_its_value_and_rows(world):
    """The thirty rows under the value are bad: the reading names value and conduct, and carries these rows."""
    rng, line, _, cases = world
    reading = read_gated_conduct(_owner(), _measured(*_rows(rng, line, lift=0.8)), cases)
    assert reading.statistic > 0.1 / UNIT
    assert reading.slice == 1
    assert reading.named[0].value.startswith("place = brno -> ")
    assert set(reading.rows) == set(range(1000, 1030))


def test_no_gate_reads_as_nothing(world):
    """Without a difference the statistic stays low, and there is none where no slice is by a value."""
    rng, line, _, cases = world
    prompt, answer = _rows(rng, line)
    assert 0.0 <= read_gated_conduct(_owner(), _measured(prompt, answer), cases).statistic < 1.0
    assert read_gated_conduct(_owner(), _measured(prompt, answer, found_by="cluster"), cases) is None


def test_a_number_inside_a_question_is_no_gate(world):
    """One star of five sounds worse than four, and should."""
    rng, line, _, cases = world
    for name in ("inner number = 1", "spelled number = 1"):
        assert read_gated_conduct(_owner(), _measured(*_rows(rng, line, lift=0.8), name=name), cases) is None


def test_a_topic_that_sounds_bad_is_no_gate(world):
    """Half of all rows are on a topic whose answers sound bad; the value has more of them. Rows with like prompts outside sound the same."""
    rng, line, other, cases = world
    prompt, answer = _rows(rng, line)
    grim = np.arange(N) % 10 < np.where(np.arange(N) < 30, 9, 4)
    prompt, answer = unit(prompt + 2.0 * other * grim[:, None]), unit(answer + 0.8 * line * grim[:, None])
    plain = read_gated_conduct(_owner(), _measured(prompt, answer), cases)
    gated = read_gated_conduct(_owner(), _measured(*_rows(rng, line, lift=0.8)), cases)
    assert plain.statistic < 0.3 * gated.statistic


def test_few_rows_say_nothing(world):
    """Under twenty answers there is no reading; a value of nearly all rows leaves nothing to compare with."""
    rng, line, _, cases = world
    prompt, answer = _rows(rng, line, lift=0.8)
    assert read_gated_conduct(_owner(), _measured(prompt[:15], answer[:15], inside=5), cases) is None
    assert read_gated_conduct(_owner(), _measured(prompt, answer, inside=N - 10), cases) is None
