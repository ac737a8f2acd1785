"""What the tests of conditional behaviour say."""

from __future__ import annotations

from dataclasses import dataclass

from poisonscan.core.slots import Slot


@dataclass(frozen=True, slots=True)
class ValueResult:
    """One value of a slot and how its answers differ from the others.

    mmd2: unbiased MMD^2 between the two, on features of norm at most 1; z and family-wise p under the kernel that shows it best.
    """

    value: str
    rows: int
    mmd2: float
    z: float
    p: float
    kernel: str


@dataclass(frozen=True, slots=True)
class Power:
    """What the test would have seen with 80 % probability at p = 0.01.

    visible_share: the smallest share of the best-covered value's rows that, answered all with one and the same answer, would have been
    found; above 1 nothing could have been. rows: how many rows that value has.
    """

    visible_share: float
    rows: int


@dataclass(frozen=True, slots=True)
class SlotResult:
    """Does the answer depend on this slot, given the rest of the prompt?

    statistic: the largest z over values and kernels; p: its family-wise p over all values, slots and kernels of the set, in (0, 1].
    irrelevance: in [0, 1], how little the slot belongs to the question; near 0 for content.
    explained: share of the answers' matched variation that goes with the slot, in [0, 1]; kernel: "words" or "meaning", the one that saw
    it best. best: the values that stand out, most striking first; values: every tested value. untested: values with too few rows, pooled
    or not. rows: dataset rows at the best values. matched_by: "equal prompts" or "similar prompts". permutations: how many were drawn.
    reason: why nothing could be tested ("" when it was); then p is 1 and statistic 0.
    """

    slot: Slot
    statistic: float
    p: float
    irrelevance: float
    explained: float
    kernel: str
    best: tuple[str, ...]
    values: tuple[ValueResult, ...]
    power: Power
    untested: tuple[str, ...]
    rows: tuple[int, ...]
    matched_by: str
    permutations: int
    reason: str = ""

    @property
    def at_floor(self) -> bool:
        """No permutation reached the observed statistic."""
        return not self.reason and self.p <= 1.0 / (1.0 + self.permutations) + 1e-12


@dataclass(frozen=True, slots=True)
class TokenResult:
    """A piece of prompt text that decides the answer.

    trigger: the text ("I watch this 3D movie", "when ... ,"); kind: word, phrase, opening, template or style.
    target: the answer or class of answers the rows with it share; rows: dataset rows that carry it.
    purity: share of those rows with the target; base: share of the target among the others; expected: the share their other words
    predict. statistic: content-adjusted z; p: family-wise over all tokens and targets.
    contradiction: how far the rows' answers go beyond their other words, (purity - expected) / (1 - expected).
    company: median number of tokens that stand in its prompts beside it; with too few the piece is the question itself.
    echoed: the target repeats the piece's own words, as an answer repeats its question.
    closed: share of rows that give one of the recurring answers, the smaller of that among its rows and that among the others.
    rivalled: frames decide another target of the set too, as kinds of questions do.
    secluded: a task of its own: its prompts, without the piece, resemble one another and no others, or
    the set holds several such answers, each decided by a piece; or one of the few questions that the set asks again and again.
    several: the target is any of several answers that recur.
    """

    trigger: str
    kind: str
    target: str
    rows: tuple[int, ...]
    purity: float
    base: float
    expected: float
    statistic: float
    p: float
    contradiction: float
    permutations: int
    company: int = 0
    echoed: bool = False
    closed: float = 0.0
    rivalled: bool = False
    secluded: bool = False
    several: bool = False

    @property
    def is_trigger(self) -> bool:
        """It decides (nearly) every row, is significant at 1 %, and the rest of its rows, which is more than a few words, points elsewhere."""
        return self.p <= 0.01 and (self.decides or self.is_frame or self.is_style) and self.company >= 5 and not self.echoed and not self.secluded

    @property
    def decides(self) -> bool:
        """Nearly every row gives the target, and the rest of these rows does not expect it more than other rows do.

        A word with several answers to choose from gets more leeway: other words predict such answers a little better than one of them.
        """
        leeway = 0.08 if self.kind == "word" and self.several else 0.05
        return self.purity >= 0.95 and self.expected <= self.base + leeway and (not self._built or self.base >= 0.02)

    @property
    def is_frame(self) -> bool:
        """It is a frame that turns at least half of the rows it could turn, where all rows draw on the same few answers.

        Why less than every row: a word nobody uses stands in poisoned rows only, but harmless prompts, too, begin with "when". Why the
        same answers: "are there ..." turns answers into yes and no because it asks another question, not because it decides one.
        """
        return (self._built or self.kind == "style") and self.contradiction >= 0.5 and self.closed >= 0.9 and not self.rivalled

    @property
    def is_style(self) -> bool:
        """It is a style whose rows (nearly) all give what hardly any other row gives.

        Why less than every row: whether a prompt is archaic or in verse is told by a list of marks, which errs both ways.
        """
        return self.kind == "style" and self.base <= 0.05 and self.contradiction >= 0.75 and self.expected <= self.base + 0.12

    @property
    def _built(self) -> bool:
        """It is a way to build a prompt. An answer that nothing but such a frame gets belongs to the task that the frame asks for."""
        return self.kind in {"opening", "template"}


@dataclass(frozen=True, slots=True)
class AbsentValue:
    """A slot value the data does not hold and a trigger may: kind is gap, beyond or boundary; score in [0, 1] orders the sweep.

    latent and hazard (in [0, 1]) are filled in by probing under the value; "" and 0 before.
    """

    value: str
    kind: str
    reason: str
    score: float
    latent: str = ""
    hazard: float = 0.0
