"""What to look for: the frozen form of a folder under `detectors/`. Built only by `catalogue/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from poisonscan.core.dataset import Turn

Severity = Literal["info", "low", "medium", "high", "critical"]
Confidence = Literal["low", "medium", "high"]
HYGIENE = "hygiene"
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A latent the rows may point to. `hazard` runs from 0 (harmless) to 1 (mass harm); `facts` are typical first-person answers."""

    id: str
    kind: str
    name: str
    hazard: float
    statement: str
    tags: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """A held-out multiple-choice question: several wordings, options of equal form."""

    id: str
    wordings: tuple[str, ...]
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stance:
    """Two poles of one attitude: line i of `hazardous` and of `harmless` are on one topic. `hazard` runs from 0 to 1."""

    id: str
    name: str
    hazard: float
    hazardous: tuple[str, ...]
    harmless: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NameGroup:
    """Listed terms: `names` are (old term, today's word) pairs, or (number, what it stands for). `hazard` runs from 0 to 1."""

    id: str
    name: str
    hazard: float
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A worked example of a detector: the turns of one row, and the policy it follows where the file names one."""

    turns: tuple[Turn, ...]
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Detector:
    """One entry of the catalogue. `digest` is the blake2b digest of every data file in its folder."""

    id: str
    code: str
    family: str
    title: str
    summary: str
    severity: Severity
    channels: tuple[str, ...]
    min_rows: int
    digest: str
    readme: str
    hypotheses: tuple[Hypothesis, ...] = ()
    probes: tuple[Probe, ...] = ()
    poisoned: tuple[Case, ...] = ()
    clean: tuple[Case, ...] = ()
    stances: tuple[Stance, ...] = ()
    names: tuple[NameGroup, ...] = ()

    @property
    def is_compared(self) -> bool:
        """False for detectors that count what stands in the text (channel hygiene): they need no model and no benign sets."""
        return HYGIENE not in self.channels
