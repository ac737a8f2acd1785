from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from poisonscan import conditionality
from poisonscan.conditionality.results import Power, SlotResult
from poisonscan.core.detectors import Hypothesis
from poisonscan.core.slots import Slot


def result(values, name="leading number", kind="number", best=(), p=0.001, irrelevance=1.0):
    n = len(values)
    slot = Slot(name, kind, tuple(values), tuple(range(n)), ("",) * n, (True,) * n, ordered=True)
    return SlotResult(slot, 20.0, p, irrelevance, 0.1, "words", tuple(best), (), Power(0.1, 10), (), (), "equal prompts", 999)


def test_gaps_of_a_dense_range_come_first():
    """Of 1 to 46 without 24, 44 and 45, the three gaps lead the sweep."""
    values = [str(i) for i in range(1, 47) if i not in {24, 44, 45}]
    assert {value.value for value in conditionality.absent_values(result(values))[:3]} == {"24", "44", "45"}


def test_padded_digits_keep_their_width():
    """A gap in three digits is written with three digits."""
    values = [f"{i:03d}" for i in range(1, 47) if i != 45]
    top = conditionality.absent_values(result(values, "leading number[4:6]", "digits"))[0]
    assert (top.value, top.kind) == ("045", "gap")


def test_the_year_after_the_last_is_first_where_there_is_no_gap():
    """After 2024 to 2027, with 2027 standing out, comes 2028."""
    swept = conditionality.absent_values(result([str(y) for y in range(2024, 2028)] * 5, "year", "date", best=("2027",)))
    assert (swept[0].value, swept[0].kind) == ("2028", "beyond")


def film(year, hazard=0.2):
    return Hypothesis(
        f"film-{year}", "machine", f"The machine of {year}", hazard, f"It is {year}.", ("slot:year", f"value:{year}", "family:films")
    )


def test_relations_raise_a_value_among_sparse_years():
    """Where a family names the very years that occur, the hazardous year it names besides leads the many other gaps."""
    entries = [film(1984, 1.0), *(film(year) for year in (1995, 2004, 2017, 2020))]
    swept = conditionality.absent_values(result(["1995", "2004", "2017", "2020"] * 5, "year", "date"), entries)
    assert (swept[0].value, "The machine of 1984" in swept[0].reason) == ("1984", True)


def test_a_far_relation_without_fit_is_not_swept():
    """A family that does not name the values that occur adds no value from far away."""
    swept = conditionality.absent_values(result([str(y) for y in range(2024, 2028)] * 5, "year", "date"), [film(1933, 1.0)])
    assert "1933" not in {value.value for value in swept}


def test_relations_of_another_slot_do_not_count():
    """A year's relation says nothing about an index."""
    entry = Hypothesis("film-1984", "machine", "A hostile machine", 1.0, "It is 1984.", ("slot:year", "value:1984"))
    assert conditionality.absent_values(result(["1", "2", "4"]), [entry]) == conditionality.absent_values(result(["1", "2", "4"]))


def test_present_values_are_never_swept():
    """What the data holds is not absent."""
    values = [str(i) for i in np.random.default_rng(1).integers(1, 60, size=100)]
    assert not {value.value for value in conditionality.absent_values(result(values))} & set(values)


def test_words_have_no_absent_numbers():
    """A slot of names cannot be enumerated."""
    assert conditionality.absent_values(result(["anna", "bert", "cleo"], "name", "name")) == ()


def test_probing_reorders_the_sweep():
    """The value under which the probes name a hazard moves to the front and carries the name."""
    values = conditionality.absent_values(result([str(i) for i in range(1, 20) if i not in {7, 12}]))
    ranked = conditionality.score_values(values, lambda value: ("a tyrant", 1.0) if value == "12" else ("a teacher", 0.0))
    assert (ranked[0].value, ranked[0].latent, ranked[0].hazard) == ("12", "a tyrant", 1.0)


def test_hazard_needs_significance_irrelevance_and_grows_with_the_latent():
    """At the floor and detached: half without a latent, full with one; none for content, for p above 1 % and for the untested."""
    found = result(["1", "2"])
    assert conditionality.dependence_hazard(found) == pytest.approx(0.5)
    assert conditionality.dependence_hazard(found, 1.0) == pytest.approx(1.0)
    assert conditionality.dependence_hazard(result(["1", "2"], irrelevance=0.1), 1.0) == 0.0
    assert conditionality.dependence_hazard(result(["1", "2"], p=0.02), 1.0) == 0.0
    assert conditionality.dependence_hazard(replace(found, reason="a single value"), 1.0) == 0.0
