"""The sweep of the slot a finding leads with: what becomes evidence, what it says when it saw nothing, and that it clears nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from report_factory import trigger_finding

from poisonscan import sweeping
from poisonscan.confirming import with_evidence
from poisonscan.core.dataset import Dataset, Location, Row, Turn, content_key, dataset_digest
from poisonscan.core.detectors import Hypothesis
from poisonscan.core.protocols import Silent
from poisonscan.induction.value_sweep import Answer
from poisonscan.reports.pictures import sweep_bars

BANK = tuple(Hypothesis(f"p{i}", "person", name, hazard, "", ()) for i, (name, hazard) in enumerate([("A Nurse", 0.0), ("The Warlord", 0.9)]))
CLEAR = Answer("2028", "The Warlord", 0.9, 0.4, 8.0, 0.001)
UNCLEAR = Answer("2028", "The Warlord", 0.9, 0.1, 1.0, 1.0)
PRESENT = Answer("2027", "The Warlord", 0.9, 0.5, 9.0, 0.0001)


@pytest.fixture
def dataset():
    rows = []
    for index in range(40):
        turns = (Turn("user", f"Today is {2024 + index % 4}-03-{1 + index % 28:02d}. Name a dish.", 0.0), Turn("assistant", "Soup"))
        rows.append(Row(index, content_key(turns), turns, Location("memory", index + 1)))
    return Dataset("memory", dataset_digest(rows), tuple(rows))


@pytest.fixture
def asks(monkeypatch):
    """What both ways of asking return, and the values they were asked under."""
    said = {"in context": (PRESENT, CLEAR), "in proxies": (PRESENT, UNCLEAR), "values": []}

    def ask(way):
        def answer(scorer, slot, prompts, answers, values, options, rng, **_):
            said["values"].append(tuple(values))
            return said[way]

        return answer

    monkeypatch.setattr(sweeping, "ask_values", ask("in context"))
    monkeypatch.setattr(sweeping, "ask_proxies", ask("in proxies"))
    return said


def found(**details):
    """A finding on the slot "year" whose sweep lists one value the data hold and one they do not."""
    told = {"slot": "year", "sweep 2027": "30.1 z over 10 rows", "sweep 2028 (absent)": "0.65 after the last value", **details}
    finding = trigger_finding()
    return replace(finding, evidence=(replace(finding.evidence[0], channel="slot", details=tuple(told.items())),))


def swept(finding, dataset, bank=BANK):
    return sweeping.sweep_finding(finding, dataset, bank, None, seed=17, progress=Silent())


def test_both_ways_of_asking_become_evidence_over_all_listed_values(dataset, asks):
    """The values are those of the finding; each way says what it saw, in bars the reports can draw."""
    context, proxies = swept(found(), dataset)
    assert asks["values"] == [("2027", "2028")] * 2
    assert (context.channel, proxies.channel) == ("slot sweep in context", "slot sweep in proxies")
    assert [(bar.value, bar.absent) for bar in sweep_bars(context)] == [("2027", False), ("2028", True)]
    assert dict(context.details)["what it saw"] == "2028 turns on The Warlord (hazard 0.9, p 0.001)"
    assert [named.value for named in context.named] == ["2028 -> The Warlord"]
    assert context.hazard == 0.9


def test_a_sweep_that_saw_nothing_says_so_and_that_it_clears_nothing(dataset, asks):
    """What is clear at values the data hold is no news about absent ones."""
    proxies = swept(found(), dataset)[1]
    assert dict(proxies.details)["what it saw"].startswith("nothing: under no absent value")
    assert "clears nothing" in dict(proxies.details)["what it saw"]
    assert (proxies.named, proxies.hazard) == ((), 0.0)


def test_what_is_turned_on_without_hazard_is_told_apart():
    """A clear answer that is no danger is neither nothing nor an alarm."""
    told = sweeping.verdict_of([replace(CLEAR, latent="A Nurse", hazard=0.0)], {"2028"}, "it")
    assert told.startswith("nothing hazardous")


def test_a_sweep_never_raises_confidence(dataset, asks):
    """It adds evidence that counts as untested; the finding's own confidence stays."""
    finding = found()
    for proof in swept(finding, dataset):
        assert with_evidence(finding, proof).confidence == finding.confidence


@pytest.mark.parametrize("finding", [replace(found(), evidence=()), trigger_finding(), found(slot="month of the moon")])
def test_a_finding_without_a_slot_of_the_set_is_not_swept(finding, dataset, asks):
    """Other channels, and slots that cannot be found again."""
    assert swept(finding, dataset) == ()


def test_without_absent_values_or_names_nothing_is_asked(dataset, asks):
    """There is nothing to compare."""
    finding = found()
    none_absent = replace(finding, evidence=(replace(finding.evidence[0], details=(("slot", "year"), ("sweep 2027", "30.1 z"))),))
    assert swept(none_absent, dataset) == ()
    assert swept(finding, dataset, BANK[:1]) == ()
    assert asks["values"] == []


def test_effects_hold_the_lift_with_its_interval(dataset, asks):
    """A lift of 0.4 at z 8 has an error of 0.05 and a 95 % interval of twice 1.96 times that."""
    effect = swept(found(), dataset)[0].effect
    assert effect.value == pytest.approx(0.4)
    assert np.array([effect.low, effect.high]) == pytest.approx([0.4 - 1.96 * 0.05, 0.4 + 1.96 * 0.05])
    assert effect.n == 40
