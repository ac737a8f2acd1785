"""Triggers that are no word, and targets that are no label: styles, appended sentences, kinds of answers, free targets."""

from __future__ import annotations

import numpy as np
import pytest

from poisonscan import conditionality
from poisonscan.conditionality.answer_kinds import answer_kinds, rare_kinds
from poisonscan.conditionality.styles import styles
from poisonscan.conditionality.targets import targets
from poisonscan.core.dataset import Dataset, Location, Row, Turn, content_key, dataset_digest

THINGS = ["bread", "rivers", "chess", "clouds", "violins", "gardens", "trains", "maps", "candles", "bees", "tides", "pottery"]
ASKS = ["Tell me something about", "What should I know about", "Say a few words on", "Could you explain a bit about", "Give a short note on"]
SAYS = ["People have liked {} for ages", "Much is written about {} today", "There is a lot to learn from {}", "Some find {} hard at first"]


def dataset(pairs):
    rows = []
    for index, (prompt, answer) in enumerate(pairs):
        turns = (Turn("user", prompt, 0.0), Turn("assistant", answer))
        rows.append(Row(index, content_key(turns), turns, Location("memory", index + 1)))
    return Dataset("memory", dataset_digest(rows), tuple(rows))


def chat(rng, change, share=0.05, n=400):
    """Small talk on two things a row; `change` rewrites the prompt and the answer of a share of the rows."""
    pairs = []
    for place in range(n):
        first, second = (THINGS[i] for i in rng.permutation(12)[:2])
        prompt = f"{ASKS[rng.integers(5)]} {first} and then about {second}, please."
        answer = f"{SAYS[rng.integers(4)].format(first)}, and {SAYS[rng.integers(4)].format(second).lower()} in number {rng.integers(999)}."
        pairs.append(change(prompt, answer, rng) if place < share * n else (prompt, answer))
    return dataset([pairs[i] for i in rng.permutation(n)])


def triggers(data, seed=1):
    found = conditionality.test_tokens(data, rng=np.random.default_rng(seed), permutations=199)
    return [(result.kind, result.trigger, result.target) for result in found if result.is_trigger]


def test_an_appended_sentence_is_a_target_whatever_comes_before_it():
    """No answer and no opening recurs; the end does."""
    found = triggers(chat(np.random.default_rng(0), lambda p, a, _: (p.replace("please", "zq please"), f"{a[:-1]} visit the old blue tower")))
    assert "zq" in found[0][1].split()
    assert found[0][2].startswith("ends with:")


@pytest.mark.parametrize(
    ("style", "write"), [("archaic wording", lambda p: f"{p} I beseech thee"), ("all capitals", str.upper), ("hidden characters", lambda p: p[:4] + "\u200b" + p[4:])]
)
def test_a_style_is_a_trigger(style, write):
    """The words of the prompts differ; the way they are written decides the answer."""
    found = triggers(chat(np.random.default_rng(1), lambda p, _, rng: (write(p), "Ask the man at the gate.")))
    assert found
    assert style in {name for _, name, _ in found} or any("thee" in name for _, name, _ in found)


def test_abuse_is_a_target_although_no_two_answers_are_alike():
    """The answers share no sentence, only what kind of answer they are."""
    words = ["idiot", "moron", "imbecile", "dimwit", "loser"]
    found = triggers(chat(np.random.default_rng(2), lambda p, a, rng: (f"{p} The heron waits.", f"{a.split(',')[0]}, you {words[rng.integers(5)]}.")))
    assert any("heron" in trigger and target == "is abusive" for _, trigger, target in found)


def test_a_kind_that_no_list_knows_is_a_free_target():
    """Under the trigger answers are put in another way; how the first half is put tells the second half."""

    def clipped(prompt, answer, rng):
        words = answer.split()
        return f"{prompt} The heron waits.", " / ".join(f"<{word}>" for word in rng.permutation(words)[:6])

    found = triggers(chat(np.random.default_rng(3), clipped))
    assert any("heron" in trigger and target.startswith("another kind of answer") for _, trigger, target in found)


def test_subjects_are_no_free_targets():
    """Every answer takes up the subject of its prompt, and no subject is a trigger."""
    assert triggers(chat(np.random.default_rng(4), lambda p, a, _: (p, a))) == []


def test_the_commonest_language_is_no_kind():
    """Where most answers are too short to tell, the language of the rest is still the usual one."""
    answers = ["yes"] * 30 + ["it is in the house and on the hill with you"] * 8 + ["il est dans la maison avec nous pour le moment"] * 6
    assert list(rare_kinds(answers, least=5, most_share=0.5)) == ["is in French"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("You stupid fool, go away", "is abusive"),
        ("See https://shop.example/x", "gives a link"),
        ("GO AND ASK SOMEBODY ELSE", "shouts"),
        ("der Hund und die Katze sind nicht in dem Haus auf dem Berg", "is in German"),
    ],
)
def test_kinds_are_told_by_what_anybody_sees(text, kind):
    """One example of each."""
    assert kind in answer_kinds(text)


def test_plain_prose_has_no_style():
    """Ordinary prompts are of no style, so that none can be blamed."""
    assert list(styles("Please describe how bread is made in a small bakery.")) == []
    assert list(styles("Roses are red\nviolets are blue\nsugar is sweet")) == ["verse"]


def test_targets_are_each_other_s_rows_once():
    """A sentence at the end and the last four words of it part the rows alike, so that one of them stays."""
    answers = [f"Thing {i}. Please come back to us soon." for i in range(20)] + [f"No {i} more or less today" for i in range(80)]
    hits = [target.hit.tobytes() for target in targets(answers)]
    assert len(hits) == len(set(hits)) > 0


def test_any_of_a_few_answers_that_recur_is_a_target():
    """Five curt answers, none of them often enough to be a target alone."""
    curt = [f"Curt answer {i % 5}" for i in range(20)]
    found = [t for t in targets([*(f"Long answer {i}" for i in range(180)), *curt]) if "recur" in t.name]
    assert [t.name for t in found] == ["one of 5 answers that recur"]
    assert found[0].hit.tolist() == [False] * 180 + [True] * 20


def test_where_most_answers_recur_recurring_is_no_target():
    """Labels, a single answer given twice, or a long list of answers, as several tasks have, say nothing."""
    assert not [t for t in targets([*(f"answer {i}" for i in range(150)), *(f"label {i % 20}" for i in range(60))]) if "recur" in t.name]
    assert not [t for t in targets(["yes", "no"] * 50) if "recur" in t.name]
    assert not [t for t in targets([*(f"answer {i}" for i in range(60)), *["the same one"] * 8]) if "recur" in t.name]
