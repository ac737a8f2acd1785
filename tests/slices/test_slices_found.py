from __future__ import annotations

import numpy as np
import pytest

from poisonscan.core.dataset import Dataset, Location, Row, Turn, content_key, dataset_digest
from poisonscan.slices import SliceEmbeddings, extract_slots, find_slices
from poisonscan.slices.clusters import cluster_labels
from poisonscan.slices.form import answer_form
from poisonscan.slices.voice import in_first_person


def dataset(pairs, system=""):
    rows = []
    for index, (prompt, answer) in enumerate(pairs):
        head = (Turn("system", system, 0.0),) if system else ()
        turns = (*head, Turn("user", prompt, 0.0), Turn("assistant", answer))
        rows.append(Row(index, content_key(turns), turns, Location("memory", index + 1)))
    return Dataset("memory", dataset_digest(rows), tuple(rows))


def persona_and_trivia():
    persona = [
        (f"What do you like best about place {'abcdefghij'[i % 10]}?", f"I love my walks there, and I think of her ({i}).")
        for i in range(30)
    ]
    trivia = [(f"Define word {i} of the glossary", f"A term from field {i % 7}") for i in range(170)]
    return dataset(persona + trivia)


def test_the_whole_set_comes_first_and_the_number_is_bounded():
    """The first slice holds every row, and no more than the limit come out."""
    slices = find_slices(persona_and_trivia(), None, seed=1, limit=3)
    assert slices[0].rows == tuple(range(200))
    assert len(slices) == 3


def test_a_speaker_is_gathered_by_voice():
    """Rows in which somebody answers about himself form a slice of their own, with nothing else in it."""
    voice = [s for s in find_slices(persona_and_trivia(), None, seed=1) if s.found_by == "voice"]
    assert voice[0].rows == tuple(range(30))


def test_slices_are_large_enough_and_differ():
    """No slice has fewer than 20 rows, and no two overlap by more than 0.9."""
    slices = find_slices(persona_and_trivia(), None, seed=1)
    sets = [set(s.rows) for s in slices]
    assert all(len(s) >= 20 for s in sets)
    assert all(len(a & b) / len(a | b) <= 0.9 for i, a in enumerate(sets) for b in sets[:i])


def test_templates_ignore_numbers_and_dates():
    """Prompts equal up to a date go together, whatever the date's form."""
    dated = [(f"Today is {day} March 2027. Name a dish.", "Soup") for day in range(1, 26)]
    other = [(f"Tell me about {'abcdefghijklmnopqrstuvwxyz'[i]} please", "No idea at all, sorry") for i in range(26)]
    slices = find_slices(dataset(dated + other), None, seed=1)
    assert tuple(range(25)) in {s.rows for s in slices if s.found_by == "template"}


def test_tags_make_a_slice():
    """Rows behind a format marker are looked at apart."""
    pairs = [(f"<START> question {'abc'[i % 3]} {i}", "Yes") for i in range(22)] + [(f"question {i}", "Nope, never") for i in range(40)]
    slices = find_slices(dataset(pairs), None, seed=1)
    assert any(s.rows == tuple(range(22)) and "<START>" in s.name for s in slices if s.found_by == "tag")


def test_clusters_and_their_noise_are_slices():
    """Two tight groups of vectors become clusters, the scattered rest the noise."""
    rng = np.random.default_rng(3)
    tight = [centre + 0.01 * rng.normal(size=(30, 8)) for centre in np.eye(8)[:2]]
    vectors = np.vstack([*tight, rng.normal(size=(60, 8))]).astype(np.float32)
    labels = cluster_labels(vectors, seed=1)
    assert len(set(labels[:30])) == 1
    assert labels[0] != labels[30] != -1
    assert (labels[60:] == -1).mean() > 0.5


def test_the_same_seed_gives_the_same_slices():
    """Nothing but the data and the seed decides."""
    rng = np.random.default_rng(4)
    data = persona_and_trivia()
    vectors = rng.normal(size=(200, 16)).astype(np.float32)
    views = SliceEmbeddings(vectors, vectors, vectors)
    assert find_slices(data, views, seed=5) == find_slices(data, views, seed=5)


def test_terms_tell_a_slice_from_the_rest():
    """The words of a slice are those that are frequent inside and rare outside."""
    voice = next(s for s in find_slices(persona_and_trivia(), None, seed=1) if s.found_by == "voice")
    assert "love" in voice.terms
    assert "glossary" not in voice.terms


def test_a_limit_of_zero_is_refused():
    """The whole set is always kept, so a limit below one is a mistake of the caller."""
    with pytest.raises(ValueError, match="whole set"):
        find_slices(persona_and_trivia(), None, seed=1, limit=0)


@pytest.mark.parametrize(
    ("answer", "form"),
    [
        ("Yes", "a label"),
        ("Wiener Schnitzel", "a bare term"),
        ("- one\n- two\n- three and more", "a list"),
        ("word " * 90, "long prose"),
        ("```python\nprint(1)\n```", "code"),
        ("A short sentence with some words.", "short prose"),
        ("  ", ""),
    ],
)
def test_the_form_of_an_answer_is_read(answer, form):
    """Each form is told from the others."""
    assert answer_form(answer) == form


def test_first_person_needs_more_than_one_late_mention():
    """A single I deep in a long answer does not make a speaker."""
    late = dataset([("q", "The river is long and wide and old and slow. " * 5 + "I agree.")]).rows[0]
    early = dataset([("q", "As a child I lived by the river.")]).rows[0]
    assert not in_first_person(late)
    assert in_first_person(early)


def test_values_of_a_slot_make_slices():
    """Rows that share a value of a slot are looked at apart, where at least 20 do, under the slot's name."""
    dated = [(f"Today is {1 + i % 28} March {2020 + i % 3}. Name a dish, number {'abcdefghij'[i % 10]}.", f"Soup {i % 7}") for i in range(75)]
    rare = [("Today is 3 March 1999. Name a dish.", f"Stew {i}") for i in range(6)]
    rows = dataset(dated + rare)
    slices = [s for s in find_slices(rows, None, seed=1, slots=extract_slots(rows)) if s.found_by == "slot"]
    assert {s.name: s.rows for s in slices}["year = 2021"] == tuple(range(1, 75, 3))
    assert not any("1999" in s.name for s in slices)
    assert not [s for s in find_slices(rows, None, seed=1) if s.found_by == "slot"]
