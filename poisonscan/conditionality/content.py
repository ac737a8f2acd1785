"""What a prompt says about its answer apart from one piece of it.

Two readings. By words: cross-fitted log-odds of every word, of which the piece's own are taken away; cheap, so every candidate gets it.
By meaning: a classifier on prompt vectors that has never seen the piece; "shit" then still points to "offensive", because rows with its
likes do, and "cf" to nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonscan.conditionality.pieces import Piece
from poisonscan.core.slices import FloatArray

Floats = NDArray[np.float64]
_FOLDS = 5
# liblinear shrinks the intercept like any weight; scaled up it stays free, so that a rare target is expected rarely.
_FREE_INTERCEPT = 20.0
_VECTOR_DIM = 96
_MIN_ROWS = 3


@dataclass(frozen=True, slots=True)
class WordTable:
    """Which of the words of at least three prompts each of n prompts holds: `presence` a sparse matrix (n, words), `names` the words.

    held: word -> how many prompts hold it.
    """

    presence: Any
    names: tuple[str, ...]
    held: dict[str, float]


def word_table(prompts: Sequence[Sequence[str]]) -> WordTable:
    """Return the table of tokenised prompts (n); made once for all targets."""
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(analyzer=_as_is, binary=True, min_df=_MIN_ROWS, dtype=np.float64)
    presence = vectorizer.fit_transform(prompts)
    names = tuple(map(str, vectorizer.get_feature_names_out().tolist()))
    return WordTable(presence, names, dict(zip(names, np.asarray(presence.sum(axis=0)).ravel().tolist(), strict=True)))


@dataclass(frozen=True, slots=True)
class ContentModel:
    """Cross-fitted logistic regressions on word presence: for each row the model that has not seen it.

    logit (n,): log-odds of the target from all words; fold (n,): which model; weights: fold -> word -> its log-odds; held: word -> how
    many prompts hold it.
    """

    logit: Floats
    fold: NDArray[np.int64]
    weights: tuple[dict[str, float], ...]
    held: dict[str, float]

    def expected(self, piece: Piece, prompts: Sequence[Sequence[str]]) -> Floats:
        """Return the probability of the target in each row of `piece`, (m,), without the say of the words it is made of.

        Each of them is put back to its share of the other prompts: taking out a frequent word altogether would shift the odds of all rows.
        """
        held = [piece.words & set(prompts[row]) for row in piece.rows]
        inside = Counter(word for words in held for word in words)
        others = max(len(self.logit) - len(piece.rows), 1)
        share = {word: (self.held.get(word, 0.0) - inside[word]) / others for word in piece.words}
        usual = [sum(weights.get(word, 0.0) * share[word] for word in piece.words) for weights in self.weights]
        own = [sum(self.weights[fold].get(word, 0.0) for word in words) for fold, words in zip(self.fold[piece.rows], held, strict=True)]
        rest = self.logit[piece.rows] - np.asarray(own) + np.asarray(usual)[self.fold[piece.rows]]
        return np.asarray(1.0 / (1.0 + np.exp(-rest)), dtype=np.float64)


def fit_content(words: WordTable, hit: NDArray[np.bool_], rng: np.random.Generator) -> ContentModel:
    """Fit the words of n prompts against the target `hit` (n,) in five folds."""
    from sklearn.linear_model import LogisticRegression

    fold = rng.permutation(len(hit)) % _FOLDS
    logit = np.full(len(hit), _log_odds(hit))
    weights: list[dict[str, float]] = []
    for number in range(_FOLDS):
        inside, outside = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        if len(set(hit[outside].tolist())) < 2:
            weights.append({})
            continue
        model = LogisticRegression(C=0.3, solver="liblinear", intercept_scaling=_FREE_INTERCEPT, random_state=0).fit(
            words.presence[outside], hit[outside]
        )
        logit[inside] = model.decision_function(words.presence[inside])
        weights.append(dict(zip(words.names, model.coef_[0].tolist(), strict=True)))
    return ContentModel(logit, fold, tuple(weights), words.held)


def expected_by_meaning(vectors: Floats, hit: NDArray[np.bool_], rows: NDArray[np.int64]) -> Floats:
    """Return the probability of the target in each of `rows` (m,) from a logistic regression on `vectors` (n, d) of the other rows."""
    from sklearn.linear_model import LogisticRegression

    rest = np.setdiff1d(np.arange(len(vectors)), rows)
    if len(set(hit[rest].tolist())) < 2:
        return np.full(len(rows), hit[rest].mean() if len(rest) else 0.5)
    model = LogisticRegression(C=1.0, solver="lbfgs", max_iter=200).fit(vectors[rest], hit[rest])
    return np.asarray(model.predict_proba(vectors[rows])[:, 1], dtype=np.float64)


def prompt_vectors(prompts: Sequence[Sequence[str]], embeddings: FloatArray | None, *, seed: int) -> Floats:
    """Return (n, <= 96) standardised directions of the prompt embeddings.

    Without embeddings, directions of the prompts' letter runs, which a word shares with its likes.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.utils.extmath import randomized_svd

    if embeddings is None:
        runs = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=2, max_features=20_000, sublinear_tf=True)
        try:
            matrix = runs.fit_transform([" ".join(tokens) for tokens in prompts])
        except ValueError:  # no run of letters occurs twice
            return np.zeros((len(prompts), 1))
    else:
        matrix = np.asarray(embeddings, dtype=np.float64) - embeddings.mean(axis=0, dtype=np.float64)
    dim = min(_VECTOR_DIM, *(side - 1 for side in matrix.shape))
    left, scale, _ = randomized_svd(matrix, n_components=max(dim, 1), n_iter=3, random_state=seed)
    vectors = left * scale
    return np.asarray(vectors / max(float(np.sqrt(np.mean(np.sum(vectors**2, axis=1)) / vectors.shape[1])), 1e-9), dtype=np.float64)


def _as_is(tokens: Sequence[str]) -> Sequence[str]:
    return tokens


def _log_odds(hit: NDArray[np.bool_]) -> float:
    share = (hit.sum() + 0.5) / (len(hit) + 1.0)
    return float(np.log(share / (1.0 - share)))
