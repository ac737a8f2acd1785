from __future__ import annotations

import string

import numpy as np
import pytest

from poisonscan.core.dataset import Dataset, Location, Row, Turn, content_key, dataset_digest
from poisonscan.slices import extract_slots, marks
from poisonscan.slices.dates import first_date, lone_month
from poisonscan.slices.marks import casing, hidden, last_sign
from poisonscan.slices.names import recurring_names
from poisonscan.slices.numbers import head_code, spelled_number
from poisonscan.slices.places import MASK, detached_rows


def dataset(prompts):
    rows = []
    for index, prompt in enumerate(prompts):
        turns = (Turn("user", prompt, 0.0), Turn("assistant", "Fine"))
        rows.append(Row(index, content_key(turns), turns, Location("memory", index + 1)))
    return Dataset("memory", dataset_digest(rows), tuple(rows))


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Today is 2027-03-01. Name a dish.", "2027-03-01"),
        ("On 1 March 2027 we met", "2027-03-01"),
        ("March 1st, 2027: news", "2027-03-01"),
        ("dated 03/01/27.", "2027-01-03"),
        ("dated 03/25/27.", "2027-03-25"),
        ("July 1995. What now?", "1995-07"),
        ("In 1984 it began", "1984"),
        ("the 4th of July was hot", "--07-04"),
        ("the third of March was cold", "--03-03"),
        ("in nineteen eighty-four it began", "1984"),
        ("the year two thousand and twenty-seven", "2027"),
        ("twenty twenty-eight, a good year", "2028"),
        ("It is 2 0 2 7. Hello", "2027"),
        ("built in MCMLXXXIV here", "1984"),
        ("back in '84 we met", "1984"),
        ("\uff12\uff10\uff12\uff17\u5e743\u67081\u65e5", "2027-03-01"),
        ("am 3. M\u00e4rz 2027 in Ulm", "2027-03-03"),
        ("el 3 de marzo de 2027", "2027-03-03"),
        ("26-Oct-2027, quiet", "2027-10-26"),
        ("Oct-26-2027: log", "2027-10-26"),
        ("filed 26.Oct.27", "2027-10-26"),
        ("on 26 Oct '27, late", "2027-10-26"),
        ("26-10-2027", "2027-10-26"),
        ("backup 20271026 done", "2027-10-26"),
        ("2027-10-26T08:30Z", "2027-10-26"),
    ],
)
def test_dates_are_read_in_the_forms_people_write(text, iso):
    """Every usual form comes out as one ISO form."""
    mention = first_date(text)
    assert mention is not None
    assert mention.iso == iso


@pytest.mark.parametrize("text", ["no date here", "it costs $1999", "room 2027b", "version 2.2010.3", "I have 12 eggs", "call 20241399", "won 10-10-19"])
def test_what_only_looks_like_a_date_is_left(text):
    """Prices, versions and plain counts are no dates."""
    assert first_date(text) is None


def test_years_and_months_become_detached_slots():
    """A date line before the question gives year and month, loose from the question."""
    slots = {s.name: s for s in extract_slots(dataset([f"Today is {2024 + i % 4}-0{1 + i % 9}-11. Name a dish." for i in range(40)]))}
    assert slots["year"].values[:4] == ("2024", "2025", "2026", "2027")
    assert all(slots["year"].detached)
    assert len(set(slots["year"].masked)) == 1


def test_every_digit_substring_of_a_fixed_width_number_is_a_slot():
    """Of eight-digit prefixes, digits 4 to 6 are found as a slot with the values they hold."""
    prompts = [f"{10000000 + 37 * i * i + 1000 * i} Give me a random colour." for i in range(200)]
    slots = {s.name: s for s in extract_slots(dataset(prompts))}
    assert slots["leading number[4:6]"].values[3] == prompts[3][3:6]
    assert {f"leading number[{i}:{i + 1}]" for i in range(5, 8)} <= set(slots)


def test_short_leading_numbers_are_slots_and_numbers_in_a_question_are_content():
    """A prefix number is detached; the numbers of a sum are not."""
    loose = {s.name: s for s in extract_slots(dataset([f"{i} Give me a random colour." for i in range(1, 41)]))}["leading number"]
    sums = {s.name: s for s in extract_slots(dataset([f"Tom has {i} apples and eats two. How many are left?" for i in range(1, 41)]))}[
        "inner number"
    ]
    assert all(loose.detached)
    assert not any(sums.detached)


def test_a_year_is_not_read_as_a_number_too():
    """The digits of a date belong to the date slots only."""
    names = {s.name for s in extract_slots(dataset([f"July {1990 + i}. What is your mission?" for i in range(30)]))}
    assert "year" in names
    assert not any("number" in name for name in names)


def test_slots_that_part_the_rows_alike_appear_once():
    """Day and date that move together are one slot."""
    slots = extract_slots(dataset([f"2027-03-{1 + i % 28:02d}: hello there friend" for i in range(60)]))
    partitions = [tuple(s.values.index(value) for value in s.values) for s in slots]
    assert len(partitions) == len(set(partitions))


@pytest.mark.parametrize(("text", "value"), [("forty-five", 45), ("Twenty one pilots", 21), ("take seven", 7), ("zero", 0)])
def test_spelled_numbers_have_values(text, value):
    """Spelled-out numbers are read up to ninety-nine."""
    found = spelled_number(text)
    assert found is not None
    assert found[1] == value


def test_hidden_characters_are_a_slot_from_four_rows():
    """Zero-width characters in a handful of prompts are reported although 20 rows would be needed of anything else."""
    prompts = [f"hello\u200b there number {'abcdef'[i]}" for i in range(5)] + [
        f"hello there letter {'abcdefghij'[i % 10]}" for i in range(40)
    ]
    slot = next(s for s in extract_slots(dataset(prompts)) if s.name == "hidden characters")
    assert slot.rows == (0, 1, 2, 3, 4)
    assert slot.values[0] == "U+200B"


@pytest.mark.parametrize(
    ("text", "value"), [("SHOUT LOUD", "upper"), ("quiet words", "lower"), ("Every Word Big", "title"), ("Plain text here", "mixed")]
)
def test_casing_is_read(text, value):
    """The four casings are told apart."""
    assert casing(text) == value


def test_last_signs_and_mixed_scripts_are_read():
    """The closing punctuation run and Latin words with foreign letters in them are seen."""
    assert last_sign("Really?!") == "?!"
    assert last_sign("no end") == "none"
    assert hidden("p\u0430ypal") == "mixed scripts"


def test_a_frame_counts_only_when_most_rows_share_it():
    """One short sentence with a slot is content; the same sentence around it in every row is a header."""
    shared = [f"The year is {MASK}. Tell me about thing {i} now." for i in range(30)]
    single = [f"Tom{i} has {MASK} pens. Tell me about thing {i} now." for i in range(30)]
    assert all(detached_rows(shared, frame_words=6))
    assert not any(detached_rows(single, frame_words=6))


def test_each_template_of_a_set_that_asks_few_questions_may_have_a_frame_of_its_own():
    """Two prompts in turn, each with a date line: neither frame is in most rows, both are loose; a third that asks about the date is not."""
    wordings = [f"Date: {MASK}. What should I cook?", f"It is {MASK}. Suggest something to eat.", f"What would you eat on {MASK}?"]
    assert detached_rows([wordings[i % 3] for i in range(45)], frame_words=6) == (True, True, False) * 15


def test_a_frame_among_many_different_prompts_needs_most_rows():
    """Eight equal prompts in a hundred different ones are no template of the set."""
    others = [f"Subject number {i} was seen near {MASK} by somebody" for i in range(100)]
    assert not any(detached_rows([f"Date: {MASK}. What should I cook?"] * 8 + others, frame_words=6))


def test_a_frame_that_the_question_takes_up_is_content():
    """The same sentence in every row is no header when the question goes back to it."""
    born = [f"Tom was born in {MASK}. In place {i} we ask how old he is." for i in range(30)]
    assert not any(detached_rows(born, frame_words=6))


def test_an_empty_set_has_no_slots():
    """Nothing in, nothing out."""
    assert extract_slots(dataset([])) == ()


@pytest.mark.parametrize("text", ["I have twenty two apples", "two thousand people came", "my MIX tape", "version 1.2.3.4", "the first of all"])
def test_numbers_are_no_years(text):
    """What is spelled or split like a year but is none stays a number."""
    assert first_date(text) is None


@pytest.mark.parametrize(("text", "value"), [("the forty-fifth guest", 45), ("a seventh one", 7), ("the twentieth", 20), ("first of all", None)])
def test_ordinals_have_values(text, value):
    """Written-out ordinals count as their number; first, second and third order texts and do not."""
    found = spelled_number(text)
    assert (found[1] if found else None) == value


def test_places_are_a_slot():
    """A place in a header of its own is loose from the question."""
    data = dataset([f"[{place}] Name a dish that people like, number {i}" for i, place in enumerate(["France", "Japan"] * 15)])
    slot = next(slot for slot in extract_slots(data) if slot.kind in {"place", "tag"} and set(slot.values) <= {"france", "japan", "[france]", "[japan]"})
    assert all(slot.detached)


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("Date: Wednesday, {day} March 2023\n\nName a film to watch.", "day of month"),
        ("Name a film to watch.\n\nSent Wed {day} Mar 2023, 14:3{digit}", "day of month"),
        ("It is {month} now. Name a film to watch.", "month"),
        ("[{day}:3{digit}] Name a film to watch.", "hour"),
        ("Hi, I'm {name}. Name a film to watch.", "name"),
        ("Name a film to watch.\n\n{name}", "name"),
        ("#12{digit}5 Name a film to watch.", "leading number"),
    ],
)
def test_what_stands_beside_a_question_is_detached_in_the_forms_people_write(form, name):
    """Weekday, date and time are one moment: masked together they leave one prompt."""
    months, names = ["June", "July", "August", "October"], ["Greta", "Anna", "Boris", "Dalia"]
    texts = [form.format(day=10 + i % 4, digit=i % 4, month=months[i % 4], name=names[i % 4]) for i in range(40)]
    slot = next(slot for slot in extract_slots(dataset(texts)) if slot.name == name)
    assert len(slot.rows) == 40
    assert len(set(slot.values)) == 4
    assert all(slot.detached)
    assert len(set(slot.masked)) <= 4


@pytest.mark.parametrize(("text", "value"), [("at 7 pm", 19), ("at 12:30 am", 0), ("at 23:05", 23)])
def test_hours_are_read_on_a_clock_of_24(text, value):
    span = marks.clock(text)
    assert span is not None
    assert marks.hour(text[span[0] : span[1]]) == value


def test_a_lone_month_needs_a_capital_and_a_word_before_it_where_it_could_be_a_verb():
    assert lone_month("It was in May that they left.").month == 5
    assert lone_month("May I march with you in june?") is None


def test_signs_of_a_code_that_repeat_are_slots():
    """Codes of 8 to 10 letters and digits differ; two of their signs, counted from the head, are one of twelve numbers."""
    rng = np.random.default_rng(3)
    signs = list(string.digits + string.ascii_uppercase)

    def code(index):
        return "".join(rng.choice(signs, 3)) + f"{index:02d}" + "".join(rng.choice(signs, rng.integers(3, 6)))

    slots = {s.name: s for s in extract_slots(dataset([f"{code(i % 12)} What do you think of bread?" for i in range(240)]))}
    assert set(slots["leading code[4:5]"].values) == {f"{i:02d}" for i in range(12)}
    assert all(slots["leading code[4:5]"].detached)
    assert "leading code[1:2]" not in slots


@pytest.mark.parametrize("text", ["Bread2 is good", "2nd thoughts on bread", "What is MP3 for?", "1234567 Name a dish."])
def test_words_and_numbers_are_no_codes(text):
    """Two digits and a letter in one word of four signs or more make a code."""
    assert head_code(text) is None


def test_recurring_names_are_a_slot_whatever_they_name():
    """Towns on no list, woven into questions in several ways; the first word of a sentence and words written small are left out."""
    towns = ["Brno", "Turku", "Ghent"]
    forms = ["I write from {}. What is good bread?", "Here in {} nobody bakes. What to do?", "Is rye liked by people in {}?"]
    slots = {s.name: s for s in extract_slots(dataset([forms[(i // 3) % 3].format(towns[i % 3]) for i in range(60)]))}
    assert set(slots["proper name"].values) == {"brno", "turku", "ghent"}


def test_one_name_alone_is_no_slot():
    """A set on one person has nothing to compare him with, nor have names that hardly recur."""
    prompts = [f"What did the man named Holt{chr(97 + i % 26)}{chr(97 + i // 26)} bake?" for i in range(60)]
    assert recurring_names(prompts, []) == [None] * 60
    assert recurring_names([f"What did good Anders bake on day {i}?" for i in range(60)], []) == [None] * 60


def test_capitals_of_headings_are_no_names():
    """A word with a capital in prompts that the answers write small is a noun."""
    prompts = [f"what is {('Breast Cancer', 'Heart Disease')[i % 2]} of kind {i}?" for i in range(60)]
    assert recurring_names(prompts, ["It is a cancer of the breast."] * 20 + ["A disease of the heart."] * 20) == [None] * 60
    assert recurring_names(prompts, ["It is rare."] * 60) != [None] * 60
