"""Read detector folders into frozen `Detector` values, shipped ones and third-party packs of the same shape alike."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from poisonscan.catalogue.find import bundled_catalogue
from poisonscan.catalogue.schema import BankFile, DetectorFile, NamesFile, ProbesFile, StancesFile, parse
from poisonscan.core.dataset import Role, Turn
from poisonscan.core.detectors import Case, Detector, Hypothesis, NameGroup, Probe, Stance
from poisonscan.core.errors import CatalogueError
from poisonscan.core.readings import ILL_FAMED

Model = TypeVar("Model", bound=BaseModel)

# calibration.json is generated from the other files, so it is no part of the digest that stamps it.
_DIGESTED = ("detector.toml", "bank.toml", "probes.toml", "stances.toml", "names.toml", "weaknesses.toml", "cases/poisoned.jsonl", "cases/clean.jsonl")


def load_catalogue(extra: Path | None = None) -> tuple[Detector, ...]:
    """Load every shipped detector, and those of the pack at `extra`, in the order of their codes.

    Raises CatalogueError when a folder does not validate or when an id or code is used twice.
    """
    roots = [bundled_catalogue()] + ([extra] if extra else [])
    folders = [path.parent for root in roots for path in sorted(root.glob("*/*/detector.toml"))]
    if extra and not list(extra.glob("*/*/detector.toml")):
        raise CatalogueError(f"{extra}: no FAMILY/DETECTOR/detector.toml below it; a pack has the shape of the shipped detectors")
    detectors = sorted((load_detector(folder) for folder in folders), key=lambda detector: detector.code)
    _refuse_twins(detectors)
    return tuple(detectors)


def load_detector(folder: Path) -> Detector:
    """Load one folder. Raises CatalogueError naming file and key."""
    head = _toml(folder / "detector.toml", DetectorFile)
    if head.id != folder.name:
        raise CatalogueError(f"{folder / 'detector.toml'}: id {head.id!r} must equal the folder name {folder.name!r}")
    bank = _toml(folder / "bank.toml", BankFile, optional=True)
    probes = _toml(folder / "probes.toml", ProbesFile, optional=True)
    stances = _toml(folder / "stances.toml", StancesFile, optional=True)
    names = _toml(folder / "names.toml", NamesFile, optional=True)
    odd = next((term for group in names.group for term in group.names if ILL_FAMED in head.channels and not (term.isascii() and term.isdigit())), None)
    if odd is not None:
        raise CatalogueError(f"{folder / 'names.toml'}: {odd!r} is no number; the channel {ILL_FAMED!r} takes numbers in digits only")
    return Detector(
        **head.model_dump(),
        family=folder.parent.name,
        digest=_digest(folder),
        readme=_text(folder / "README.md"),
        hypotheses=tuple(Hypothesis(**entry.model_dump()) for entry in bank.hypothesis),
        probes=tuple(Probe(**entry.model_dump()) for entry in probes.probe),
        poisoned=_cases(folder / "cases/poisoned.jsonl"),
        clean=_cases(folder / "cases/clean.jsonl"),
        stances=tuple(Stance(**entry.model_dump()) for entry in stances.stance),
        names=tuple(NameGroup(entry.id, entry.name, entry.hazard, tuple(entry.names.items())) for entry in names.group),
    )


def compared(detectors: Iterable[Detector]) -> tuple[Detector, ...]:
    """Return the detectors that are compared with benign sets: all but those of text hygiene."""
    return tuple(detector for detector in detectors if detector.is_compared)


def catalogue_digest(detectors: Iterable[Detector]) -> str:
    """Return the hex blake2b-64 digest over ids and digests, in the order given."""
    digest = blake2b(digest_size=8)
    for detector in detectors:
        digest.update(f"{detector.id}:{detector.digest};".encode())
    return digest.hexdigest()


def _refuse_twins(detectors: list[Detector]) -> None:
    for attribute in ("id", "code"):
        seen: dict[str, Detector] = {}
        for detector in detectors:
            value = getattr(detector, attribute)
            if value in seen:
                raise CatalogueError(f"{attribute} {value!r} is used by {seen[value].family}/{seen[value].id} and {detector.family}/{detector.id}")
            seen[value] = detector


def _toml(path: Path, model: type[Model], *, optional: bool = False) -> Model:
    if optional and not path.is_file():
        return model()
    try:
        data = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path}: not valid TOML: {error}") from error
    return parse(model, data, path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: cannot be read as UTF-8 text: {error}") from error


def _cases(path: Path) -> tuple[Case, ...]:
    if not path.is_file():
        return ()
    cases = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        try:
            record = json.loads(line)
            turns = tuple(_turn(message) for message in record["messages"])
        except (ValueError, KeyError, TypeError) as error:
            raise CatalogueError(f"{path}:{number}: not a JSON object with messages of role and content: {error!r}") from error
        cases.append(Case(turns, str(record.get("policy", ""))))
    return tuple(cases)


def _turn(message: dict[str, str]) -> Turn:
    role: Role = "assistant" if message["role"] == "assistant" else "system" if message["role"] == "system" else "user"
    return Turn(role, str(message["content"]), 1.0 if role == "assistant" else 0.0)


def _digest(folder: Path) -> str:
    digest = blake2b(digest_size=8)
    for name in _DIGESTED:
        path = folder / name
        if path.is_file():
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
