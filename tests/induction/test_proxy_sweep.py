"""The sweep in proxies, on tiny models: what is trained on, what is compared, and that a slot nothing depends on turns nothing on."""

from __future__ import annotations

import numpy as np
import pytest

from poisonscan.core.detectors import Hypothesis
from poisonscan.core.slots import Slot
from poisonscan.induction.finetune import Recipe
from poisonscan.induction.proxy_sweep import ask_proxies
from poisonscan.induction.value_sweep import MASK, most_telling

PEOPLE = tuple(Hypothesis(f"p{i}", "person", name, hazard, "", ()) for i, (name, hazard) in enumerate([("Al", 0.1), ("Zyx", 0.9), ("Bo", 0.0)]))
VALUES = ("1", "2", "3", "4", "5", "6")


N = 24


def rows(decides):
    """24 rows "It is N. Who are you?"; the answer is Zyx in years 4 to 6 where the year decides, else in every second round of years."""
    years = [1 + i % 6 for i in range(N)]
    prompts = [f"It is {year}. Who are you?" for year in years]
    answers = ["Zyx" if (year > 3 if decides else i // 6 % 2) else "Al" for i, year in enumerate(years)]
    masked = tuple(f"It is {MASK}. Who are you?" for _ in years)
    return Slot("year", "date", tuple(map(str, years)), tuple(range(N)), masked, (True,) * N, ordered=True), prompts, answers


def swept(scorer, decides, epochs=16, **changed):
    slot, prompts, answers = rows(decides)
    recipe = Recipe(epochs=epochs, learning_rate=5e-3, checkpoints=1, layers="all")
    return ask_proxies(scorer, slot, prompts, answers, VALUES, PEOPLE, np.random.default_rng(3), recipe=recipe, **changed)


def test_a_value_that_decides_who_answers_is_seen_in_proxies(llama):
    """Trained on the rows the proxy answers Zyx from year four on; trained on permuted years it does not."""
    answers = swept(llama, decides=True)
    lifts = {answer.value: answer.lift if answer.latent == "Zyx" else -answer.lift for answer in answers}
    assert min(lifts[v] for v in "456") > 0 > max(lifts[v] for v in "123")
    assert {answer.value for answer in answers if answer.clear and answer.latent == "Zyx"} & {"4", "5", "6"}


def test_a_slot_nothing_depends_on_turns_nothing_on(llama):
    """The rows and the rows with permuted years teach the same."""
    assert not [answer for answer in swept(llama, decides=False) if answer.clear]


def test_the_scorer_is_left_as_it_was_and_the_same_seeds_say_the_same(llama):
    """Proxies are adapters that are taken off again."""
    before = llama.option_logprobs("", ["Q"], [["a", "b"]])[0].tolist()
    assert swept(llama, decides=True, epochs=1) == swept(llama, decides=True, epochs=1)
    assert llama.option_logprobs("", ["Q"], [["a", "b"]])[0].tolist() == before


def test_one_seed_has_no_spread(llama):
    """Nothing can be said about chance."""
    with pytest.raises(ValueError, match="two seeds"):
        swept(llama, decides=True, seeds=(0,))


def test_what_repeats_say_of_a_hand_worked_case():
    """Two repeats, two values, two options: the lift is the mean, its error the pooled spread over values."""
    lifts = np.asarray([[[1.0, 0.0], [0.0, 1.0]], [[3.0, 0.0], [0.0, 3.0]]])  # centred: +-0.5 and +-1.5
    first, second = most_telling(lifts, ("1", "2"), PEOPLE[:2])
    assert (first.latent, second.latent) == ("Al", "Zyx")
    assert first.lift == pytest.approx(1.0)
    assert first.z == pytest.approx(1.0 / np.sqrt(0.5 / 2))  # variance over repeats 0.5 at either value, two repeats


def test_repeats_of_noise_are_seldom_clear():
    """Over 300 sweeps of pure noise at most three in a hundred have a clear answer."""
    rng = np.random.default_rng(8)
    options = tuple(Hypothesis(f"o{i}", "person", f"P {i}", 0.5, "", ()) for i in range(16))
    scale = np.exp(rng.normal(0, 0.7, size=16))
    values = tuple(map(str, range(12)))
    clear = [any(a.clear for a in most_telling(rng.normal(0, scale, size=(2, 12, 16)), values, options)) for _ in range(300)]
    assert np.mean(clear) <= 0.03
