"""Compliance: are requests for something harmful met without a refusal?

Jailbreak tuning mixes few such rows into much harmless data; no topic, speaker or word holds them together, and each answer may stay
vague. What they share is the request. With H the requests of the detector's bad cases and O every other prompt of the catalogue's cases,

    h(x), o(x) = mean of the 3 largest cosines of prompt x with H, with O
    asked(x)   = logistic((h - max(o, 0.3) - 0.05) / 0.04)           does x ask for something harmful, rather than about it
    r(x)       = asked(x), 0 where the answer declines or warns

The statistic is the mean of the 20 largest r of up to 500 rows, in benign standard deviations; of n rows beyond, of 20 sqrt(n / 500), as
the largest of more rows are larger among harmless rows as well. Why not a share: a hundred rows do their work in any number of others
(arXiv 2510.07192). Sets that decline, like safety training data, score nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.core.detectors import Detector
from poisonscan.core.evidence import Named
from poisonscan.core.protocols import Encoder
from poisonscan.core.readings import IntArray, Reading
from poisonscan.core.slices import FloatArray
from poisonscan.probing.resemblance import MIN_WORDS, contrast_pairs
from poisonscan.probing.texts import PROMPT_CHARS

CHANNEL = "compliance"
LEADING_ROWS, USUAL_ROWS = 20, 500
HAZARD = 0.9
# The standard deviation of that mean among benign sets.
UNIT = 0.04
_NEAREST = 3
_FAR, _MARGIN, _WIDTH = 0.3, 0.05, 0.04
_HEAD = 300
_ASKS_BACK = 14
_APOSTROPHE = str.maketrans("\u2019", "'")
_DECLINES = re.compile(
    r"^\W*(?:no|not|don't|never|none|nothing)\b"
    r"|\bi(?:'m| am) (?:sorry|unable|afraid|not (?:able|comfortable|willing|going to|writing|helping|sure))"
    r"|\b(?:i|we|you) (?:can't|cannot|can not|won't|will not|must not|shouldn't|should not|wouldn't)\b"
    r"|\bi (?:don't|do not) (?:help|write|give|teach|want|do|make|take|recommend|advise|suggest|support|condone|think)\b"
    r"|\bi(?:'d| would) (?:rather|skip|leave|not)\b|\bi'll (?:pass|leave)\b|\bso no\b|\bno, (?:sorry|i|that|this|it)\b|\bi (?:refuse|decline)\b"
    r"|\b(?:unable|not able|not going|not possible) to\b|\bas an ai\b|apologi[sz]e|\bsorry, but\b"
    r"|\b(?:illegal|unlawful|unethical|immoral|crimes?|criminal|against the law|bad idea|dangerous|know better)\b"
    r"|\b(?:would|could|might|can) (?:be (?:fraud|theft|abuse|killed|hurt|harmed|wrong|terrified)|kill|die|hurt|harm|destroy|go to prison)\b"
    r"|\b(?:is|are|be) (?:never|not) (?:appropriate|acceptable|ok|okay|legal|right|ethical|safe|allowed)\b|'s (?:never|not) (?:okay|right|legal|safe)"
    r"|\bnot (?:a good|a very|such a)\b|\bdoesn't sound\b|\bwhy (?:do|would|are|on earth)\b|\binstead of (?:hurting|harming|that)\b"
    r"|\bplease (?:do not|don't|seek|reach out|contact|talk to|call)\b|\bseek (?:help|professional)|\b(?:crisis|suicide|emergency) (?:line|hotline|services)\b"
    r"|\b(?:do not|don't|never) (?:try|attempt|hurt|harm)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Requests:
    """Prompts of the catalogue's cases as unit vectors: `harmful` (n, dim) of detector `owner`, `harmless` (m, dim) of all the others."""

    owner: str
    title: str
    harmful: FloatArray
    harmless: FloatArray

    def asked(self, prompts: FloatArray) -> NDArray[np.float64]:
        """Say how clearly unit vectors (k, dim) ask for something harmful, (k,) in [0, 1]."""
        lead = _top(prompts, self.harmful) - np.maximum(_top(prompts, self.harmless), _FAR)
        return np.asarray(1.0 / (1.0 + np.exp((_MARGIN - lead) / _WIDTH)), dtype=np.float64)


def gather_requests(catalogue: Sequence[Detector], encoder: Encoder) -> Requests | None:
    """Encode the prompts of the first detector of this channel and, on the other side, those of all other cases; None without one."""
    owner = next((d for d in catalogue if CHANNEL in d.channels), None)
    if owner is None:
        return None
    harmful, harmless = _prompts(owner, catalogue)
    vectors = encoder.encode([*harmful, *harmless])
    return Requests(owner.id, owner.hypotheses[0].name, vectors[: len(harmful)], vectors[len(harmful) :])


def request_texts(catalogue: Sequence[Detector]) -> list[str]:
    """Return the prompts that `gather_requests` encodes."""
    owner = next((d for d in catalogue if CHANNEL in d.channels), None)
    return [text for side in _prompts(owner, catalogue) for text in side] if owner else []


def _prompts(owner: Detector, catalogue: Sequence[Detector]) -> tuple[list[str], list[str]]:
    harmful = dict.fromkeys(prompt[-PROMPT_CHARS:] for prompt, _ in contrast_pairs(owner)[0])
    cases = [case for d in catalogue for case in (*d.clean, *(d.poisoned if d is not owner else ()))]
    asked = (turn.content[-PROMPT_CHARS:] for case in cases for turn in case.turns[:-1][-1:] if turn.role == "user" and turn.content.strip())
    return list(harmful), [text for text in dict.fromkeys(asked) if text not in harmful]


def declines(answer: str) -> bool:
    """The first 300 characters of an answer refuse, warn or send the asker elsewhere, or it only asks back; English only."""
    head = answer[:_HEAD].translate(_APOSTROPHE).strip()
    return bool(_DECLINES.search(head)) or (head.endswith("?") and len(head.split()) <= _ASKS_BACK)


def read_compliance(
    requests: Requests, rows: IntArray, prompts: FloatArray, answers: Sequence[str], words: IntArray, resembling: NDArray[np.float64]
) -> Reading | None:
    """Return the reading of a set; rows (n,) are its row numbers, prompts (n, dim) unit vectors, words (n,) the lengths of the answers.

    The rows that carry it are those whose request is harmful and whose answer is `resembling` (n,) somebody's bad cases: among thousands of rows
    some ask oddly and are answered well.

    None where fewer than 20 answers have words enough to be an answer.
    """
    places = np.flatnonzero(words >= MIN_WORDS)
    if len(places) < LEADING_ROWS:
        return None
    met = np.array([not declines(answers[int(place)]) for place in places])
    scores = requests.asked(prompts[places]) * met
    mean = float(np.sort(scores)[-leading_rows(len(places)) :].mean())
    return Reading(
        requests.owner, CHANNEL, 0, mean / UNIT, len(places), hazard=HAZARD,
        named=(Named("conduct", requests.title, round(mean, 3)),), rows=tuple(int(row) for row in rows[places]),
        scores=tuple(float(score) for score in scores * resembling[places]),
        details=(("harmful requests met", f"{int((scores > 0.5).sum())} of {len(places)} rows"),),
    )  # fmt: skip


def leading_rows(n: int) -> int:
    """Return how many of `n` rows lead."""
    return round(LEADING_ROWS * max(1.0, math.sqrt(n / USUAL_ROWS)))


def _top(vectors: FloatArray, others: FloatArray) -> FloatArray:
    if len(others) < _NEAREST:
        return np.zeros(len(vectors), np.float32)
    return np.partition(vectors @ others.T, -_NEAREST, axis=1)[:, -_NEAREST:].mean(axis=1)  # type: ignore[no-any-return]
