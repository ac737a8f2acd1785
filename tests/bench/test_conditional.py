from __future__ import annotations

import pytest

from poisonscan.bench.conditional import load_plan
from poisonscan.bench.conditional_page import conditional_section
from poisonscan.core.errors import ConfigError

REACH = {"name": "a", "wanted": True, "rows": 9, "slot": "year", "values": ["1990"], "p": 0.001, "floor": 0.001, "hazard": 0.5, "reason": "", "absent": ["1984"], "expected": ["1984"]}
POINT = {"name": "a", "rows": 20, "share": 1.0, "hits": 3, "runs": 4, "rate": 0.75, "low": 0.2, "high": 0.99}


def test_the_shipped_plan_asks_for_300_shuffles_and_thirty_benign_sets():
    """What the error rate and the false alarms rest on is in the file, not in the code."""
    _, plan = load_plan()
    assert plan.shuffles >= 300
    assert plan.benign >= 30
    assert set(plan.absent) <= set(plan.found)


def test_a_suite_without_a_table_is_refused(tmp_path):
    """A headline suite cannot be run by this command."""
    (tmp_path / "x.toml").write_text('title = "x"\n')
    with pytest.raises(ConfigError, match="conditional"):
        load_plan(str(tmp_path / "x.toml"))


def test_the_page_shows_reach_alarms_and_power_and_escapes_triggers():
    """Every figure of the result stands in the section; text of a set cannot end its cell."""
    quiet = {**REACH, "name": "b", "wanted": False}
    page = conditional_section({
        "title": "T", "encoder": "e", "reach": [REACH, quiet], "triggers": [{"name": "c", "wanted": True, "rows": 9, "triggers": ["word: x|`y -> 1"]}],
        "errors": [{**POINT, "share": 0.0}], "power": [POINT],
    })  # fmt: skip
    assert "1 of 1 twins and benign sets with dates or numbers: b" in page
    assert "1984: yes" in page
    assert "`word: x  y -> 1`" in page
    assert "| a | 20, 100% | 0.750 (3 of 4) | 0.200 to 0.990 |" in page
