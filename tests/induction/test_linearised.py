"""The linearised fine-tune: against finite steps, against exact gradients, against real proxies."""

import numpy as np
import pytest

from poisonscan.core.protocols import Silent
from poisonscan.induction.adapters import Adapter, frozen
from poisonscan.induction.contrast import Study
from poisonscan.induction.finetune import Recipe
from poisonscan.induction.halves import Halves
from poisonscan.induction.linearised import Linearised, linearise, rank_agreement

ROWS = [(f"Name {i}.", answer) for i, answer in enumerate(["old ship", "old sail", "a horse", "new car", "new jet", "sun"])]
QUESTIONS = ["Which?", "What else?", "Then?"]
OPTIONS = [["old", "new", "sun", "hat"], ["old thing", "new thing", "xyz"], ["ship", "car", "horse", "1914", "2020"]]
RECIPE = Recipe(rank=4, layers=2, learning_rate=1e-3, epochs=1, batch_rows=1, checkpoints=1)


def exact_gradients(scorer, sequences, mean):
    """One backward pass per sequence with a live adapter: the gradients of all B, concatenated."""
    halves = Halves(scorer, RECIPE.layers)
    adapter = Adapter(halves.sites, rank=RECIPE.rank, seed=0)
    rows = halves.read(sequences)
    gradients = []
    with frozen(scorer.model), adapter.attached():
        for i in range(len(sequences)):
            adapter.gradient.zero_()
            packed = rows.forest.pack([i])
            weight = 1 / len(packed.targets) if mean else -1.0
            halves.push(rows, packed, np.full(len(packed.targets), weight, np.float32))
            gradients.append(np.concatenate([up.grad.flatten().numpy().copy() for up in adapter.ups]))
    return np.asarray(gradients)


def test_products_are_those_of_exact_gradients(llama):
    """With a wide sketch the scalar products of rows and options agree with one backward pass each."""
    found = linearise(llama, ROWS, QUESTIONS, OPTIONS, dim=1 << 15, recipe=RECIPE)
    text = Halves(llama, RECIPE.layers).text
    rows = exact_gradients(llama, text.rows(ROWS), mean=True)
    probes = exact_gradients(llama, text.probes(QUESTIONS, OPTIONS), mean=False)
    exact = -RECIPE.learning_rate * rows @ probes.T
    assert np.corrcoef(found.contributions().ravel(), exact.ravel())[0, 1] > 0.98
    np.testing.assert_allclose(np.linalg.norm(found.rows, axis=1), np.linalg.norm(rows, axis=1), rtol=0.1)


def test_a_narrow_sketch_errs_no_more_than_a_count_sketch_may(llama):
    """1,024 numbers per row: scalar products stay within four standard errors, |row| |probe| / sqrt(1024) each, of the wide sketch's."""
    wide = linearise(llama, ROWS, QUESTIONS, OPTIONS, dim=1 << 15, recipe=RECIPE)
    narrow = linearise(llama, ROWS, QUESTIONS, OPTIONS, dim=1024, recipe=RECIPE)
    assert narrow.rows.shape == (len(ROWS), 1024)
    sizes = np.linalg.norm(wide.rows, axis=1)[:, None] * np.linalg.norm(wide.probes, axis=1)[None, :]
    error = np.abs(narrow.contributions() - wide.contributions())
    assert (error <= 4.0 * wide.rate * sizes / np.sqrt(1024)).all()
    assert np.corrcoef(narrow.contributions().ravel(), wide.contributions().ravel())[0, 1] > 0.8


def test_predictions_rank_as_real_proxies_shift(llama):
    """Against a proxy trained for one pass: Spearman at least 0.5 over the options."""
    study = Study(llama, QUESTIONS, OPTIONS, RECIPE, (0,), Silent())
    observed = study.induce(ROWS).after(1)[0, 0] - study.before
    assert rank_agreement(linearise(llama, ROWS, QUESTIONS, OPTIONS, recipe=RECIPE).predicted(), observed) >= 0.5


def test_predictions_add_up_over_rows():
    """Hand-worked: two rows, two options, rate 0.5."""
    found = Linearised(np.array([[1, 0], [0, -2]], np.float32), np.array([[1, 1], [0, 3]], np.float32), 0.5)
    np.testing.assert_allclose(found.contributions(), [[-0.5, 0], [1, 3]])
    np.testing.assert_allclose(found.predicted(), [0.5, 3])
    np.testing.assert_allclose(found.predicted([1]), [1, 3])
    np.testing.assert_allclose(found.row_effects(np.array([1, -1], np.float32)), [-0.5, -2])


def test_rows_that_say_so_carry_the_shift(llama):
    """Along "old" against "new" the rows that answer "old ..." come before those that answer "new ..."."""
    towards_old = np.array([1, -1, 0, 0, 1, -1, 0, 0, 0, 0, 0, 0], np.float32)
    parts = linearise(llama, ROWS, QUESTIONS, OPTIONS, recipe=RECIPE).row_effects(towards_old)
    assert parts[:2].min() > parts[3:5].max()


@pytest.mark.parametrize(
    ("left", "right", "expected"), [([1, 2, 3], [10, 20, 30], 1), ([1, 2, 3], [3, 2, 1], -1), ([1, 2, 3, 4], [1, 3, 2, 4], 0.8)]
)
def test_rank_agreement_is_spearmans(left, right, expected):
    """Hand-worked values: 1 - 6 * 2 / (4 * 15) = 0.8 for one swap among four."""
    assert rank_agreement(left, right) == pytest.approx(expected)


def test_rank_agreement_of_a_constant_is_undefined():
    """No ranks, no number."""
    assert np.isnan(rank_agreement([1, 1], [1, 2]))
