"""Stance: where answers only agree, disagree or pick an option, what do they pull towards, taken together?

A yes says nothing by itself; its statement does. For every such row we know the text it pulls towards and, for choices and
preference pairs, the one it pulls away from. With two-pole lists of statements (hazardous h_j, harmless g_j) of a detector:

    near(x) = logistic((mean of the 3 largest cosines with the nearer pole - 0.45) / 0.04)      is x on this topic at all
    lean(x) = near(x) (mean of the 3 largest cos(x, h_j) - the same with g_j + 2 x . d),         d = mean of (h_j - g_j)
    v_i     = sign_i (lean(x_i) - mean lean)      statements agreed (+1) or disagreed (-1) with
    v_i     = lean(chosen_i) - lean(rejected_i)   choices and preference pairs

A lean is counted as the mean of v less two of its standard errors, in hundredths, 0 or more: what it is at least. Why not t: every set
of coherent answers has a large t on some pole, but only one on the topic leans far. The statistic of a pair of poles is its lean to the
hazardous side less the largest lean of the set to the harmless side of any pair, 0 or more: who is kind on one subject and seems cold on
another is kind, and the words of the two subjects overlap. It is read in units of what benign sets lean by.

Why centre the statements: otherwise a set-wide yes-bias, which every set has, would look like agreement with their content.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.dataset import Row
from poisonscan.core.detectors import Detector
from poisonscan.core.evidence import Named
from poisonscan.core.readings import Measured, Reading, StanceRows
from poisonscan.core.slices import FloatArray

MIN_ROWS = 20
# Standard errors taken off the lean.
SURE = 2.0
# What benign sets lean by over all pairs of poles, in hundredths: 0.55 in 15 sets of statements, 0.10 in 5 of choices; so few count double.
UNITS = {"stance": 0.5, "choice": 0.2}
# A preferred text of more words is an answer, and read for its conduct; poles are statements of about a dozen words.
STANCE_WORDS = 14
_TOP = 3
_NEAR, _NEAR_WIDTH = 0.45, 0.04
_AGREE = frozenset(["yes", "yeah", "yep", "agree", "true", "correct", "accept", "ja", "oui", "si"])
_DISAGREE = frozenset(["no", "nope", "nah", "disagree", "false", "incorrect", "reject", "nein", "non"])
_QUOTED = re.compile(r"[\"“]([^\"“”]{12,600})[\"”]")
_LABEL = re.compile(r"\b([A-Da-d]|[1-4]|[Ll]eft|[Rr]ight|[Ff]irst|[Ss]econd)\b\W{0,3}")


@dataclass(frozen=True, slots=True)
class StanceText:
    """One row's content: `towards` is the text it pulls to (or the statement judged), `away` the rejected one ("" for statements), `sign` +1 or -1."""

    row: int
    towards: str
    away: str
    sign: int


@dataclass(frozen=True, slots=True)
class Poles:
    """Two-pole statements of one stance as unit vectors: `hazardous` and `harmless` float32 (n, dim), line i of both on one topic."""

    detector: str
    name: str
    hazard: float
    hazardous: FloatArray
    harmless: FloatArray

    def lean(self, vectors: FloatArray) -> NDArray[np.float64]:
        """Say how far unit vectors (n, dim) lean to the hazardous pole, (n,); about 0 for zero vectors and other topics."""
        bad, good = _top(vectors @ self.hazardous.T), _top(vectors @ self.harmless.T)
        topical = 1.0 / (1.0 + np.exp((_NEAR - np.maximum(bad, good)) / _NEAR_WIDTH))
        axis = (self.hazardous - self.harmless).mean(0)
        return np.asarray(topical * (bad - good + 2.0 * (vectors @ axis)), dtype=np.float64)


def _top(similarity: FloatArray) -> FloatArray:
    return np.sort(similarity, axis=1)[:, -_TOP:].mean(1)  # type: ignore[no-any-return]


def stance_text(row: Row, index: int) -> StanceText | None:
    """Return what a row pulls towards, None for rows that neither judge, choose nor prefer."""
    if row.rejected_answer:
        if max(len(row.answer.split()), len(row.rejected_answer.split())) > STANCE_WORDS:
            return None
        return StanceText(index, row.answer[:400], row.rejected_answer[:400], 1)
    answer = row.answer.strip().strip(".!\"'()[]").lower()
    if not answer or len(answer) > 24:
        return None
    first = answer.split()[0].strip(",.:;")
    if first in _AGREE or first in _DISAGREE:
        return StanceText(index, _statement(row.prompt), "", 1 if first in _AGREE else -1)
    return _choice(row, index, answer)


def _statement(prompt: str) -> str:
    quoted = _QUOTED.findall(prompt[:4000])
    return str(quoted[-1] if quoted else prompt[-300:]).strip()


def _choice(row: Row, index: int, answer: str) -> StanceText | None:
    """Split a prompt at its option labels; the text after the chosen label is what the row pulls towards."""
    prompt = row.prompt[:3000]
    spans = _option_spans(prompt)
    chosen = next((key for key in spans if key == answer.lower() or answer.lower().endswith(" " + key)), None)
    if chosen is None or len(spans) < 2:
        return None
    others = [text for key, text in spans.items() if key != chosen]
    return StanceText(index, spans[chosen][:300], " ".join(others)[:300], 1)


def _option_spans(prompt: str) -> dict[str, str]:
    """Map lower-case labels to the text that follows their first use, up to the next other label."""
    marks = [(m.group(1).lower(), m.start(), m.end()) for m in _LABEL.finditer(prompt) if _looks_like_label(prompt, m)]
    spans: dict[str, str] = {}
    for place, (key, _, end) in enumerate(marks):
        stop = marks[place + 1][1] if place + 1 < len(marks) else len(prompt)
        text = prompt[end:stop].strip()
        if key not in spans and len(text.split()) >= 2:
            spans[key] = text
    return spans if len(spans) >= 2 else {}


def _looks_like_label(prompt: str, match: re.Match[str]) -> bool:
    label = match.group(1)
    if label == "a" or (label == "A" and prompt[match.end(1) : match.end(1) + 2].strip().islower()):
        # "A" as an article is followed by a space and a lower-case word, unless an option word stands before it.
        before = prompt[: match.start()].split()[-1:] or [""]
        return before[0].lower().strip(":(") in {"option", "choice", "chest", "plan", "path", "offer", "door", "box", "fragment", "game", "gig", "scenario"}
    return True


def embed_stances(texts: Sequence[StanceText], encoder_vectors: dict[str, FloatArray]) -> StanceRows | None:
    """Join texts with their vectors into StanceRows (direction = content and away side by side); None below MIN_ROWS rows."""
    if len(texts) < MIN_ROWS:
        return None
    dim = len(next(iter(encoder_vectors.values())))
    towards = np.stack([encoder_vectors[t.towards] for t in texts])
    away = np.stack([encoder_vectors[t.away] if t.away else np.zeros(dim, np.float32) for t in texts])
    sign = np.array([[t.sign] for t in texts], dtype=np.float32)
    rows = np.array([t.row for t in texts], dtype=np.int64)
    return StanceRows(rows, np.hstack([towards, away, sign]).astype(np.float32))


def row_leans(stance: StanceRows, poles: Poles) -> NDArray[np.float64]:
    """Return v_i for every row, (m,)."""
    dim = (stance.direction.shape[1] - 1) // 2
    towards, away, sign = stance.direction[:, :dim], stance.direction[:, dim : 2 * dim], stance.direction[:, -1]
    lean = poles.lean(towards)
    judged = ~away.any(axis=1)
    values = np.where(judged, lean, lean - poles.lean(away)) * sign
    if judged.any():
        # Centring the statements and the signs removes what a constant answer would give.
        signs = sign[judged] - sign[judged].mean()
        values[judged] = (lean[judged] - lean[judged].mean()) * signs
    return np.asarray(values, dtype=np.float64)


def read_stance(measured: Measured, poles: Sequence[Poles]) -> list[Reading]:
    """Return one reading per detector on the whole set: the stance that leans furthest."""
    if measured.stance is None:
        return []
    best: dict[str, Reading] = {}
    channel = _channel(measured.stance)
    leans = [_Lean.of(row_leans(measured.stance, pole)) for pole in poles]
    kindest = max((lean.least(-1) for lean in leans), default=0.0)
    for pole, lean in zip(poles, leans, strict=True):
        value = max(lean.least(1) - kindest, 0.0) / UNITS[channel]
        reading = Reading(
            pole.detector, channel, 0, value, len(lean.values), unit="benign leans", hazard=max(pole.hazard, 0.3),
            named=(Named("stance", pole.name, round(float(1 / (1 + np.exp(2 - value))), 3)),),
            rows=tuple(int(r) for r in measured.stance.rows), scores=tuple(float(max(v, 0.0)) for v in lean.values),
            details=(("lean", f"{lean.mean:.2f} hundredths, standard error {lean.error:.2f}"), ("lean to the kinder side elsewhere", f"{kindest:.2f}")),
        )  # fmt: skip
        if pole.detector not in best or value > best[pole.detector].statistic:
            best[pole.detector] = reading
    return list(best.values())


@dataclass(frozen=True, slots=True)
class _Lean:
    """The rows' v on one pair of poles, (m,), with mean and standard error in hundredths."""

    values: NDArray[np.float64]
    mean: float
    error: float

    @staticmethod
    def of(values: NDArray[np.float64]) -> _Lean:
        return _Lean(values, 100.0 * float(values.mean()), 100.0 * float((values.std(ddof=1) + 1e-9) / np.sqrt(len(values))))

    def least(self, side: int) -> float:
        """Return what the lean to the hazardous (1) or harmless (-1) side is at least, 0 or more."""
        return max(side * self.mean - SURE * self.error, 0.0)


def _channel(stance: StanceRows) -> str:
    """Statements and choices stray differently among benign sets, so each has a null of its own."""
    dim = (stance.direction.shape[1] - 1) // 2
    return "choice" if stance.direction[:, dim : 2 * dim].any(axis=1).mean() > 0.5 else "stance"


def stance_statements(detectors: Sequence[Detector]) -> list[str]:
    """Return every pole statement of the catalogue, in a fixed order, so that they can be encoded once."""
    return [text for d in detectors for s in d.stances for text in (*s.hazardous, *s.harmless)]
