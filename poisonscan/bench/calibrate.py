"""Calibration from measured benign sets: what the scorer makes of the catalogue, then nulls and references.

The scorer's side of the catalogue (prototypes, states of the cases) depends on weights and texts alone. It is kept beside the measured sets, text
by text, so that a changed catalogue costs what is new in it and an interrupted run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

import numpy as np

from poisonscan.bench.crossfit import Parts, Sample, calibration_of, cross_read
from poisonscan.bench.store import Stored, load, save
from poisonscan.catalogue import bundled_catalogue, compared, load_catalogue
from poisonscan.catalogue.calibration import load_calibration, save_calibration
from poisonscan.channels import from_arrays
from poisonscan.core.dataset import Dataset
from poisonscan.core.detectors import Detector
from poisonscan.core.errors import UsageError
from poisonscan.core.protocols import Progress, Silent
from poisonscan.core.readings import ACTIVATION
from poisonscan.core.settings import Settings
from poisonscan.core.slices import FloatArray
from poisonscan.fingerprinting import take_fingerprint
from poisonscan.induction.in_context import ask, battery, statements
from poisonscan.judge import HAZARDOUS
from poisonscan.material import Material, catalogue_texts, material
from poisonscan.measuring import VECTORS, Clock, Models, measure
from poisonscan.models import CausalScorer
from poisonscan.models.shipped import save_shipped
from poisonscan.probing.activation_probe import Probe, fit_probe, state_pairs, states_of
from poisonscan.probing.fingerprint import Prototypes

Item = TypeVar("Item")

MIN_SETS = 20
MAX_PROTOTYPES = 300
# Benign sets the scorer is shown to standardise fingerprints: enough for a centre and a spread per option.
PRINTED_SETS = 30
# Items read by the scorer between two writes of what is kept.
AT_ONCE = 50


def calibrate_from_folder(folder: Path, settings: Settings, out: Path, progress: Progress | None = None) -> int:
    """Measure every set in `folder` (each file one trusted benign set, its own family) and write a calibration to `out`.

    Returns how many sets it rests on. Raises UsageError below 20 sets: a null of fewer cannot support a 5 % error rate.
    """
    from poisonscan.readers import read

    paths = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    if len(paths) < MIN_SETS:
        raise UsageError(f"{folder}: {len(paths)} sets; at least {MIN_SETS} benign sets are needed, 100 for an error rate of 1 %")
    reporter = progress or Silent()
    models, catalogue = Models(settings, reporter), compared(load_catalogue(settings.catalogue))
    work = out / "measured"
    stuff = material(catalogue, models.encoder)
    printed = spread_over([path.stem for path in paths], PRINTED_SETS)
    for path in paths:
        dataset = partial(read, path, layout=settings.layout, mapping=settings.mapping)
        keep_measured(work, path.stem, dataset, settings, models, catalogue, stuff, printed=path.stem in printed)
    samples = [Sample(p.stem, p.stem, True, load(work, p.stem).measured) for p in paths]
    parts = parts_of(catalogue, models, work, shipped_probe(catalogue, models.scorer.id))
    readings = cross_read(samples, parts)
    save_calibration(out, calibration_of(samples, readings, parts, catalogue, (models.scorer.id, models.encoder.id)), catalogue)
    return len(samples)


def keep_measured(
    work: Path,
    name: str,
    dataset: Callable[[], Dataset],
    settings: Settings,
    models: Models,
    catalogue: Sequence[Detector],
    stuff: Material,
    *,
    printed: bool,
) -> None:
    """Measure a set that `work` does not hold yet, as a scan would; `printed` sets also get the in-context fingerprint.

    Of a printed set that is held, a missing fingerprint or one that answers another battery is taken anew, and nothing else.
    """
    if not (work / f"{name}.json").is_file():
        rows, clock = dataset(), Clock()
        save(work, Stored(name, measure(rows, settings, models, catalogue, stuff, clock), len(rows), tuple(clock.stages)))
    if not printed:
        return
    stored, questions = load(work, name), battery(catalogue)
    seen = stored.measured.fingerprint
    if questions.questions and (seen is None or seen.battery != questions.digest):
        taken = take_fingerprint(models.scorer, dataset(), stored.measured.rows.tolist(), questions, settings.seed)
        save(work, replace(stored, measured=replace(stored.measured, fingerprint=taken[-1] if taken else None)))


def spread_over(names: Sequence[str], most: int) -> frozenset[str]:
    """Return at most `most` names, evenly spaced in their alphabetical order."""
    ordered = sorted(names)
    return frozenset(ordered[i] for i in np.unique(np.linspace(0, len(ordered) - 1, min(most, len(ordered))).astype(int))) if ordered else frozenset()


def save_vectors(root: Path, catalogue: Sequence[Detector], models: Models) -> None:
    """Write the vectors of the catalogue's texts beside it, for first scans on new machines."""
    texts = catalogue_texts(catalogue)
    save_shipped(root / VECTORS, models.encoder.id, texts, models.encoder.encode(texts))


def parts_of(catalogue: Sequence[Detector], models: Models, work: Path, probe: Probe | None = None) -> Parts:
    """Return the catalogue through both models; the scorer's share is computed once and kept in `work`. A `probe` given is not fitted anew."""
    stuff = material(catalogue, models.encoder)
    return Parts(stuff, _prototypes(catalogue, stuff, models.scorer, work), probe or _probe(catalogue, models, work))


def shipped_probe(catalogue: Sequence[Detector], scorer: str) -> Probe | None:
    """Return the probe that ships for this scorer and exactly these detectors, None without one.

    Why: it rests on weights and cases alone, and reading ten thousand cases again takes a quarter of an hour.
    """
    shipped = load_calibration(bundled_catalogue(), catalogue)
    if shipped is None or shipped.scorer != scorer or not all(shipped.fresh(detector) for detector in catalogue):
        return None
    fitted = from_arrays(shipped.arrays).probe
    return fitted[0] if fitted else None


def _probe(catalogue: Sequence[Detector], models: Models, work: Path) -> Probe | None:
    """Fit the activation probe on the cases of the catalogue, whose states are kept in `work`: reading them takes minutes."""
    sides = state_pairs(catalogue)
    if len(sides[0]) < MIN_SETS or not any(ACTIVATION in d.channels for d in catalogue):
        return None
    keyed = {_key("", pair): pair for side in sides for pair in side}
    models.progress.stage("reading cases", len(keyed))
    known = _kept(work / f"states-{_key(models.scorer.id, [])}.npz", keyed, lambda pairs: list(states_of(models.scorer, pairs)), models.progress)
    width = len(next(iter(known.values())))
    return fit_probe(*(np.array([known[_key("", pair)] for pair in side], dtype=np.float32).reshape(-1, width) for side in sides))


def _kept(
    path: Path, wanted: Mapping[str, Item], read: Callable[[Sequence[Item]], Sequence[FloatArray]], progress: Progress | None = None
) -> dict[str, FloatArray]:
    """Return what `read` says of every wanted item by its key, from the file at `path` where it stands there; what is new is added as it is read."""
    known: dict[str, FloatArray] = {}
    if path.is_file():
        with np.load(path, allow_pickle=False) as file:
            known = dict(zip(map(str, file["keys"]), file["values"], strict=True))
    fresh = [key for key in wanted if key not in known]
    if progress:
        progress.advance(len(wanted) - len(fresh))
    for start in range(0, len(fresh), AT_ONCE):
        part = fresh[start : start + AT_ONCE]
        known |= dict(zip(part, read([wanted[key] for key in part]), strict=True))
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.stem}.tmp.npz")
        np.savez(draft, keys=np.array(list(known)), values=np.stack(list(known.values())))
        draft.replace(path)
        if progress:
            progress.advance(len(part))
    return known


def _prototypes(catalogue: Sequence[Detector], stuff: Material, scorer: CausalScorer, work: Path) -> Prototypes | None:
    questions = battery(catalogue)
    if not questions.questions:
        return None
    chosen = choose_prototypes(stuff)
    stated = [statements(stuff.bank.hypotheses[i]) for i in chosen]
    keys = [_key("", texts) for texts in stated]
    known = _kept(
        work / f"prototypes-{_key(scorer.id, [questions.digest])}.npz", dict(zip(keys, stated, strict=True)),
        lambda some: [np.mean([ask(scorer, text, questions) for text in texts], axis=0).astype(np.float32) for texts in some],
    )  # fmt: skip
    values = np.stack([known[key] for key in keys])
    bank = stuff.bank
    return Prototypes(
        values, tuple(bank.hypotheses[i].name for i in chosen), tuple(bank.hypotheses[i].kind for i in chosen),
        tuple(bank.hypotheses[i].hazard for i in chosen), tuple(bank.detectors[i] for i in chosen), questions.digest,
    )  # fmt: skip


def choose_prototypes(stuff: Material, limit: int = MAX_PROTOTYPES) -> list[int]:
    """Return hypothesis indices, at most `limit`, harmful ones beside as many harmless ones.

    Within each half every detector in turn gives its next, so that none crowds out another.
    """
    queues: dict[tuple[bool, str], list[int]] = {}
    for i, (detector, hypothesis) in enumerate(zip(stuff.bank.detectors, stuff.bank.hypotheses, strict=True)):
        queues.setdefault((hypothesis.hazard >= HAZARDOUS, detector), []).append(i)
    chosen = [_in_turn([queue for (harmful, _), queue in queues.items() if harmful is half], limit // 2) for half in (True, False)]
    return sorted(chosen[0] + chosen[1])


def _in_turn(queues: Sequence[Sequence[int]], most: int) -> list[int]:
    ordered = [queue[place] for place in range(max(map(len, queues), default=0)) for queue in queues if place < len(queue)]
    return ordered[:most]


def _key(scorer: str, texts: Sequence[str]) -> str:
    digest = blake2b(digest_size=6)
    for text in (scorer, *texts):
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()
