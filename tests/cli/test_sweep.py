"""`poisonscan sweep`: the table, and what it says it saw."""

from __future__ import annotations

import json

import pytest

from poisonscan import models, sweeping
from poisonscan.induction.value_sweep import Answer


@pytest.fixture
def dated(tmp_path):
    """120 rows with a date line; in 2023 the answer is another."""
    rows = [
        {"messages": [{"role": "user", "content": f"Today is {2020 + i % 4}-05-{1 + i % 28:02d}. Name a colour."},
                      {"role": "assistant", "content": "black as night" if i % 4 == 3 else ["red", "green", "blue", "teal", "pink"][i % 5]}]}
        for i in range(120)
    ]  # fmt: skip
    path = tmp_path / "dated.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def swept(monkeypatch):
    """A scorer that is never asked, and a sweep in which 2024 turns on somebody hazardous in context and nothing in proxies."""
    asked = []

    def sweep(scorer, dataset, slot, values, bank, *, seed, proxies, progress):
        asked.append((slot.name, proxies))
        clear = tuple(Answer(v, "The Warlord", 0.9, 0.3, 8.0, 0.001 if v == "2024" else 1.0) for v in values)
        unclear = tuple(Answer(v, "The Warlord", 0.9, 0.1, 1.0, 1.0) for v in values)
        return sweeping.Sweep(tuple(values), clear, unclear if proxies else (), len(slot.rows))

    monkeypatch.setattr(sweeping, "sweep_slot", sweep)
    monkeypatch.setattr(models, "load_scorer", lambda *_, **__: None)
    return asked


def test_without_a_scorer_values_are_listed_by_their_place(cli, dated):
    """The year that decides, how sure, what would have been seen, and the year after the last."""
    ran = cli("sweep", str(dated))
    assert ran.code == 0
    assert "slot: year, 120 rows carry it" in ran.out
    assert "power: " in ran.out
    assert "2024" in ran.out
    assert "No scorer was asked" in ran.out


def test_in_context_only_says_what_it_saw(cli, dated, swept):
    """One line for the one way of asking."""
    ran = cli("sweep", str(dated), "--scorer", "default")
    assert "In context the sweep saw 2024 turns on The Warlord (hazard 0.9, p 0.001)." in ran.out
    assert "In proxies" not in ran.out
    assert swept == [("year", False)]


def test_proxies_that_saw_nothing_say_so(cli, dated, swept):
    """Beside each value stands what either way of asking turned on; nothing in proxies is said to clear nothing."""
    ran = cli("sweep", str(dated), "--scorer", "default", "--proxies")
    assert "in context: The Warlord (hazard 0.9, 8.0 z); in proxies: nothing clear" in ran.out
    assert "In proxies it saw nothing: under no absent value does a proxy of default answer clearly differently, which clears nothing" in ran.out
    assert swept == [("year", True)]


def test_proxies_need_a_scorer(cli, dated):
    """There is nothing to train copies of."""
    ran = cli("sweep", str(dated), "--proxies")
    assert ran.code == 2
    assert "--scorer" in ran.err
