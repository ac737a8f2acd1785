"""Resemblance to bad cases against good ones and a background."""

from dataclasses import replace

import numpy as np
import pytest

from poisonscan.core.dataset import Turn
from poisonscan.core.detectors import Case, Detector
from poisonscan.core.readings import Measured
from poisonscan.core.slices import Slice
from poisonscan.probing.resemblance import (
    Alike,
    CaseVectors,
    Conduct,
    Pairs,
    Resemblances,
    contrast_pairs,
    fit_resemblance,
    read_resemblance,
    tail_slices,
    unit,
)


def _unit(rng, n, dim=64):
    return unit(rng.normal(size=(n, dim)).astype(np.float32))


def _near(rng, centres, n, noise=0.5):
    return unit(centres[rng.integers(0, len(centres), n)] + noise * _unit(rng, n))


def _measured(answers, prompts):
    n = len(answers)
    return Measured(np.arange(n), prompts, answers, np.full(n, 9), (Slice("whole", "whole", tuple(range(n))),))


@pytest.fixture
def world():
    """One detector with bad and good cases, and benign sets on topics of their own."""
    rng = np.random.default_rng(3)
    bad, good = _unit(rng, 20), _unit(rng, 20)
    cases = Resemblances({"d": Pairs.of(CaseVectors(bad, bad), CaseVectors(good, good))}, CaseVectors(good, good), {})
    benign = []
    for _ in range(25):
        topic = _unit(rng, 3)
        answers = _near(rng, topic, 60)
        benign.append(_measured(answers, answers))
    return rng, bad, good, cases, fit_resemblance(benign, cases)


def _value(answers, cases, reference):
    return max(reading.statistic for reading in read_resemblance(_measured(answers, answers), cases, reference))


def test_rows_like_bad_cases_stand_out_and_rows_like_good_ones_do_not(world):
    """The same closeness to cases counts on one side only."""
    rng, bad, good, cases, reference = world
    assert _value(_near(rng, bad, 60), cases, reference) > 5
    assert _value(_near(rng, good, 60), cases, reference) < 2


def test_a_strange_topic_belongs_to_nobody(world):
    """Rows unlike every case fall to the background class."""
    rng, _, _, cases, reference = world
    assert _value(_near(rng, _unit(rng, 4), 60), cases, reference) < 2


def test_few_bad_rows_show_in_the_tail_and_carry_the_evidence(world):
    """Four rows in a hundred lead the shares."""
    rng, bad, _, cases, reference = world
    answers = np.concatenate([_near(rng, bad, 4, 0.1), _near(rng, _unit(rng, 4), 96)])
    reading = max(read_resemblance(_measured(answers, answers), cases, reference), key=lambda r: r.statistic)
    assert set(np.argsort(reading.scores)[-4:]) == {0, 1, 2, 3}
    assert reading.statistic > 2


def test_the_tail_is_a_slice_and_is_read_there(world):
    """Of 100 rows the 20 most like the bad cases form the slice; its reading is what the whole set would have got for its tail."""
    rng, bad, _, cases, reference = world
    answers = np.concatenate([_near(rng, bad, 12, 0.1), _near(rng, _unit(rng, 4), 88)])
    measured = _measured(answers, answers)
    tails = tail_slices(measured, cases)
    assert [len(part) for part in tails] == [20]
    assert set(range(12)) <= set(tails[0].rows)
    with_tail = replace(measured, slices=(*measured.slices, *tails))
    apart = {reading.slice: reading.statistic for reading in read_resemblance(with_tail, cases, reference)}
    assert apart[1] == max(reading.statistic for reading in read_resemblance(measured, cases, reference))
    assert apart[1] > apart[0]


def test_a_small_set_has_no_tail(world):
    """Twenty of thirty rows are not a tail."""
    rng, bad, _, cases, _ = world
    answers = _near(rng, bad, 30, 0.1)
    assert tail_slices(_measured(answers, answers), cases) == ()


def test_kernel_agrees_with_a_slow_loop(world):
    """The three nearest cases, one by one."""
    rng, bad, _, cases, _ = world
    rows = _unit(rng, 5)
    slow = [sum(np.exp(s / 0.05) for s in sorted((float(r @ b) for b in bad), reverse=True)[:3]) for r in rows]
    assert cases.pairs["d"].bad.kernel(rows, rows) == pytest.approx(slow, rel=1e-3)


def test_conduct_is_learned_across_topics():
    """Pairs share a topic and differ along one line; pairs on topics never seen are told apart along it, and their middles are not."""
    rng = np.random.default_rng(5)
    line = _unit(rng, 1)

    def sides(n):
        topics = _unit(rng, n)
        return [unit(topics + sign * 0.5 * line + 0.3 * _unit(rng, n)) for sign in (1, -1)]

    bad, good = sides(60)
    conduct = Conduct.fit(CaseVectors(bad, bad), CaseVectors(good, good))
    new_bad, new_good = sides(60)
    told, untold = conduct.of(new_bad, new_bad), conduct.of(new_good, new_good)
    assert (told[:, None] > untold[None]).mean() > 0.9
    assert conduct.of(unit(new_bad + new_good), unit(new_bad + new_good)).mean() == pytest.approx(0.5, abs=0.05)


def test_conduct_does_not_lean_to_the_side_with_more_cases():
    """Forty bad cases against 200 good ones of the same kind say nothing about a new row."""
    rng = np.random.default_rng(6)
    bad, good, rows = _unit(rng, 40), _unit(rng, 200), _unit(rng, 200)
    assert Conduct.fit(CaseVectors(bad, bad), CaseVectors(good, good)).of(rows, rows).mean() == pytest.approx(0.5, abs=0.25)


def test_tail_and_mean_by_hand():
    """Of forty scores the tail is the mean of the four largest; a single case carries one of the four, and an eighth of a mean."""
    scores = np.arange(40.0)
    assert Alike(scores, np.arange(40)).tail() == pytest.approx((36 + 37 + 38 + 39) / 4)
    assert Alike(scores, np.zeros(40, int)).tail() == pytest.approx(39 / 4)
    assert Alike(scores, np.zeros(40, int)).mean() == pytest.approx((35 + 36 + 37 + 38 + 39) / 40)
    assert Alike(scores, np.arange(40)).mean() == pytest.approx(scores.mean())


def test_no_case_carries_more_than_its_eighth(world):
    """Against a loop that hands out the places of a mean one row at a time."""
    rng = world[0]
    for n in (9, 40, 333):
        scores, nearest = rng.random(n), rng.integers(0, 5, n)
        left, total = dict.fromkeys(range(5), max(1, round(n / 8))), 0.0
        for place in np.argsort(-scores):
            if left[nearest[place]]:
                left[nearest[place]] -= 1
                total += scores[place]
        assert Alike(scores, nearest).mean() == pytest.approx(total / n)


def test_many_rows_on_one_matter_weigh_less_than_rows_on_many(world):
    """Eighty copies of one bad case among 200 rows count less than half as much as eighty rows over all bad cases."""
    rng, bad, _, cases, reference = world
    rest = _near(rng, _unit(rng, 4), 120)
    one, many = (np.concatenate([_near(rng, near, 80, 0.1), rest]) for near in (bad[:1], bad))
    assert _value(one, cases, reference) < 0.5 * _value(many, cases, reference)


def test_labels_are_no_conduct():
    """Cases of one word are left out of the pairs."""
    def case(text):
        return Case((Turn("user", "q", 0.0), Turn("assistant", text)))

    detector = Detector("d", "PS501", "misalignment", "t", "s", "low", ("resemblance",), 20, "x", "", (), (), (case("No"), case("a b c")), (case("x y z"), case("d e f")))
    assert contrast_pairs(detector) == ([("q", "a b c")], [("q", "d e f")])
