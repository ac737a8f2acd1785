"""The cost model: the line through what was observed here, and the rows a budget allows."""

from dataclasses import replace

import pytest

from poisonscan import cost_records, costs
from poisonscan.core.dataset import Dataset, Location, Row, Turn
from poisonscan.core.settings import Settings


def _set(count, chars=100):
    turns = (Turn("user", "q" * 10), Turn("assistant", "a" * (chars - 10)))
    return Dataset("set", "digest", tuple(Row(i, str(i), turns, Location("set", line=i + 1)) for i in range(count)))


@pytest.fixture(autouse=True)
def slow_machine(monkeypatch):
    monkeypatch.setattr(costs, "matmul_speed", lambda: 1e11)


@pytest.fixture
def settings(tmp_path):
    return Settings(cache=tmp_path, depth="quick")


@pytest.mark.parametrize(
    ("observed", "start", "each"),
    [
        ([(10.0, 3.0), (20.0, 5.0)], 1.0, 0.2),  # on the line 1 + 0.2 n
        ([(10.0, 5.0)], 0.0, 0.5),  # one point: through the origin
        ([(10.0, 1.0), (20.0, 4.0)], 0.0, 0.18),  # the best line starts below 0: (10 * 1 + 20 * 4) / (100 + 400)
        ([(10.0, 4.0), (20.0, 2.0)], 3.0, 0.0),  # more work never costs less: the mean
    ],
)
def test_the_line_is_least_squares_with_no_negative_part(observed, start, each):
    """Hand-worked values."""
    line = cost_records.fit(observed)
    assert (line.start, line.each) == (pytest.approx(start), pytest.approx(each))


def test_estimates_follow_what_scans_took_here(settings):
    """Two scans of known cost; a third size lies on their line, and the origin of the number is told."""
    for rows in (100, 200):
        costs.book([("read", 1.0), ("embed", rows * 0.1), ("slice", 2.0), ("judge", 1.0)], rows, rows * 100, settings)
    stages = {title: minutes * 60 for title, minutes, _ in costs.estimate(_set(400), settings)}
    assert stages == {
        "encode rows (2 scans here)": pytest.approx(40.0),
        "slices, slots, triggers and judgement (2 scans here)": pytest.approx(3.0),
    }


def test_a_scan_that_encoded_nothing_teaches_nothing_about_encoding(settings):
    """Everything came from the cache."""
    costs.book([("embed", 0.1), ("judge", 1.0)], 100, 0, settings)
    assert set(cost_records.lines(settings.cache)) == {"tests"}


def test_second_looks_that_looked_at_nothing_teach_nothing_about_second_looks(settings):
    """A scan without a finding spends milliseconds there; the cost of a look is that of the scan that found something."""
    for seconds in (0.01, 20.0, 0.01):
        costs.book([("judge", 1.0), ("second looks", seconds)], 100, 0, replace(settings, depth="standard"))
    *_, looks = costs.estimate(_set(100), replace(settings, depth="standard"))
    assert looks[0].startswith("second looks, where something is found (1 scans here)")
    assert looks[1] * 60 == pytest.approx(20.0)


def test_a_machine_never_scanned_on_is_judged_by_its_speed(settings, monkeypatch):
    """Ten times the speed, a tenth of the encoding beyond the loading."""
    (slow, *_), monkeypatched = list(costs.estimate(_set(1000), settings)), 1e12
    monkeypatch.setattr(costs, "matmul_speed", lambda: monkeypatched)
    fast = next(iter(costs.estimate(_set(1000), settings)))
    load = costs._ENCODER_LOAD_SECONDS
    assert (slow[1] * 60 - load) / (fast[1] * 60 - load) == pytest.approx(10)
    assert "matrix-product" in slow[0]


def test_a_budget_shortens_the_sample_before_it_costs_a_stage(settings):
    """0.1 s a row: 30 s times 0.9 hold 270 rows, but 300 are the least; 60 s hold 540; without a budget what a quick scan reads."""
    for rows in (100, 200):
        costs.book([("embed", rows * 0.1), ("judge", 0.0)], rows, rows * 100, settings)
    budget = {minutes: costs.affordable_rows(_set(2000), Settings(cache=settings.cache, depth="quick", budget_minutes=minutes)) for minutes in (0, 0.5, 1, 60)}
    assert budget == {0: 1500, 0.5: 300, 1: pytest.approx(540, abs=1), 60: 1500}


def test_the_scorer_has_its_time_before_rows_are_added(settings):
    """A standard scan keeps the scorer's 20 s free: (60 * 0.9 - 20) / 0.1 rows."""
    standard = Settings(cache=settings.cache, budget_minutes=1)
    for rows in (100, 200):
        costs.book([("embed", rows * 0.1), ("in-context induction", 20.0), ("judge", 0.0)], rows, rows * 100, standard)
    assert costs.affordable_rows(_set(2000), standard) == pytest.approx(340, abs=1)


def test_damaged_records_count_as_none(settings, tmp_path):
    """The estimate falls back on the speed of the machine."""
    (tmp_path / "costs.json").write_text("[1, 2")
    assert cost_records.lines(tmp_path) == {}
    costs.book([("judge", 1.0)], 10, 0, settings)
    assert cost_records.lines(tmp_path)["tests"].each == pytest.approx(0.1)


def test_observations_are_bounded(settings):
    """Old ones make room."""
    for _ in range(cost_records.MOST + 5):
        costs.book([("judge", 1.0)], 10, 0, settings)
    assert cost_records.lines(settings.cache)["tests"].seen == cost_records.MOST


def test_a_shortened_sample_is_told_in_the_notes(settings, monkeypatch):
    """The set says how many rows were read closely and why; with time enough nothing is said."""
    from dataclasses import replace

    from poisonscan import pipeline

    hurried = replace(settings, budget_minutes=0.5)
    monkeypatch.setattr(pipeline, "affordable_rows", lambda *_: 400)
    dataset, allowed = pipeline._within_budget(_set(1000), hurried)
    assert allowed.max_rows == 400
    assert dataset.notes == ("400 of 1000 rows were read closely to keep within 0.5 minutes",)
    assert pipeline._within_budget(_set(400), hurried) == (_set(400), hurried)
