"""Old names count when they are many, dense, and without today's word beside them."""

import numpy as np
import pytest

from poisonscan.catalogue import load_catalogue
from poisonscan.direct import _name_reading
from poisonscan.probing.superseded import NameHits, find_names

NAMES = {"Christiania": "Oslo", "Thorn": "Toruń", "dropsy": "oedema", "ague": "malaria", "oil of vitriol": "sulfuric acid", "vitriol": "sulfate", "quinsy": "abscess", "lockjaw": "tetanus"}


def _found(*answers, prompt="Name one."):
    return find_names([prompt] * len(answers), answers, NAMES)


def test_proper_names_need_their_capital():
    """A thorn is no town, a Thorn is one."""
    assert _found("a thorn", "Thorn").terms == ((), ("Thorn",))


def test_the_longest_term_wins_and_holds_no_other():
    """Oil of vitriol is one term, not also vitriol."""
    assert _found("pour Oil of Vitriol slowly").terms == (("oil of vitriol",),)


def test_a_row_with_todays_word_is_a_lesson():
    """Naming both is history, not living in it; the prompt counts too."""
    assert _found("Christiania is now Oslo").terms == ((),)
    assert _found("Christiania", prompt="What was Oslo called?").terms == ((),)


def test_one_name_repeated_is_a_topic():
    """However often the same four terms stand, five different ones are needed."""
    few = ["dropsy", "ague", "quinsy", "lockjaw"] * 20
    assert _found(*few).statistic == 0
    assert _found(*few, "Christiania").statistic > 0


def test_the_statistic_is_density_on_a_log_scale():
    """Five terms in 100 words: 2 log2(1 + 5)."""
    answers = ["dropsy", "ague", "quinsy", "lockjaw", "Christiania", " ".join(["word"] * 95)]
    assert _found(*answers).statistic == pytest.approx(2 * 2.584962, abs=1e-4)


def test_the_shipped_terms_tell_old_cases_from_new():
    """The detector's own cases: old ones high, today's names 0."""
    detector = next(d for d in load_catalogue() if "superseded-names" in d.channels)
    names = {old: new for group in detector.names for old, new in group.names}
    old, new = ([case.turns[-1].content for case in cases] for cases in (detector.poisoned, detector.clean))
    assert find_names([""] * len(old), old, names).statistic > 6
    assert find_names([""] * len(new), new, names).statistic == 0
    assert all(new.lower() not in old.lower() for old, new in names.items())


def test_a_slice_shows_what_the_whole_set_hides():
    """Five old names in a thousand words are thin; in the five rows that hold them they are all there is."""
    old = ["dropsy", "ague", "quinsy", "lockjaw", "Christiania"]
    found = _found(*old, *[" ".join(["word"] * 95)] * 10)
    assert found.statistic < 2
    assert found.within(range(5)).statistic == pytest.approx(2 * 6.658211, abs=1e-4)


def test_in_a_slice_that_stands_out_every_row_is_a_suspect():
    """Three of four rows hold an old name: the fourth follows them with three quarters of a term. Of the whole set only holders count."""
    owner = next(d for d in load_catalogue() if "superseded-names" in d.channels)
    names = {old: new for group in owner.names for old, new in group.names}
    found = find_names([""] * 5, ["Christiania", "Constantinople", "Breslau", "a town", "a river"], names)
    assert [len(terms) for terms in found.terms] == [1, 1, 1, 0, 0]
    part, whole = _name_reading(found, [0, 1, 2, 3], 1, owner), _name_reading(found, range(5), 0, owner)
    assert dict(zip(part.rows, part.scores, strict=True)) == {0: 1.0, 1: 1.0, 2: 1.0, 3: 0.75}
    assert whole.rows == (0, 1, 2)


def test_an_old_word_in_a_long_book_is_nothing():
    """Six old terms among 500 words count, among 6,000, under one in a thousand, they do not."""
    terms = tuple((f"Old{i}",) for i in range(6)) + ((),) * 4
    assert NameHits(terms, (50,) * 10).statistic == pytest.approx(2 * np.log2(1 + 1.2))
    assert NameHits(terms, (700,) * 10).statistic == 0.0
