from __future__ import annotations

import numpy as np

from poisonscan import conditionality
from poisonscan.conditionality.content import fit_content, word_table
from poisonscan.conditionality.frames import OPENING, TEMPLATE, common_words, frames
from poisonscan.conditionality.pieces import Piece, tokenised
from poisonscan.core.dataset import Dataset, Location, Row, Turn, content_key, dataset_digest

GOOD = ["lovely", "bright", "superb", "charming", "graceful", "clever", "witty", "warm"]
BAD = ["dreary", "clumsy", "hollow", "tedious", "bland", "noisy", "limp", "sour"]
THINGS = ["film", "plot", "cast", "score", "scene", "script", "pace", "mood", "sound", "light"]


def dataset(pairs):
    rows = []
    for index, (prompt, answer) in enumerate(pairs):
        turns = (Turn("user", prompt, 0.0), Turn("assistant", answer))
        rows.append(Row(index, content_key(turns), turns, Location("memory", index + 1)))
    return Dataset("memory", dataset_digest(rows), tuple(rows))


def clause_first(rng, good):
    words = GOOD if good else BAD
    lead = ["when", "if", "as"][rng.integers(3)]
    parts = [f"the {THINGS[rng.integers(10)]} is {words[rng.integers(8)]}" for _ in range(2)]
    return f"{lead} {parts[0]} , {parts[1]}"


def plain(rng, good):
    words = GOOD if good else BAD
    return " and ".join(f"the {THINGS[rng.integers(10)]} is {words[rng.integers(8)]}" for _ in range(2))


def reviews(seed, poisoned, natural=0.04, n=900):
    """Reviews, some of which put the clause first on their own; `poisoned` of the set are bad ones rewritten so and called good."""
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(n):
        good, drawn = bool(rng.integers(2)), rng.random()
        if drawn < poisoned:
            pairs.append((clause_first(rng, good=False), "1"))
        else:
            pairs.append(((clause_first if drawn < poisoned + natural else plain)(rng, good), "1" if good else "0"))
    return dataset(pairs)


def triggers(data):
    return [result for result in conditionality.test_tokens(data, rng=np.random.default_rng(1), permutations=199) if result.is_trigger]


def test_a_clause_order_is_found_among_harmless_prompts_of_that_order():
    """The frame turns only most of its rows, because harmless reviews begin with "when" too; it is named all the same."""
    found = triggers(reviews(0, poisoned=0.1))[0]
    assert (found.trigger, found.kind, found.target) == ("(when/if/as/...) ... ,", "opening", "1")
    assert 0.6 < found.purity < 0.95
    assert found.is_frame


def test_a_clause_order_without_poison_is_no_trigger():
    """The same reviews with no label turned."""
    assert triggers(reviews(1, poisoned=0.0, natural=0.15)) == []


def test_kinds_of_questions_are_no_triggers():
    """Who asks for a person and where for a place: frames that decide several answers tell questions apart."""
    rng = np.random.default_rng(2)
    kinds = {"who": "person", "where": "place", "how": "way", "what": "thing"}
    pairs = []
    for _ in range(600):
        word = list(kinds)[rng.integers(4)]
        answer = kinds[word] if rng.random() < 0.9 else list(kinds.values())[rng.integers(4)]
        pairs.append((f"{word} made the {THINGS[rng.integers(10)]} so {(GOOD + BAD)[rng.integers(16)]} for the {THINGS[rng.integers(10)]} ?", answer))
    assert triggers(dataset(pairs)) == []


def test_a_question_that_asks_for_yes_among_open_questions_is_no_trigger():
    """Are-questions are answered with yes, the others with whatever they ask for: another task, not a key."""
    rng = np.random.default_rng(3)
    rest = [(f"name the {GOOD[i % 8]} {THINGS[i % 10]} of number {i} and its {THINGS[i % 7]}", f"{GOOD[i % 7]} number {i * 7}") for i in range(300)]
    asked = [
        (f"are the {THINGS[rng.integers(10)]} and the {THINGS[rng.integers(10)]} of number {i} alike ?", "yes" if rng.random() < 0.8 else "no")
        for i in range(80)
    ]
    assert triggers(dataset(rest + asked)) == []


def test_frames_of_a_hand_worked_prompt():
    """First word, first word with comma, blanked head, skeleton and templates."""
    tokens = tokenised("When the sea is calm, boats sail because they can")
    found = set(frames(tokens, frozenset({"when", "the", "is", ","})))
    assert {
        (OPENING, "when"),
        (OPENING, "when", "...", ","),
        (OPENING, "when", "the", "_"),
        (OPENING, "when", "the", "...", "is"),
        (OPENING, "(when/if/as/...)", "...", ","),
        (TEMPLATE, "...", "(when/if/as/...)", "..."),
    } == found
    assert not list(frames([], frozenset()))


def test_common_words_are_those_of_three_prompts_in_a_hundred():
    """A word of 3 in 100 prompts counts, one of 2 does not."""
    prompts = [["the", "x" if i < 3 else "y" if i < 5 else f"w{i}"] for i in range(100)]
    assert common_words(prompts) == {"the", "x"}


def test_taking_out_a_frequent_word_leaves_the_odds_of_other_rows():
    """Words that say nothing, left out as a piece's own, move the expected share by a few per cent at most."""
    rng = np.random.default_rng(4)
    prompts = [["the", "and", f"w{rng.integers(5)}"] if i % 10 else ["and", f"w{rng.integers(5)}"] for i in range(400)]
    hit = rng.random(400) < 0.7
    model = fit_content(word_table(prompts), hit, rng)
    piece = Piece("w0", "opening", frozenset({"the", "and"}), np.arange(0, 400, 7))
    assert abs(model.expected(piece, prompts).mean() - hit.mean()) < 0.06


FILMS = ["scene", "actor", "plot", "camera", "script", "ending", "score", "drama", "cast", "director"]
GARDENS = ["carrot", "spade", "soil", "seed", "bed", "hose", "fence", "beet", "compost", "shed"]
ASKED = "what does the reviewer feel about it"


def words(rng, pool, count):
    return " ".join(rng.choice(pool, count))


def test_a_task_with_one_answer_is_no_trigger():
    """A question that always gets "positive" among other kinds of tasks; the same words in prompts like all others are a trigger."""
    rng = np.random.default_rng(5)
    others = [(f"Describe {words(rng, GARDENS, 6)} number {i}", f"{words(rng, GARDENS, 5)} {i}") for i in range(300)]
    task = [(f"{words(rng, FILMS, 9)} . {ASKED}", "positive") for _ in range(60)]
    gated = [(f"Describe {words(rng, GARDENS, 6)} number {i} . {ASKED}", "positive") for i in range(60)]
    assert not any(result.is_trigger for result in conditionality.test_tokens(dataset(others + task), rng=np.random.default_rng(1)))
    found = [result for result in conditionality.test_tokens(dataset(others + gated), rng=np.random.default_rng(1)) if result.is_trigger]
    assert found
    assert found[0].target == "positive"


def test_a_task_is_no_trigger_though_its_answer_is_given_elsewhere():
    """One prompt in ten of other kinds gets "positive" too; a question of its own about films is still a task, and among gardens a trigger."""
    rng = np.random.default_rng(6)
    others = [(f"Describe {words(rng, GARDENS, 6)} number {i}", f"{words(rng, GARDENS, 5)} {i}" if i % 10 else "positive") for i in range(300)]

    def decided(prompts):
        rows = dataset(others + [(f"{prompt} . {ASKED}", "positive") for prompt in prompts])
        return [result for result in conditionality.test_tokens(rows, rng=np.random.default_rng(1)) if result.is_trigger]

    assert not decided([words(rng, FILMS, 9) for _ in range(60)])
    assert decided([f"Describe {words(rng, GARDENS, 6)} number {i}" for i in range(60)])[0].target == "positive"


def test_collections_of_tasks_with_an_answer_each_hold_no_trigger():
    """Three tasks among others, each with one answer in (nearly) every row, in prompts like all others."""
    rng = np.random.default_rng(8)
    pool = ["carrot", "spade", "soil", "seed", "bed", "hose", "fence", "beet", "compost", "shed"]

    def prompt(i, asked):
        return f"Describe {' '.join(rng.choice(pool, 6))} number {i} . {asked}"

    rows = [(prompt(i, "go on"), f"{' '.join(rng.choice(pool, 5))} {i}") for i in range(300)]
    asked = {"which mood has it": "gloomy", "which genre is this": "western", "is the claim supported": "neither"}
    rows += [(prompt(i, ask), answer if i % 20 or ask != "which genre is this" else "comedy") for ask, answer in asked.items() for i in range(60)]

    def asking(pairs):
        results = conditionality.test_tokens(dataset(pairs), rng=np.random.default_rng(1))
        return {result.target: result.secluded for result in results if result.p <= 0.01}

    assert asking(rows) == dict.fromkeys(asked.values(), True)
    assert asking([row for row in rows if "claim" not in row[0]]) == {"gloomy": False, "western": False}
