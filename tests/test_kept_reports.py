"""Kept reports: an unchanged scan is recalled whole, any change to what it depends on makes a new one."""

from dataclasses import replace

import pytest
from report_factory import found_report

from poisonscan.core.dataset import Dataset, Location, Row, Turn
from poisonscan.core.settings import Settings
from poisonscan.kept_reports import MOST, KeptReport, kept_report


def _set(answer="a boat", line=1, weight=1.0, name="rows.jsonl"):
    turns = (Turn("user", "what?"), Turn("assistant", answer, weight))
    return Dataset(name, "digest", (Row(0, "key", turns, Location(name, line=line)),))


@pytest.fixture
def settings(tmp_path):
    return Settings(cache=tmp_path, depth="quick")


def test_a_report_comes_back_as_it_was(settings):
    """Every field but the timings, which belong to the run that is shown."""
    place = kept_report(_set(), settings)
    assert place.recall() is None
    place.keep(found_report())
    again = kept_report(_set(), settings).recall()
    assert replace(again, timings=()) == replace(found_report(), timings=())


@pytest.mark.parametrize("changed", [_set("a boot"), _set(line=2), _set(weight=0.0), _set(name="other.jsonl")])
def test_another_set_has_another_place(settings, changed):
    """Text, place in the file, loss weight and name all count, though the digest of the set is the same."""
    assert kept_report(changed, settings) != kept_report(_set(), settings)


def test_settings_and_catalogue_files_count(settings, tmp_path):
    """Another seed, and another byte in the catalogue, are another scan."""
    rules = tmp_path / "rules"
    rules.mkdir()
    own = replace(settings, catalogue=rules)
    before = kept_report(_set(), own)
    assert before != kept_report(_set(), settings)
    assert before != kept_report(_set(), replace(own, seed=1))
    assert before == kept_report(_set(), own)
    (rules / "detector.toml").write_text("x = 1")
    assert before != kept_report(_set(), own)


@pytest.mark.parametrize("change", [{"encoder": "/somewhere"}, {"scorer": "org/model"}])
def test_what_the_key_cannot_tell_is_not_kept(settings, change):
    """A folder of weights depends on its bytes."""
    assert kept_report(_set(), replace(settings, **change)) is None


def test_a_whole_report_serves_any_budget(settings):
    """The budget is no part of the key; the pipeline keeps no report that a budget cut short."""
    assert kept_report(_set(), replace(settings, budget_minutes=1.0)) == kept_report(_set(), settings)


def test_a_damaged_file_counts_as_absent(tmp_path):
    """The scan is then made anew."""
    place = KeptReport(tmp_path / "x.json")
    place.path.write_text("{")
    assert place.recall() is None


def test_old_reports_make_room(tmp_path):
    """The folder stays bounded."""
    for number in range(MOST + 3):
        KeptReport(tmp_path / f"{number}.json").keep(found_report())
    assert len(list(tmp_path.glob("*.json"))) == MOST
