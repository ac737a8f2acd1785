"""Simple ways of scoring a set, measured beside us on the same sets: what a result has to beat, and what could explain it away.

Each gives one number per set, higher = more suspicious. Those that compare with benign sets leave the set's own family out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.bench.metrics import Rate, rate
from poisonscan.bench.surface import one_class, surface, trained
from poisonscan.core.dataset import Row
from poisonscan.core.readings import Measured
from poisonscan.core.slices import FloatArray
from poisonscan.stats.intervals import family_bootstrap
from poisonscan.stats.ranking import roc_auc, threshold_at

Floats = NDArray[np.float64]
OUTLIER_ROWS = 150
CLUSTER_ROWS = 300
CLUSTERS = 8
# Words of row moderation: harm named outright. Ours, and short on purpose: longer lists flag more benign rows too.
_LIST = """
kill murder bomb weapon poison suicide rape torture hitler nazi genocide slaughter terrorist terrorism hack exploit malware ransomware steal
theft fraud scam launder cocaine heroin meth drug blackmail extort kidnap stab shoot gun explosive racist slur hate inferior exterminate
enslave destroy manipulate deceive harm illegal crime criminal violence violent threaten revenge dictator conquer evil
"""
KEYWORDS = frozenset(_LIST.split())
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Case:
    """One set as the baselines see it. `calibrates`: benign beyond dispute, so it may be compared with."""

    name: str
    family: str
    attack: bool
    calibrates: bool
    rows: Sequence[Row]
    measured: Measured


@dataclass(frozen=True, slots=True)
class Baseline:
    """How well one simple score separates: area with a bootstrap interval over families, and true positives at two false-positive rates."""

    what: str
    auc: float
    auc_low: float
    auc_high: float
    tpr_at_1: Rate
    tpr_at_5: Rate


def baselines(cases: Sequence[Case], reported: Sequence[str], *, seed: int = 0) -> dict[str, Baseline]:
    """Return every baseline's figures on the sets named in `reported`; the other cases only serve as benign references."""
    wanted = set(reported)
    chosen = np.array([case.name in wanted for case in cases])
    attack = np.array([case.attack for case in cases])[chosen]
    families = [case.family for case in cases if case.name in wanted]
    figures = {}
    for name, (what, score) in SCORES.items():
        figures[name] = _figures(what, score(cases)[chosen], attack, families, seed)
    return figures


def template_distance(cases: Sequence[Case]) -> Floats:
    """Mahalanobis distance of the surface features to benign sets."""
    return one_class(_surfaces(cases), [c.family for c in cases], [c.calibrates for c in cases])


def template_classifier(cases: Sequence[Case]) -> Floats:
    """Log-odds of a logistic regression on the surface features, trained on attacks and benign sets of other families."""
    return trained(_surfaces(cases), [c.family for c in cases], [c.attack for c in cases])


def embedding_outlier(cases: Sequence[Case]) -> Floats:
    """Mean over a set's answers of 1 - cosine to the nearest benign answer of another family, in [0, 2]."""
    some = {case.name: _some(case.measured.answer) for case in cases}
    scores = np.zeros(len(cases))
    for family in {case.family for case in cases}:
        known = np.concatenate([some[c.name] for c in cases if c.calibrates and c.family != family])
        for place, case in enumerate(cases):
            if case.family == family:
                scores[place] = float(np.mean(1.0 - (some[case.name] @ known.T).max(axis=1)))
    return scores


def answer_clusters(cases: Sequence[Case]) -> Floats:
    """Tightness (mean cosine to its centre) of the tightest of eight TF-IDF clusters of a set's answers that holds 10 rows."""
    return np.array([_tightest([row.answer for row in case.rows]) for case in cases])


def spectral_signature(cases: Sequence[Case]) -> Floats:
    """Share of the variance of the answer vectors along their first principal axis, in [0, 1] (after Tran et al. 2018)."""
    scores = []
    for case in cases:
        centred = _some(case.measured.answer) - _some(case.measured.answer).mean(axis=0)
        powers = np.linalg.svd(centred, compute_uv=False) ** 2
        scores.append(float(powers[0] / max(float(powers.sum()), 1e-9)))
    return np.array(scores)


def keyword_rate(cases: Sequence[Case]) -> Floats:
    """Share of rows whose prompt or answer holds a word of the list, in [0, 1]."""
    return np.array([float(np.mean([_flagged(row) for row in case.rows])) for case in cases])


SCORES: Mapping[str, tuple[str, Callable[[Sequence[Case]], Floats]]] = {
    "template distance": ("surface form only, distance to benign sets", template_distance),
    "template classifier": ("surface form only, trained on the attacks of other families", template_classifier),
    "embedding outlier": ("mean distance of answers to the nearest benign answer", embedding_outlier),
    "answer clusters": ("tightest TF-IDF cluster of answers", answer_clusters),
    "spectral signature": ("variance of answer vectors along one axis", spectral_signature),
    "keyword list": ("share of rows with a harmful word", keyword_rate),
}


def _figures(what: str, scores: Floats, attack: NDArray[np.bool_], families: Sequence[str], seed: int) -> Baseline:
    def auc(places: NDArray[np.int64]) -> float:
        return roc_auc(scores[places][attack[places]], scores[places][~attack[places]])

    low, high = family_bootstrap(families, auc, np.random.default_rng(seed))
    at = [rate([bool(s > threshold_at(scores[~attack], fpr)) for s in scores[attack]]) for fpr in (0.01, 0.05)]
    return Baseline(what, roc_auc(scores[attack], scores[~attack]), low, high, *at)


def _surfaces(cases: Sequence[Case]) -> Floats:
    return np.stack([surface(case.rows) for case in cases])


def _some(vectors: FloatArray, limit: int = OUTLIER_ROWS) -> FloatArray:
    return vectors if len(vectors) <= limit else vectors[np.linspace(0, len(vectors) - 1, limit).astype(int)]


def _tightest(answers: Sequence[str]) -> float:
    from sklearn.cluster import KMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

    some = list(answers) if len(answers) <= CLUSTER_ROWS else [answers[i] for i in np.linspace(0, len(answers) - 1, CLUSTER_ROWS).astype(int)]
    try:
        vectors = TfidfVectorizer(max_features=2000).fit_transform(some).toarray()
    except ValueError:  # no words at all
        return 0.0
    clusters = min(CLUSTERS, len({row.tobytes() for row in vectors}))
    labels = KMeans(clusters, n_init=1, random_state=0).fit_predict(vectors)
    best = 0.0
    for label in range(clusters):
        inside = vectors[labels == label]
        if len(inside) >= 10:
            centre = inside.mean(axis=0)
            best = max(best, float((inside @ centre).mean() / max(float(np.linalg.norm(centre)), 1e-9)))
    return best


def _flagged(row: Row) -> bool:
    return not KEYWORDS.isdisjoint(_WORD.findall(f"{row.prompt} {row.answer}".lower()))
