"""From readings to verdicts: p-values against benign sets, the search paid for, severity and confidence apart.

Calibrated on benign sets only, every benign set judged without its own family:

1. per channel, U = the largest statistic over detectors and slices, and its p among the U of benign sets;
2. over channels, T = sum of max(0, e - 1.3) + min(e, 1.3) / 100 with e = -log10 p, and its p among the T of benign sets: the set's own p.

Why a sum with a cut: evidence from independent channels adds up (Fisher 1932), but many channels that say nothing must not drown one
that speaks, so p-values above 0.05 hardly count (the truncated product of Zaykin et al. 2002 with its usual cut, softened): they rank sets that
would all stand at 0. Why per channel first: channels
differ in how wildly benign sets stray on them, and each pays for its own wildness.

A detector is found when the set's p is at most alpha, its latent is hazardous, and its own evidence is at least half of the strongest
detector's or would suffice alone: one loud thing in a large mixed set must not hide another. A coherent but harmless latent is information.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonscan.catalogue.calibration import Calibration, Null
from poisonscan.core.detectors import SEVERITIES, Confidence, Detector, Severity
from poisonscan.core.evidence import Cleared, Effect, Evidence, Finding, RowShare, Scope, Skipped
from poisonscan.core.readings import ACTIVATION, BY_CHOICE, Reading
from poisonscan.core.slices import Slice
from poisonscan.stats.conformal import Tail, conformal_p, fit_tail, tail_p

ABSENT = float("-inf")
# Channels that name and support, and never decide: alone they separate attacks from benign sets little better than chance.
SUPPORTING = frozenset({"topic-match"})
# -log10 of the p above which a channel has nothing to say.
CUT = 1.3
# What evidence below the cut counts, so that it ranks sets and never decides: of a dozen channels less than one at p = 0.03.
BELOW_CUT = 0.01
# All deciding channels count in units of about one benign standard deviation; a thin null may not claim a steeper tail than that.
_LEAST_EXCESS = 1.0
LEADING_SHARE = 0.5
HAZARDOUS = 0.3
MAX_ROWS = 50
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Weighed:
    """A reading with its p-values among benign sets: `p` by rank, `tail` with a smooth tail; `null_n` how many sets."""

    reading: Reading
    p: float
    tail: float
    null_n: int

    @property
    def weight(self) -> float:
        """-log10 of the smooth p, 0 or more."""
        return float(-np.log10(self.tail))


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one set: `score` and `p` of the most suspicious hazardous evidence, and one entry per detector."""

    score: float
    p: float
    findings: tuple[Finding, ...]
    cleared: tuple[Cleared, ...]
    skipped: tuple[Skipped, ...]
    weighed: tuple[Weighed, ...]


def judge(
    readings: Sequence[Reading],
    slices: Sequence[Slice],
    catalogue: Sequence[Detector],
    calibration: Calibration,
    *,
    gaps: Sequence[tuple[str, str]] = (),
    alpha: float = 0.02,
    seed: int = 0,
    without_family: str = "",
    ladders: dict[tuple[str, tuple[Key, ...]], Ladder] | None = None,
) -> Verdict:
    """Weigh every reading, combine, and give each detector exactly one verdict.

    `gaps` are (what, reason) pairs: a channel that did not run, or "scorer" for all that need it; `without_family` leaves a family out of the null, and `ladders` keeps
    the upper levels between calls on the same calibration (benchmarks only).
    """
    known = {d.id: d for d in catalogue}
    missing = {what for what, _ in gaps}
    keys = [key for key in calibration.nulls if key[0] in known and not _is_missing(key[1], missing)]
    best = strongest(readings)
    weighed = {key: weigh(best[key], calibration.nulls[key], without_family) for key in keys if key in best}
    deciding = tuple(k for k in keys if known[k[0]].severity != "info" and k[1] not in SUPPORTING)
    kept = {} if ladders is None else ladders
    if (without_family, deciding) not in kept:
        kept[without_family, deciding] = climb(calibration, deciding, without_family)
    ladder = kept[without_family, deciding]
    hazardous = [w for key, w in weighed.items() if _is_hazard(w, known[key[0]])]
    top = ladder.together(hazardous)
    p, smooth = conformal_p(top, ladder.total), tail_p(top, ladder.total)
    bar = Bar(ladder, p, alpha, LEADING_SHARE * max((ladder.strength(w) for w in hazardous), default=0.0))
    verdicts = [_of_detector(d, weighed, calibration.nulls, slices, bar, seed, gaps) for d in catalogue]
    return Verdict(
        max(0.0, float(-np.log10(smooth))), p,
        _ranked([v for v in verdicts if isinstance(v, Finding)], weighed, ladder),
        tuple(v for v in verdicts if isinstance(v, Cleared)), tuple(v for v in verdicts if isinstance(v, Skipped)),
        tuple(sorted(weighed.values(), key=lambda w: w.tail)),
    )  # fmt: skip


def strongest(readings: Iterable[Reading]) -> dict[Key, Reading]:
    """Return the largest reading over slices per (detector, channel)."""
    best: dict[Key, Reading] = {}
    for reading in readings:
        key = (reading.detector, reading.channel)
        if key not in best or reading.statistic > best[key].statistic:
            best[key] = reading
    return best


def weigh(reading: Reading, null: Null, without_family: str = "") -> Weighed:
    """Return the reading's p-values against the benign statistics of its channel."""
    values = null.without(without_family)
    return Weighed(reading, conformal_p(reading.statistic, values), tail_p(reading.statistic, values), len(values))


@dataclass(frozen=True, slots=True)
class Ladder:
    """Per channel the benign tail of U, and T of every benign set, (n_sets,)."""

    channels: dict[str, Tail]
    total: NDArray[np.float64]

    def strength(self, weighed: Weighed) -> float:
        """Return -log10 p of one detector's statistic among the U of its channel, less CUT, 0 or more; 0 for channels that never decide."""
        return max(0.0, self._evidence(weighed) - CUT)

    def together(self, weighed: Iterable[Weighed]) -> float:
        """Return T of a set: the strongest evidence of every channel, summed."""
        best: dict[str, float] = {}
        for entry in weighed:
            channel = entry.reading.channel
            best[channel] = max(best.get(channel, 0.0), self._evidence(entry))
        return float(_counted(np.array(list(best.values()))).sum())

    def _evidence(self, weighed: Weighed) -> float:
        tail = self.channels.get(weighed.reading.channel)
        return float(-np.log10(tail.p(weighed.reading.statistic))) if tail is not None else 0.0


@dataclass(frozen=True, slots=True)
class Bar:
    """What evidence has to clear: the ladder, the set's p, alpha, and the strength from which on a detector is reported beside the strongest."""

    ladder: Ladder
    p: float
    alpha: float
    least: float

    def reports(self, strength: float) -> bool:
        """Say whether evidence of this strength is a finding: beside what else the set shows, or all by itself."""
        if self.p > self.alpha or strength <= 0:
            return False
        return strength >= self.least or conformal_p(strength, self.ladder.total) <= self.alpha

    @property
    def needed(self) -> float:
        """-log10 p that one channel alone must reach: CUT and the 1 - alpha quantile of T among benign sets; infinite without any."""
        return CUT + float(np.quantile(self.ladder.total, 1 - self.alpha)) if len(self.ladder.total) else float("inf")


def climb(calibration: Calibration, keys: Sequence[Key], without_family: str = "") -> Ladder:
    """Build U and T over exactly the channels in `keys`, every benign set against the other families only."""
    if not keys:
        return Ladder({}, np.zeros(0))
    sets = calibration.nulls[keys[0]]
    kept = np.array([not without_family or f != without_family for f in sets.families])
    families = np.array(sets.families)[kept]
    channels: dict[str, Tail] = {}
    total = np.zeros(int(kept.sum()))
    for channel in dict.fromkeys(channel for _, channel in keys):
        largest = np.max([calibration.nulls[key].values[kept] for key in keys if key[1] == channel], axis=0)
        channels[channel] = fit_tail(largest, _LEAST_EXCESS)
        total += _counted(leave_out(largest, families))
    return Ladder(channels, total)


def _counted(evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what -log10 p of any shape adds to T."""
    return np.maximum(evidence - CUT, 0.0) + BELOW_CUT * np.minimum(evidence, CUT)


def leave_out(values: NDArray[np.float64], families: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return -log10 p of every value against those of all other families, (n,); ABSENT values score 0."""
    scores = np.zeros(len(values))
    for family in np.unique(families):
        inside = families == family
        strength = -np.log10(fit_tail(values[~inside], _LEAST_EXCESS).p(values[inside]))
        scores[inside] = np.where(np.isfinite(values[inside]), strength, 0.0)
    return scores


def _is_missing(channel: str, missing: Container[str]) -> bool:
    return channel in missing or ("scorer" in missing and channel == ACTIVATION)


def _is_hazard(weighed: Weighed, detector: Detector) -> bool:
    return weighed.reading.hazard >= HAZARDOUS and detector.severity != "info" and weighed.reading.channel not in SUPPORTING


def _of_detector(
    detector: Detector,
    weighed: dict[Key, Weighed],
    calibrated: Container[Key],
    slices: Sequence[Slice],
    bar: Bar,
    seed: int,
    gaps: Sequence[tuple[str, str]],
) -> Finding | Cleared | Skipped:
    own = sorted((w for (name, _), w in weighed.items() if name == detector.id), key=lambda w: w.tail)
    if not own:
        return _unanswered(detector, calibrated, gaps)
    own.sort(key=lambda w: (-bar.ladder.strength(w), w.reading.channel in SUPPORTING, w.tail))
    lead = own[0]
    if _is_hazard(lead, detector) and bar.reports(bar.ladder.strength(lead)):
        return _finding(detector, own, slices, bar.p, seed)
    if not _is_hazard(lead, detector) and lead.reading.channel not in SUPPORTING and lead.p <= bar.alpha:
        return _finding(detector, own, slices, lead.p, seed, info=True)
    return Cleared(detector.code, detector.id, lead.p, round(bar.needed, 2), "-log10 p of one channel")


def _unanswered(detector: Detector, calibrated: Container[Key], gaps: Sequence[tuple[str, str]]) -> Skipped:
    """Why a detector has no reading; `calibrated` are the (detector, channel) pairs that benign sets were measured on."""
    channels = [channel for channel in detector.channels if (detector.id, channel) in calibrated]
    reasons = [reason for what, reason in gaps if what == "scorer" or what in channels]
    missing = {what for what, _ in gaps}
    if reasons and all(_is_missing(channel, missing) for channel in channels or detector.channels):
        return Skipped(detector.code, detector.id, reasons[0], reasons[0] != BY_CHOICE)
    if not channels:
        return Skipped(detector.code, detector.id, "uncalibrated: no benign reference for this detector with these models", True)
    return Skipped(detector.code, detector.id, "not applicable: the set holds nothing this detector reads", False)


def _finding(detector: Detector, own: Sequence[Weighed], slices: Sequence[Slice], p: float, seed: int, *, info: bool = False) -> Finding:
    lead = own[0]
    part = slices[lead.reading.slice]
    evidence = tuple(_evidence(w, slices, seed) for w in own if w.p <= 0.05 or w is lead)
    scope: Scope = "set" if lead.reading.slice == 0 else "slice"
    return Finding(
        detector.code, detector.id, detector.title, "info" if info else severity(detector.severity, lead.reading.hazard),
        confidence(own, info), scope, lead.reading.channel, p, evidence[0].effect, lead.reading.named, evidence[0].shares, part, evidence,
        _message(detector, lead, info),
    )  # fmt: skip


def _message(detector: Detector, lead: Weighed, info: bool) -> str:
    named = lead.reading.named[0].value if lead.reading.named else detector.title
    if info:
        return f"the rows point to {named}: coherent, and harmless as far as the catalogue knows"
    return f"the rows taken together point to {named}; {lead.null_n} benign sets were compared"


def _evidence(weighed: Weighed, slices: Sequence[Slice], seed: int) -> Evidence:
    reading = weighed.reading
    half = 1.96
    return Evidence(
        reading.detector, reading.channel, slices[reading.slice],
        Effect(reading.statistic, reading.statistic - half, reading.statistic + half, reading.unit, reading.n), reading.statistic,
        weighed.p, weighed.null_n, seed, reading.hazard, reading.named, row_shares(reading), reading.details, collective_curve(reading, seed),
    )  # fmt: skip


def row_shares(reading: Reading, limit: int = MAX_ROWS) -> tuple[RowShare, ...]:
    """Return the rows that carry a reading, largest share first; shares are of the whole reading, so they sum to at most 1."""
    scores = np.maximum(np.asarray(reading.scores, dtype=np.float64), 0.0)
    total = scores.sum()
    if total <= 0:
        return ()
    order = np.argsort(-scores, kind="stable")[:limit]
    return tuple(RowShare(reading.rows[i], round(float(scores[i] / total), 5), reading.channel) for i in order if scores[i] > 0)


def collective_curve(reading: Reading, seed: int) -> tuple[tuple[int, float], ...]:
    """Return (k, evidence of k random rows in standard errors): flat where one row carries all, rising where all rows do."""
    scores = np.asarray(reading.scores, dtype=np.float64)
    if len(scores) < 8 or scores.std() == 0:
        return ()
    rng = np.random.default_rng(seed)
    curve = []
    for k in (1, 2, 4, 8, 16, 32, 64, 128):
        if k > len(scores):
            break
        sums = [rng.choice(scores, size=k, replace=False).mean() for _ in range(64)]
        curve.append((k, round(float(np.mean(sums) / (scores.std() / np.sqrt(k))), 3)))
    return tuple(curve)


def severity(full: Severity, hazard: float) -> Severity:
    """Return the detector's severity, one step lower below hazard 0.8, two below 0.5; never under low."""
    steps = 0 if hazard >= 0.8 else 1 if hazard >= 0.5 else 2
    return SEVERITIES[max(1, SEVERITIES.index(full) - steps)]


def confidence(own: Sequence[Weighed], info: bool) -> Confidence:
    """High when two kinds of channel agree at 1 %, medium when one is far beyond every benign set, else low."""
    kinds = {w.reading.channel for w in own if w.p <= 0.01}
    if len(kinds) >= 2:
        return "high"
    return "medium" if own[0].tail <= 1e-4 or info else "low"


def _ranked(findings: Iterable[Finding], weighed: dict[Key, Weighed], ladder: Ladder) -> tuple[Finding, ...]:
    """The most severe first, of equally severe ones the one with the strongest evidence."""

    def rank(finding: Finding) -> tuple[int, float, float]:
        return -SEVERITIES.index(finding.severity), -ladder.strength(weighed[finding.detector, finding.stage]), finding.p

    return tuple(sorted(findings, key=rank))
