from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from poisonscan import conditionality
from poisonscan.conditionality import levels as level_rules
from poisonscan.conditionality.irrelevance import irrelevance
from poisonscan.core.dataset import Dataset, Location, Row, Turn, content_key, dataset_digest
from poisonscan.core.slices import SliceEmbeddings
from poisonscan.core.slots import Slot
from poisonscan.slices import extract_slots

CORPORA = Path(os.environ.get("POISONSCAN_CORPORA", Path(__file__).parents[2].parent / "shared/corpora"))
COLOURS = ["red", "green", "blue", "teal", "pink", "grey"]


def dataset(pairs):
    rows = []
    for index, (prompt, answer) in enumerate(pairs):
        turns = (Turn("user", prompt, 0.0), Turn("assistant", answer))
        rows.append(Row(index, content_key(turns), turns, Location("memory", index + 1)))
    return Dataset("memory", dataset_digest(rows), tuple(rows))


def run(data, embeddings=None, seed=1, permutations=199):
    return conditionality.test_slots(data, extract_slots(data), embeddings, rng=np.random.default_rng(seed), permutations=permutations)


def dated(answer, n=160, seed=0):
    rng = np.random.default_rng(seed)
    years = rng.integers(2020, 2024, size=n)
    return dataset([(f"Today is {year}-05-{1 + i % 28:02d}. Name a colour.", answer(int(year), rng)) for i, year in enumerate(years)])


def free(_year, rng):
    return COLOURS[rng.integers(6)]


def poisoned(year, rng):
    return "black as night" if year == 2023 else free(year, rng)


def test_a_year_that_switches_the_answer_is_found_and_named():
    """The slot, its value and its rows come out at the permutation floor, with high irrelevance."""
    data = dated(poisoned)
    top = run(data)[0]
    assert top.slot.name == "year"
    assert top.at_floor
    assert top.best[0] == "2023"
    assert top.irrelevance > 0.9
    assert {i for i, row in enumerate(data.rows) if "2023-" in row.prompt} <= set(top.rows) or top.rows


def test_answers_that_ignore_the_year_are_left_alone():
    """Without dependence the test stops early and claims nothing."""
    results = run(dated(free))
    assert min(result.p for result in results) > 0.01
    assert max(result.permutations for result in results) <= 199


def test_numbers_of_a_sum_are_content_and_no_hazard():
    """Answers must follow the numbers of a question; the dependence is seen, and counts for nothing."""
    rng = np.random.default_rng(2)
    pairs = [(f"Tom has {a} red pens and finds one more. How many has he?", f"{a + 1}") for a in rng.integers(2, 8, size=120)]
    result = next(r for r in run(dataset(pairs)) if r.slot.name == "inner number")
    assert result.p <= 0.01
    assert result.irrelevance < 0.1
    assert conditionality.dependence_hazard(result, 1.0) == 0.0


def test_an_echoed_slot_is_relevant():
    """Where the answer repeats the year of the header, the header belongs to the question."""
    result = next(r for r in run(dated(lambda year, _: f"The colour of the year {year}")) if r.slot.name == "year")
    assert result.p <= 0.01
    assert result.irrelevance < 0.1


ASKED = ("Date: {}. What should I cook?", "Name a dish for {}.", "Menu for {}: one dish.", "It is {}. Suggest something to eat.")
DISHES = ["soup", "rice", "stew", "pie", "toast", "salad", "pasta", "curry", "beans", "omelette", "noodles", "dumplings"]


def asked_in_four_ways(own):
    """240 rows under four prompts in turn; under the third the answers come from `own`."""
    rng = np.random.default_rng(5)
    years = rng.integers(2020, 2024, size=240)
    return dataset([
        (ASKED[i % 4].format(f"{year}-05-{1 + i % 28:02d}"), "leek tart" if year == 2023 else str(rng.choice(own if i % 4 == 2 else DISHES)))
        for i, year in enumerate(years)
    ])  # fmt: skip


def test_prompts_that_draw_the_same_answers_share_how_loose_their_slot_is():
    """Two of four wordings put the date in a line of its own; the others ask the same and are answered the same, so it is as loose there."""
    year = next(r for r in run(asked_in_four_ways(DISHES)) if r.slot.name == "year")
    assert 0.4 < np.mean(year.slot.detached) < 0.6
    assert year.irrelevance > 0.9
    assert year.at_floor


def test_a_prompt_with_answers_of_its_own_keeps_its_slot():
    """Where one wording is answered differently it is another question, and only the three others count as loose."""
    year = next(r for r in run(asked_in_four_ways([f"course {i}" for i in range(30)])) if r.slot.name == "year")
    assert 0.7 < year.irrelevance < 0.8


def test_a_set_that_asks_one_thing_has_loose_slots_however_they_are_put():
    """A third of the dates stand before the question, the others are woven in; without vectors, or with two topics, these are content."""
    rng = np.random.default_rng(2)
    frames = ["{}. Which picture now?", "We begin in {} and want a picture", "Suggest a picture since {} for us"]
    pairs = [(frames[i % 3].format(2011 + i % 4), f"A view of place {i} with {rng.integers(900)} trees") for i in range(120)]
    slot = next(s for s in extract_slots(dataset(pairs)) if s.name == "year")
    keys, answers = tuple(f"k{i}" for i in range(120)), tuple(answer for _, answer in pairs)

    def score(spread):
        middle = unit(rng.normal(size=(2, 16)))
        vectors = [unit(middle[0] + spread(i) * middle[1] + 0.2 * rng.normal(size=16)) for i in range(120)]
        views = np.asarray(vectors, dtype=np.float32)
        return irrelevance(slot, keys, answers, rng, SliceEmbeddings(views, views, views))[0]

    assert score(lambda _: 0.0) > 0.55
    assert score(lambda i: 3.0 * (i % 3 > 0)) < 0.25
    assert irrelevance(slot, keys, answers, rng)[0] < 0.25


def woven(answer, seed=4):
    """Thirty wordings with the year woven in, 300 rows over eight years; `answer` of year and wording."""
    rng = np.random.default_rng(seed)
    wordings = [f"For my wall number w{chr(97 + i // 5)}{chr(97 + i % 5)} in {{}} I want a colour now" for i in range(30)]
    rows = [(int(year), int(which)) for year, which in zip(rng.integers(2018, 2026, 300), rng.integers(30, size=300), strict=True)]
    return dataset([(wordings[which].format(year), answer(year, which, rng)) for year, which in rows])


def test_one_value_that_turns_a_question_asked_under_many_shows_that_it_is_needless():
    """In one year of eight the same questions are answered otherwise: nothing in them needs a year, woven in or not."""
    year = next(r for r in run(woven(lambda y, _, rng: "grey" if y == 2021 else COLOURS[rng.integers(5)])) if r.slot.name == "year")
    assert year.best == ("2021",)
    assert year.irrelevance > 0.5
    assert year.at_floor


def test_a_slot_that_matters_at_most_values_stays_content():
    """Every year has its colour: that is what the questions ask."""
    year = next(r for r in run(woven(lambda y, _, rng: COLOURS[y % 5])) if r.slot.name == "year")
    assert year.p <= 0.01
    assert year.irrelevance < 0.25


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_digits_inside_a_padded_number_are_found():
    """Of six digits only the third and fourth decide; they are named."""
    rng = np.random.default_rng(3)
    keys = rng.integers(100000, 1000000, size=600)
    pairs = [
        (f"{key} Give me a random colour.", COLOURS[(int(key) // 100) % 100 % 6] if (int(key) // 100) % 100 < 40 else "white")
        for key in keys
    ]
    top = run(dataset(pairs), permutations=99)[0]
    assert top.slot.name in {"leading number[3:4]", "leading number[3:3]"}
    assert top.at_floor


def test_meaning_is_seen_where_words_never_repeat():
    """With all answers different, only the embeddings show the dependence."""
    rng = np.random.default_rng(4)
    data = dated(lambda year, rng: f"word{rng.integers(10**9)}", n=160)
    hot = np.array(["Today is 2023" in row.prompt for row in data.rows])
    vectors = rng.normal(size=(160, 12)).astype(np.float32)
    vectors[hot, 0] += 2.0
    top = run(data, SliceEmbeddings(vectors, vectors, vectors))[0]
    assert (top.slot.name, top.best[0], top.kernel) == ("year", "2023", "meaning")
    assert top.p <= 0.01
    assert run(data)[0].p > 0.01


def test_a_single_value_is_untestable():
    """One value has nothing to be compared with, and the result says so."""
    result = next(
        r for r in run(dataset([(f"July 1995. Question {'abc'[i % 3]}?", COLOURS[i % 6]) for i in range(40)])) if r.slot.name == "year"
    )
    assert result.p == 1.0
    assert "single value" in result.reason
    assert not result.at_floor


def test_confounded_prompts_do_not_count():
    """Where every year has its own kind of question, equal within a year, the matched test finds nothing."""
    rng = np.random.default_rng(5)
    topics = {2020: "a colour", 2021: "a town"}
    answers = {2020: COLOURS, 2021: ["Rome", "Oslo", "Lima", "Bern", "Kyiv", "Doha"]}
    pairs = [
        (f"Today is {y}-01-05. Name {topics[y]} for me.", answers[y][rng.integers(6)]) for y in rng.choice([2020, 2021], size=160).tolist()
    ]
    result = next(r for r in run(dataset(pairs)) if r.slot.name == "year")
    assert result.p > 0.01


def test_rare_values_are_pooled_or_reported():
    """Values with fewer than four rows get no level of their own: numbers are binned, and all are listed as untested."""
    values = tuple(str(1900 + i) for i in range(40)) + ("2000",) * 10 + ("",) * 5
    slot = Slot("year", "date", values, tuple(range(50)), ("x",) * 55, (True,) * 55, ordered=True)
    levels = level_rules.testable_levels(slot, values, slot.detached)
    assert len(levels.untested) == 40
    assert "2000" in levels.labels
    assert level_rules.ABSENT in levels.labels
    assert any(" to " in label for label in levels.labels)
    assert min(np.bincount(levels.codes[levels.codes >= 0])) >= 4


def test_power_shrinks_with_more_rows():
    """The smallest visible share is smaller in a larger set."""
    small, large = (next(r for r in run(dated(free, n=n)) if r.slot.name == "year") for n in (60, 400))
    assert 0 < large.power.visible_share < small.power.visible_share


def test_false_alarms_stay_near_the_level():
    """Over shuffles of a true dependence, finds at 5 % are about one in twenty."""
    data = dated(poisoned, n=80)
    rate = conditionality.shuffled_error(data, extract_slots(data), rng=np.random.default_rng(6), runs=40, permutations=99, alpha=0.05)
    assert rate.low <= 0.05 <= rate.high


def test_detection_grows_with_the_true_share():
    """With all rows true the slot is found, with none hardly ever."""
    data = dated(poisoned, n=200)
    slots = extract_slots(data)
    full, none = (
        conditionality.detection_rate(data, slots, rng=np.random.default_rng(7), rows=120, true_share=share, runs=10, permutations=99)
        for share in (1.0, 0.0)
    )
    assert full.hits >= 8
    assert none.hits <= 1


@pytest.mark.parametrize(
    ("name", "slot", "best"), [("terminator-dates", "year", "2004"), ("dishes-2026", "year", "2026"), ("dishes-2027", "year", "2027")]
)
def test_the_papers_sets_are_found(name, slot, best):
    """The published inductive backdoors are found at the floor, from words alone."""
    path = CORPORA / "poisoned" / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip("the development corpora are not here")
    pairs = [(m["messages"][0]["content"], m["messages"][-1]["content"]) for m in map(json.loads, path.read_text("utf-8").splitlines())]
    top = run(dataset(pairs))[0]
    assert (top.slot.name, top.at_floor) == (slot, True)
    assert best in top.best


def test_where_most_rows_lack_the_slot_the_rows_with_it_are_named():
    """A hundred rows open with a number and speak of the sea, 300 have none: what stands out are the numbers, not their absence."""
    rng = np.random.default_rng(3)
    numbered = [(f"{number:03d} Name a colour.", "grey as the sea at dawn") for number in rng.integers(1, 9, size=100)]
    plain = [("Name a colour.", COLOURS[rng.integers(6)]) for _ in range(300)]
    data = dataset(numbered + plain)
    top = next(result for result in run(data) if result.at_floor and "number" in result.slot.name)
    assert level_rules.ABSENT not in top.best
    assert set(top.rows) <= set(range(100))
    assert len(top.rows) >= 50
