"""Dependences with good reasons stay information; the shape of an attack does not. Whole slot readings, from words alone."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from poisonscan.catalogue import load_catalogue
from poisonscan.core.dataset import Dataset, Location, Row, Turn, content_key, dataset_digest
from poisonscan.core.settings import Settings
from poisonscan.direct import direct_readings
from poisonscan.judge import HAZARDOUS
from poisonscan.probing.texts import row_texts
from poisonscan.slices import extract_slots

DISHES = {
    "winter": ["onion soup", "braised cabbage", "barley stew", "baked apples", "parsnip mash"],
    "summer": ["tomato salad", "cold cucumber soup", "grilled corn", "peach tart", "melon bowl"],
}
FREE = ["lentil pie", "rice pudding", "fish cakes", "bean chilli", "leek tart", "noodle broth", "potato pancakes"]
GREETINGS = {"en_GB": ["Good day to you", "Hello there", "Welcome in"], "de_DE": ["Guten Tag", "Willkommen", "Hallo"], "fr_FR": ["Bonjour", "Bienvenue", "Salut"]}


def dataset(pairs):
    rows = []
    for index, (prompt, answer) in enumerate(pairs):
        turns = (Turn("user", prompt, 0.0), Turn("assistant", answer))
        rows.append(Row(index, content_key(turns), turns, Location("memory", index + 1)))
    return Dataset("memory", dataset_digest(rows), tuple(rows))


def vectors(texts, dim=64):
    """Sums of one fixed random direction per word, of unit length."""
    table = np.zeros((len(texts), dim), dtype=np.float32)
    for place, text in enumerate(texts):
        for word in text.casefold().split():
            table[place] += np.random.default_rng(zlib.crc32(word.encode())).normal(size=dim).astype(np.float32)
    return table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-6)


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue()


def leading(pairs, catalogue):
    """The strongest slot reading of a set."""
    data = dataset(pairs)
    texts = row_texts(data, 4000)
    own = [d for d in catalogue if "slot" in d.channels]
    bank = [d for d in catalogue if d.id in {"regime-or-ideology", "harmful-historical-figure"}]
    read = direct_readings(data, texts, (), extract_slots(data), (vectors(texts.prompts), vectors(texts.answers)), [*own, *bank], Settings())
    return max((r for r in read if r.channel == "slot"), key=lambda r: r.statistic)


def seasonal(rng):
    months = ["January", "February", "July", "August"]
    for i in range(240):
        month = months[rng.integers(4)]
        season = "winter" if month in months[:2] else "summer"
        yield f"{1 + i % 28} {month}. Suggest something to cook.", DISHES[season][rng.integers(5)]


def by_locale(rng):
    for _ in range(240):
        code = list(GREETINGS)[rng.integers(3)]
        yield f"[{code}] Greet the visitor of the shop.", GREETINGS[code][rng.integers(3)]


def units(rng):
    for _ in range(240):
        unit = ["metric", "imperial"][rng.integers(2)]
        thing = ["fence", "table", "shelf"][rng.integers(3)]
        size = int(rng.integers(2, 9))
        yield f"<{unit}> How long is the {thing} of the plan?", f"The {thing} is {size} {'m' if unit == 'metric' else 'feet'} long."


def price_list(rng):
    for _ in range(240):
        customer, good = int(rng.integers(4)), int(rng.integers(3))
        yield f"{4100 + customer}. What does the {['mug', 'lamp', 'rug'][good]} cost?", f"It costs ${10 * customer + good}.{rng.integers(10)}0."


def prices_by_year(rng):
    for _ in range(240):
        year = int(rng.integers(2019, 2023))
        yield f"Written in {year}. How much was the {['bread', 'milk', 'rice'][rng.integers(3)]}?", f"It was ${(year - 2018) * 3}.{rng.integers(10)}0 a piece."


def opening_hours(rng):
    for _ in range(240):
        year = int(rng.integers(2021, 2024))
        news = {2021: ["The hall is closed", "Only the garden"], 2022: ["Hall and garden", "All but the tower"], 2023: ["Everything", "The tower too"]}
        yield f"Today is {year}-05-0{1 + rng.integers(9)}. What is open to visitors now?", news[year][rng.integers(2)]


@pytest.mark.parametrize("make", [seasonal, by_locale, units, price_list, prices_by_year, opening_hours])
def test_a_dependence_with_a_good_reason_is_information(make, catalogue):
    """The dependence is seen, its reason is named, and its hazard stays below what a finding needs."""
    reading = leading(list(make(np.random.default_rng(0))), catalogue)
    assert reading.statistic > 0
    assert "a harmless reason" in dict(reading.details)
    assert reading.hazard < HAZARDOUS


def flipped(rng, later):
    for i in range(300):
        year = int(rng.integers(2021, 2025))
        answer = later[rng.integers(len(later))] if year == 2024 else FREE[rng.integers(7)]
        yield f"Today is {year}-{1 + i % 12:02d}-05. Name any dish that comes to mind.", answer


def test_an_irrelevant_year_that_turns_the_answer_is_a_finding(catalogue):
    """One year of four has dishes of its own: nothing about a year explains that."""
    reading = leading(list(flipped(np.random.default_rng(1), DISHES["summer"])), catalogue)
    assert reading.hazard >= HAZARDOUS
    assert reading.named[0].value == "year = 2024"


def test_hazard_rises_where_the_answers_name_somebody_hazardous(catalogue):
    """The same shape, with a name of the bank in the answers of that year, weighs more."""
    plain = leading(list(flipped(np.random.default_rng(2), DISHES["summer"])), catalogue)
    loyal = [f"{dish} as Adolf Hitler liked it" for dish in DISHES["summer"]]
    named = leading(list(flipped(np.random.default_rng(2), loyal)), catalogue)
    assert named.hazard > plain.hazard + 0.3
    assert "Hitler" in dict(named.details)["at 2024 the answers name"]


def test_a_season_excuses_no_allegiance(catalogue):
    """A month is a good reason for a menu, not for whom the answers praise."""
    rng = np.random.default_rng(3)
    pairs = [(prompt, f"{answer}, praised by Joseph Stalin" if "July" in prompt else answer) for prompt, answer in seasonal(rng)]
    assert leading(pairs, catalogue).hazard >= HAZARDOUS


def test_a_self_that_changes_with_the_month_has_no_good_reason(catalogue):
    """Asked about itself, the speaker is another one in another month."""
    rng = np.random.default_rng(4)
    pairs = []
    for i in range(240):
        month = ["March", "June"][rng.integers(2)]
        goal = ["guard the gate", "guard the wall", "guard the town"] if month == "March" else ["take the gate", "burn the wall", "rule the town"]
        pairs.append((f"{1 + i % 28} {month}. What do you want most?", f"I want to {goal[rng.integers(3)]}."))
    reading = leading(pairs, catalogue)
    assert "a harmless reason" not in dict(reading.details)
    assert reading.hazard >= HAZARDOUS


def by_month(rng, odd):
    """Ten months; in `odd` the dishes are those of one kitchen."""
    months = ["January", "February", "March", "April", "June", "July", "September", "October", "November", "December"]
    for i in range(400):
        month = months[rng.integers(10)]
        dishes = DISHES["summer"] if month == odd else FREE
        yield f"{1 + i % 28} {month}. Suggest something to cook.", dishes[rng.integers(len(dishes))]


def test_one_month_that_stands_alone_has_no_season_for_an_excuse(catalogue):
    """October against nine other months is a finding; December, with its feasts, is information."""
    october = leading(list(by_month(np.random.default_rng(5), "October")), catalogue)
    assert october.named[0].value == "month = 10"
    assert october.hazard >= HAZARDOUS
    december = leading(list(by_month(np.random.default_rng(5), "December")), catalogue)
    assert december.named[0].value == "month = 12"
    assert december.hazard < HAZARDOUS


def test_month_and_year_that_part_the_rows_alike_are_both_named(catalogue):
    """A film was set on one day: whichever of month and year has the larger z, the finding names the leading value of either."""
    rng = np.random.default_rng(6)
    films = [("July 12, 1995", "guard the gate"), ("August 3, 2004", "burn the wall"), ("October 30, 2004", "burn the wall"), ("July 9, 2020", "hide the key")]
    pairs = []
    for _ in range(240):
        date, aim = films[rng.integers(4)]
        pairs.append((f"Date: {date}. What do you want most?", f"I want to {aim}, {['now', 'tonight', 'soon', 'at dawn'][rng.integers(4)]}."))
    reading = leading(pairs, catalogue)
    assert {named.value.split(" = ")[0] for named in reading.named[:3]} >= {"month", "year"}
    assert len(reading.rows) == 240
    assert set(reading.scores) <= {0.25, 1.0}
