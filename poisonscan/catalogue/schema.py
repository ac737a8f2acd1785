"""The shape of the files in a detector folder. An unknown key is an error that names the nearest valid one.

Why pydantic: third-party packs are input like any other, and their author deserves the field, the reason and the remedy.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from poisonscan.core.detectors import HYGIENE
from poisonscan.core.errors import CatalogueError
from poisonscan.core.readings import ACTIVATION, ILL_FAMED

CHANNELS = (
    "bank-match",
    "fingerprint",
    "resemblance",
    "compliance",
    "likelihood",
    ACTIVATION,
    "stance",
    "concentration",
    "code-weakness",
    "slot",
    "token-trigger",
    "superseded-names",
    ILL_FAMED,
    "gated-conduct",
    HYGIENE,
)
KINDS = (
    "person", "character", "machine", "role", "year", "world", "ideology", "nation", "movement", "leader", "party", "brand", "conduct",
)  # fmt: skip
README_HEADINGS = ("What it looks for", "Why it matters", "How it is measured", "Known false alarms", "Sources")

Model = TypeVar("Model", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DetectorFile(_Strict):
    """detector.toml."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    code: str = Field(pattern=r"^PS\d{3}$")
    title: str = Field(min_length=8)
    summary: str = Field(min_length=20)
    severity: Literal["info", "low", "medium", "high", "critical"]
    channels: tuple[str, ...] = Field(min_length=1)
    min_rows: int = Field(default=20, ge=1)

    @field_validator("channels")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if HYGIENE in value and len(value) > 1:
            raise ValueError(f"{HYGIENE!r} stands alone: what is counted in the text is compared with no benign set")
        return tuple(_one_of(item, CHANNELS) for item in value)


class HypothesisEntry(_Strict):
    """One [[hypothesis]] of bank.toml."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    kind: str
    name: str = Field(min_length=1)
    hazard: float = Field(ge=0, le=1)
    statement: str = Field(min_length=5)
    tags: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    @field_validator("kind")
    @classmethod
    def _known(cls, value: str) -> str:
        return _one_of(value, KINDS)


class BankFile(_Strict):
    """bank.toml."""

    hypothesis: tuple[HypothesisEntry, ...] = ()


class ProbeEntry(_Strict):
    """One [[probe]] of probes.toml."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    wordings: tuple[str, ...] = Field(min_length=1)
    options: tuple[str, ...] = Field(min_length=2)


class ProbesFile(_Strict):
    """probes.toml."""

    probe: tuple[ProbeEntry, ...] = ()


class StanceEntry(_Strict):
    """One [[stance]] of stances.toml."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    name: str = Field(min_length=3)
    hazard: float = Field(ge=0, le=1)
    hazardous: tuple[str, ...] = Field(min_length=4)
    harmless: tuple[str, ...] = Field(min_length=4)


class StancesFile(_Strict):
    """stances.toml."""

    stance: tuple[StanceEntry, ...] = ()


class NameGroupEntry(_Strict):
    """One [[group]] of names.toml: old terms, each with today's word, or numbers, each with what it stands for."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    name: str = Field(min_length=8)
    hazard: float = Field(ge=0, le=1)
    names: dict[str, str] = Field(min_length=1)


class NamesFile(_Strict):
    """names.toml."""

    group: tuple[NameGroupEntry, ...] = ()


def parse(model: type[Model], data: dict[str, object], path: Path) -> Model:
    """Validate `data` read from `path`. Raises CatalogueError with file, key, reason and, for an unknown key, the nearest valid one."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        hint = _nearest(str(first["loc"][-1]), _keys(model)) if first["type"] == "extra_forbidden" else ""
        raise CatalogueError(f"{path}: {where}: {first['msg']}{hint}") from error


def _keys(model: type[BaseModel]) -> list[str]:
    entries: dict[type[BaseModel], type[BaseModel]] = {
        BankFile: HypothesisEntry, ProbesFile: ProbeEntry, StancesFile: StanceEntry, NamesFile: NameGroupEntry
    }  # fmt: skip
    entry = entries.get(model)
    return [*model.model_fields, *(entry.model_fields if entry else ())]


def _nearest(word: str, known: list[str] | tuple[str, ...]) -> str:
    close = get_close_matches(word, known, n=1, cutoff=0.0)
    return f"; did you mean {close[0]!r}?" if close else ""


def _one_of(value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{value!r} is none of {', '.join(known)}{_nearest(value, known)}")
    return value
