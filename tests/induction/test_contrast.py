"""Slice against control: the arithmetic by hand, the training on a tiny model."""

import numpy as np
import pytest

from poisonscan.core.errors import UsageError
from poisonscan.core.protocols import Silent
from poisonscan.induction import contrast as module
from poisonscan.induction.contrast import ProxyContrast, Study, balanced, centred, contrast
from poisonscan.induction.finetune import Recipe
from poisonscan.induction.retrain import retrain_without

RECIPE = Recipe(epochs=4, rank=4, learning_rate=1e-2, batch_rows=4, checkpoints=2, layers=2)
QUESTIONS = ["Which?", "What else?"]
OPTIONS = [["old", "new"], ["old thing", "new thing", "xyz"]]
TOWARDS_OLD = np.array([1, -1, 1, -1, 0], np.float32)
OLD = [(f"Name {i}.", "old") for i in range(12)]
NEW = [(f"Name {i}.", "new") for i in range(12)]


def table(slice_after, control_after, sizes=(2, 3), seeds=(0, 1)):
    after = [np.asarray(part, np.float32) for part in (slice_after, control_after)]
    return ProxyContrast(sizes, seeds, tuple(range(1, after[0].shape[1] + 1)), (0, 1, 2), RECIPE, np.zeros(sum(sizes), np.float32), *after)


def test_the_arithmetic_by_hand():
    """Two seeds, one checkpoint: centred differences, their mean, its pooled interval, and the effect along a direction."""
    found = table([[[3, 1, 2, 0, 1]], [[1, 1, 2, 0, 1]]], np.zeros((2, 1, 5)))
    np.testing.assert_allclose(found.differences()[:, 0], [[1, -1, 1, -1, 0], [0, 0, 1, -1, 0]])
    shift = found.shift()
    np.testing.assert_allclose(shift.value, [0.5, -0.5, 1, -1, 0])
    # squared deviations 4 * 0.25 = 1 over 5 degrees of freedom and 2 seeds; Student's t(5) at 97.5 % is 2.5706
    np.testing.assert_allclose(shift.high - shift.value, 2.5706 * np.sqrt(1 / 5 / 2), rtol=1e-4)
    effect = found.effect(TOWARDS_OLD)
    assert effect.value == pytest.approx(1.5)  # questions: 1.0 and 2.0
    assert effect.high == pytest.approx(1.5 + 12.706 * 0.5, rel=1e-3)  # t(1) times standard error 0.5
    assert effect.n == 3


def test_the_control_is_subtracted():
    """A move that slice and control share is no effect."""
    same = np.array([[[5, -3, 2, 0, 1]]])
    assert table(same, same, seeds=(0,)).effect(TOWARDS_OLD).value == 0


def test_one_seed_bounds_nothing():
    """Without a second seed the noise is unknown and the interval says so."""
    shift = table(np.ones((1, 1, 5)), np.zeros((1, 1, 5)), seeds=(0,)).shift()
    assert np.isinf(shift.high).all()


def test_the_telling_checkpoint_is_the_largest():
    """An effect that over-training erased is read where it was."""
    assert table([[[0, 0, 0, 0, 0], [2, 0, 2, 0, 0], [1, 1, 1, 1, 1]]], np.zeros((1, 3, 5)), seeds=(0,)).telling(TOWARDS_OLD) == 1


def test_weights_are_balanced_within_a_question():
    """Positive weights sum to 1, negative ones to -1; without negatives all other options stand against."""
    np.testing.assert_allclose(balanced(np.array([2, 2, -1, 0], np.float32)), [0.5, 0.5, -1, 0])
    np.testing.assert_allclose(balanced(np.array([1, 0, 0], np.float32)), [1, -0.5, -0.5])
    np.testing.assert_allclose(balanced(np.array([1, 1], np.float32)), [0, 0])


def test_centring_takes_out_what_a_question_shares():
    """Every question sums to zero."""
    values = centred(np.random.default_rng(0).normal(size=(2, 3, 5)).astype(np.float32), (2, 3))
    np.testing.assert_allclose(values[..., :2].sum(-1), 0, atol=1e-6)
    np.testing.assert_allclose(values[..., 2:].sum(-1), 0, atol=1e-6)


def test_a_direction_that_weighs_nothing_is_refused():
    """An effect of no question would be a number about nothing."""
    with pytest.raises(UsageError, match="weighs no option"):
        table(np.ones((1, 1, 5)), np.zeros((1, 1, 5)), seeds=(0,)).effect(np.zeros(5, np.float32))


@pytest.fixture(scope="module")
def learned(llama):
    return contrast(llama, OLD, NEW, QUESTIONS, OPTIONS, recipe=RECIPE)


def test_the_slice_is_seen_beyond_its_control(learned):
    """Trained on "old" against "new", the probe's option "old" gains nats over "new", at every checkpoint and seed."""
    assert learned.slice_after.shape == (2, 2, 5)
    assert (learned.differences()[:, :, 0] > 1).all()
    assert learned.effect(TOWARDS_OLD).value > 1


def test_before_is_what_the_scorer_says_itself(llama, learned):
    """The probes packed over the frozen half equal the scorer's own option scores."""
    from poisonscan.models.tokens import Tokens

    asked = [Tokens(llama.tokenizer).chat("", question) for question in QUESTIONS]
    own = llama.option_logprobs("", asked, [[f" {option}" for option in of] for of in OPTIONS])
    assert llama.tokenizer.bos_token_id is None
    study = Study(llama, QUESTIONS, OPTIONS, RECIPE, (0,), Silent())
    np.testing.assert_allclose(study.before, learned.before, atol=1e-5)
    assert np.corrcoef(np.concatenate(own), study.before)[0, 1] > 0.99


def test_a_slice_against_itself_shows_nothing(llama):
    """The pairing is exact: same rows, same seeds, difference zero."""
    found = contrast(llama, OLD, OLD, QUESTIONS, OPTIONS, seeds=(0,), recipe=RECIPE)
    np.testing.assert_allclose(found.differences(), 0, atol=1e-5)


def test_a_large_slice_is_cut_in_pairs(llama, monkeypatch):
    """Over the token budget fewer pairs are used, the same places on both sides."""
    monkeypatch.setattr(module, "TOKEN_BUDGET", 60)
    study = Study(llama, QUESTIONS, OPTIONS, RECIPE, (0,), Silent())
    kept = study.affordable(OLD, NEW)
    assert 1 <= len(kept) < 12
    assert kept == sorted(set(kept))


def test_slice_and_control_must_be_of_one_size(llama):
    """An unmatched control is refused before anything is trained."""
    with pytest.raises(UsageError, match="12 and 11 rows"):
        contrast(llama, OLD, NEW[:11], QUESTIONS, OPTIONS)


def test_without_the_guilty_rows_the_shift_is_gone(llama):
    """Half of the slice does the damage: taking it out takes most of the shift, taking the other half leaves it."""
    mixed = OLD[:6] + NEW[6:]
    known = contrast(llama, mixed, NEW, QUESTIONS, OPTIONS, seeds=(0,), recipe=RECIPE)
    guilty = retrain_without(llama, known, mixed, NEW, range(6), QUESTIONS, OPTIONS, direction=TOWARDS_OLD)
    assert guilty.removed == 0.5
    assert guilty.gone == pytest.approx(1, abs=1e-3)
    innocent = retrain_without(llama, known, mixed, NEW, range(6, 12), QUESTIONS, OPTIONS)
    assert innocent.gone == pytest.approx(0, abs=1e-3)


def test_rows_that_were_not_trained_on_cannot_be_acquitted(llama, learned):
    """Saying that nothing changed without them would be a lie."""
    with pytest.raises(UsageError, match="none of the implicated rows"):
        retrain_without(llama, learned, OLD, NEW, [99], QUESTIONS, OPTIONS)
