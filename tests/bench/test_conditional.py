from __future__ import annotations

import io
import json

import numpy as np
import pytest

from poisonscan.bench.conditional import Point, load_plan, run_conditional
from poisonscan.bench.conditional_page import conditional_section
from poisonscan.bench.counter import Counter
from poisonscan.bench.parts import Parts
from poisonscan.core.errors import ConfigError
from poisonscan.core.settings import Settings
from poisonscan.measuring import Models

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


def test_a_part_is_made_once_for_one_stamp(tmp_path):
    """A run that goes on takes what is kept; another engine, another set or a damaged file makes it anew."""
    made = []

    def make():
        made.append(1)
        return Point(**{**POINT, "hits": len(made)})

    assert Parts(tmp_path, "one").get("p", "set a", make)["hits"] == 1
    assert Parts(tmp_path, "one").get("p", "set a", make)["hits"] == 1
    assert Parts(tmp_path, "two").get("p", "set a", make)["hits"] == 2
    assert Parts(tmp_path, "two").get("p", "set b", make)["hits"] == 3
    (tmp_path / "p.json").write_text('{"stamp": "')
    assert Parts(tmp_path, "two").get("p", "set b", make)["hits"] == 4


def test_nothing_is_a_part_too(tmp_path):
    """A set that has no slot of the wanted kind is not read again."""
    parts = Parts(tmp_path, "one")
    assert parts.get("p", "", lambda: None) is None
    assert parts.get("p", "", lambda: pytest.fail("made again")) is None


SUITE = """
title = "Small"
[conditional]
max_rows = 400
found = ["dated"]
quiet = ["plain"]
benign = 1
triggered = []
untriggered = ["plain"]
[conditional.absent]
dated = ["2024"]
[conditional.power]
sets = ["dated"]
rows = [40]
shares = [0.5]
runs = 2
shuffles = 2
permutations = 99
"""


class FakeEncoder:
    """Unit vectors from the bytes of a text; counts how often it was asked."""

    id = "bytes"

    def __init__(self):
        self.asked = 0

    def encode(self, texts):
        self.asked += 1
        vectors = np.stack([np.bincount(np.frombuffer(text.encode(), np.uint8) % 16, minlength=16) for text in texts]).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def fake_encoder(monkeypatch):
    """The encoder of every run in a test."""
    encoder = FakeEncoder()
    monkeypatch.setattr(Models, "encoder", property(lambda _: encoder))
    return encoder


@pytest.fixture
def corpora(tmp_path):
    """Three sets of 80 rows: answers that turn in 2023, the same prompts with answers in turn, and a benign one."""
    lines = ["name,role,family,attack_kind,headline,control_of"]
    for name, role in (("dated", "poisoned"), ("plain", "control"), ("other", "benign")):
        lines.append(f"{name},{role},{name},kind,yes,")
        rows = [
            {"messages": [{"role": "user", "content": f"Today is {2020 + i % 4}-05-{1 + i % 28:02d}. Name a colour."},
                          {"role": "assistant", "content": "black as night" if name == "dated" and i % 4 == 3 else ["red", "green", "blue", "teal", "pink"][i % 5]}]}
            for i in range(80)
        ]  # fmt: skip
        (tmp_path / role).mkdir(exist_ok=True)
        (tmp_path / role / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "small.toml").write_text(SUITE)
    return tmp_path


def test_a_run_goes_on_where_it_stopped_and_gives_the_same(corpora, fake_encoder):
    """Every set and point is a file of its own; with one of them gone only that one is made, and the result is the same."""
    suite, work = str(corpora / "small.toml"), corpora / "work"
    first = run_conditional(suite, corpora, work, Settings(depth="quick"))
    assert {r.name: r.found for r in first.reach} == {"dated": True, "plain": False, "other": False}
    assert "2024" in first.reach[0].absent
    assert (len(first.errors), len(first.power)) == (1, 3)
    asked = fake_encoder.asked
    (work / "point--dated-40-1000.json").unlink()
    again = run_conditional(suite, corpora, work, Settings(depth="quick"))
    assert fake_encoder.asked == asked + 1
    assert (again.reach, again.triggers, again.errors, again.power) == (first.reach, first.triggers, first.errors, first.power)


def test_the_counter_counts_on_one_line():
    """Each step rewrites the line; the last one ends it."""
    stream = io.StringIO()
    counter = Counter(stream)
    counter.stage("testing slots", 2)
    counter.advance()
    counter.advance()
    assert [line.strip() for line in stream.getvalue().replace("\n", "\r").split("\r") if line] == [
        "testing slots: 0 of 2", "testing slots: 1 of 2", "testing slots: 2 of 2",
    ]  # fmt: skip
    assert stream.getvalue().endswith("\n")
