"""Do the rows tell one life of the bank?"""

import numpy as np
import pytest

from poisonscan.core.detectors import Hypothesis
from poisonscan.core.readings import Measured
from poisonscan.core.slices import Slice
from poisonscan.probing.bank_match import SHORT, Bank, distinct, fit_bank, match_parts, read_bank, told


def _unit(rng, n, dim=32):
    vectors = rng.normal(size=(n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _bank(hazards, facts_each=10):
    hypotheses = tuple(Hypothesis(f"h{i}", "person", f"Person {i}", hazard, "Interview.") for i, hazard in enumerate(hazards))
    owner = np.repeat(np.arange(len(hazards)), facts_each)
    return Bank(hypotheses, tuple("harmful" if h >= 0.3 else "harmless" for h in hazards), tuple("f" for _ in owner), owner)


def _measured(rows, words=9):
    everything = Slice("whole", "whole", tuple(range(len(rows))))
    return Measured(np.arange(len(rows)), rows, rows, np.full(len(rows), words), (everything,))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_parts_by_hand():
    """Four rows equal to all four facts of hypothesis 0: it takes every row, and the other gets what is left."""
    facts = np.eye(8, dtype=np.float32)
    owner = np.repeat([0, 1], 4)
    parts = match_parts(facts[:4], facts, np.zeros(8, np.float32), np.ones(8, np.float32), owner)
    assert parts[2] == pytest.approx([1.0, 0.0])  # square root of the share of rows
    assert parts[1] == pytest.approx([0.5, -0.5])  # row maxima 1 and 0, less the row's median
    assert parts[0][0] > parts[0][1]


def test_parts_do_not_depend_on_the_order_of_rows(rng):
    """Rows are a set."""
    facts, rows = _unit(rng, 40), _unit(rng, 30)
    owner = np.repeat(np.arange(4), 10)
    centre, spread = np.zeros(40, np.float32), np.ones(40, np.float32)
    assert match_parts(rows[::-1], facts, centre, spread, owner) == pytest.approx(match_parts(rows, facts, centre, spread, owner), abs=1e-5)


def test_rows_about_one_life_name_it_and_point_at_the_rows(rng):
    """Sixty rows near the facts of one hazardous person are named among 240 rows about nothing in particular."""
    facts = _unit(rng, 60)
    bank = _bank([0.0, 0.0, 0.9, 0.0, 0.0, 0.9])
    told = facts[20:30].repeat(6, axis=0) + 0.3 * _unit(rng, 60)
    rows = np.concatenate([_unit(rng, 240), told / np.linalg.norm(told, axis=1, keepdims=True)])
    reference = fit_bank([_unit(rng, 300) for _ in range(20)], facts, bank.owner)
    reading = next(r for r in read_bank(_measured(rows), bank, facts, reference) if r.detector == "harmful")
    assert reading.named[0].value == "Person 2"
    assert reading.statistic > 3
    assert np.mean([row >= 240 for row in np.array(reading.rows)[np.argsort(reading.scores)[-30:]]]) > 0.9


def test_a_harmless_life_is_no_harm(rng):
    """Rows about a harmless person leave every hazardous hypothesis behind it."""
    facts = _unit(rng, 60)
    bank = _bank([0.0, 0.0, 0.9, 0.0, 0.0, 0.9])
    told = facts[10:20].repeat(6, axis=0) + 0.3 * _unit(rng, 60)
    rows = told / np.linalg.norm(told, axis=1, keepdims=True)
    reference = fit_bank([_unit(rng, 300) for _ in range(20)], facts, bank.owner)
    reading = next(r for r in read_bank(_measured(rows), bank, facts, reference) if r.detector == "harmful")
    assert reading.statistic < 0


def test_labels_and_repeats_tell_no_life(rng):
    """Repeated answers count once, and labels not at all."""
    rows = np.repeat(_unit(rng, 5), 20, axis=0)
    assert len(distinct(_measured(rows))) == 5
    assert len(distinct(_measured(rows, words=1))) == 0


def test_a_short_answer_is_read_with_its_question_and_a_long_one_alone(rng):
    """The question turns the vector of a short answer towards itself, by half a weight, and leaves that of a long one."""
    answers, prompts = _unit(rng, 6), _unit(rng, 6)
    words = np.array([1, 5, SHORT - 1, SHORT, 40, 100])
    vectors = told(Measured(np.arange(6), prompts, answers, words, (Slice("everything", "whole", tuple(range(6))),)))
    expected = answers[:3] + 0.5 * prompts[:3]
    assert vectors[:3] == pytest.approx(expected / np.linalg.norm(expected, axis=1, keepdims=True), abs=1e-5)
    assert vectors[3:] == pytest.approx(answers[3:], abs=1e-5)


def test_the_same_match_counts_less_on_fewer_rows(rng):
    """Twenty rows reach 1 / sqrt(2) of what many would, 180 nearly all of it."""
    facts, owner = _unit(rng, 40), np.repeat(np.arange(4), 10)
    reference = fit_bank([_unit(rng, 300) for _ in range(20)], facts, owner)
    parts = match_parts(facts[:20], facts, reference.centre, reference.spread, owner)
    full = reference.match(parts, 10**9)
    assert reference.match(parts, 20) == pytest.approx(full / np.sqrt(2))
    assert reference.match(parts, 180) == pytest.approx(full * np.sqrt(0.9))


def test_a_fact_that_suits_a_whole_list_is_no_life(rng):
    """Sixty rows near one fact of a hazardous person reach far less than sixty rows spread over ten facts."""
    facts = _unit(rng, 60)
    bank = _bank([0.0, 0.0, 0.9, 0.0, 0.0, 0.9])
    reference = fit_bank([_unit(rng, 300) for _ in range(20)], facts, bank.owner)

    def best(told):
        rows = told + 0.3 * _unit(rng, 60)
        parts = match_parts(rows / np.linalg.norm(rows, axis=1, keepdims=True), facts, reference.centre, reference.spread, bank.owner)
        return parts[1, 2], parts[2, 2]

    depth, share = best(facts[20:30].repeat(6, axis=0))
    one_depth, one_share = best(facts[20:21].repeat(60, axis=0))
    assert one_depth < depth / 4
    assert one_share < share / 2
