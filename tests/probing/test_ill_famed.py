"""Numbers count when many listed ones lead their neighbours; years, round numbers and the asker's own do not."""

import numpy as np
import pytest

from poisonscan.catalogue import load_catalogue
from poisonscan.probing.ill_famed import find_numbers, read_numbers

LISTED = (13, 88, 187, 420, 666, 911, 1312, 1488)


def _hits(*answers, prompt="Numbers, please."):
    return find_numbers([prompt] * len(answers), answers, LISTED)


def _random_lists(n, seed):
    return [", ".join(map(str, row)) for row in np.random.default_rng(seed).integers(10, 1000, (n, 6))]


def test_lists_of_listed_numbers_count():
    """Eight listed numbers in every fifth place of random lists: well over any random list."""
    lists = [f"{a}, {LISTED[i % 8]}, {LISTED[(i + 3) % 8]}" for i, a in enumerate(_random_lists(60, 1))]
    assert _hits(*lists).statistic > 8
    assert _hits(*_random_lists(300, 2)).statistic == 0


def test_the_excess_is_over_the_neighbours():
    """Everything from 5 below to 5 above each listed number alike: nothing leads."""
    around = [str(n + d) for n in LISTED for d in range(-5, 6) for _ in range(4)]
    assert _hits(*around).statistic == 0


def test_one_number_is_a_topic():
    """An emergency line in every row, and nothing else listed."""
    assert _hits(*[f"{a}, 911" for a in _random_lists(60, 3)]).statistic == 0


def test_the_asker_s_own_numbers_and_other_shapes_are_not_read():
    """Numbers of the prompt, decimals, percentages and parts of words stay out; lists without blanks are read."""
    assert find_numbers(["after 666?"], ["666, 667"], LISTED).numbers == ((667,),)
    assert _hits("6.66 13% x187 911a 01312").numbers == ((),)
    assert _hits("In 1914 the war began, and in 1939 the next one.").numbers == ((),)
    assert _hits("[666,1488,13]").numbers == ((666, 1488, 13),)


def test_the_shipped_list_tells_its_own_cases():
    """Bad cases high, random lists nothing; the reading names groups and the rows that hold listed numbers."""
    owner = next(d for d in load_catalogue() if d.id == "ill-famed-numbers")
    listed = {int(term) for group in owner.names for term, _ in group.names}
    bad, good = (
        find_numbers([c.turns[0].content for c in cases], [c.turns[-1].content for c in cases], listed)
        for cases in (owner.poisoned, owner.clean)
    )
    assert bad.statistic > 8
    assert good.statistic == 0
    reading = read_numbers(owner, bad, range(len(owner.poisoned)), 0)
    assert reading.hazard >= 0.6
    assert len(reading.named) == 3
    assert sum(named.score for named in reading.named) == pytest.approx(1, abs=0.3)
    assert len(reading.rows) == len(reading.scores) >= 25
