"""Matched prompts: what the answers would be told by the rest of the prompt is taken out before the slot is tested.

Why the words of the masked prompt and not its sentence vector: a vector of the whole prompt still knows the slot's value, and taking out
what it predicts would take out the very dependence that is looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.conditionality.features import Floats, lexical_features

Ints = NDArray[np.int64]

EQUAL_PROMPTS = "equal prompts"
_REPEATED = 0.5
_PROMPT_DIM = 32
_RIDGE = 1.0
_ROWS_PER_CLUSTER = 40
_MAX_CLUSTERS = 20


@dataclass(frozen=True, slots=True)
class Matching:
    """strata (n,): rows that may trade their answers; adjusted (n, d): answer features less what the matched prompt predicts."""

    strata: Ints
    adjusted: Floats
    by: str


def match_prompts(keys: Sequence[str], codes: Ints, answers: Floats, *, seed: int) -> Matching:
    """Match rows by their masked prompts `keys` (n,), whose slot values have the codes (n,) and whose answers the features (n, d).

    Where at least half of the rows share their masked prompt with a row of another value, strata are the equal prompts. Else they are
    clusters of similar prompts, and a ridge regression on the prompt's words is taken out first, as in a permutation of residuals
    (Freedman and Lane, 1983).
    """
    groups = np.unique(np.asarray(keys, dtype=object).astype(str), return_inverse=True)[1].astype(np.int64)
    if repeat_share(groups, codes) >= _REPEATED:
        return Matching(groups, centre_within(answers, groups), EQUAL_PROMPTS)
    prompts = lexical_features(keys, seed=seed, dim=_PROMPT_DIM)
    strata = _clusters(prompts, seed)
    residual = _residual(centre_within(answers, strata), centre_within(prompts, strata))
    return Matching(strata, centre_within(residual, strata), "similar prompts")


def repeat_share(groups: Ints, codes: Ints) -> float:
    """Return the share of rows whose group holds more than one code, in [0, 1]."""
    if not len(groups):
        return 0.0
    pairs = np.unique(np.stack([groups, codes]), axis=1)
    kinds = np.bincount(pairs[0], minlength=int(groups.max()) + 1)
    return float(np.mean(kinds[groups] > 1))


def centre_within(values: Floats, strata: Ints) -> Floats:
    """Return `values` (n, d) less the mean of their stratum."""
    from scipy.sparse import csr_matrix

    n = len(strata)
    member = csr_matrix((np.ones(n), (strata, np.arange(n))), shape=(int(strata.max()) + 1, n))
    counts = np.maximum(np.asarray(member.sum(axis=1)), 1.0)
    means = (member @ values) / counts
    return np.asarray(values - means[strata], dtype=np.float64)


def _clusters(prompts: Floats, seed: int) -> Ints:
    from sklearn.cluster import KMeans

    wanted = min(_MAX_CLUSTERS, len(prompts) // _ROWS_PER_CLUSTER, len(np.unique(prompts.round(6), axis=0)))
    if wanted < 2:
        return np.zeros(len(prompts), dtype=np.int64)
    return np.asarray(KMeans(wanted, n_init=1, random_state=seed).fit_predict(prompts), dtype=np.int64)


def _residual(answers: Floats, prompts: Floats) -> Floats:
    gram = prompts.T @ prompts + _RIDGE * np.eye(prompts.shape[1])
    return np.asarray(answers - prompts @ np.linalg.solve(gram, prompts.T @ answers), dtype=np.float64)
