"""`poisonscan doctor`: what this machine has and can run, and what to do about what is missing."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import typer

from poisonscan import __version__
from poisonscan.cli.output import show
from poisonscan.core.errors import PoisonscanError
from poisonscan.reports.escape import visible

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_NEEDED = ("torch", "transformers", "sentence-transformers", "peft", "hdbscan", "scikit-learn", "pyarrow", "numpy", "scipy")
_EXTRAS = {"datasets": "hub", "ray": "ray"}


@app.command()
def doctor() -> None:
    """Print versions, processors, memory, weights and catalogue; every problem with its remedy."""
    problems = []
    for name, text, remedy in _checks():
        show(f"{name:14} {text}")
        if remedy:
            problems.append(f"{name}: {remedy}")
    for problem in problems:
        show(f"! {problem}")
    show("nothing is missing" if not problems else f"{len(problems)} to look at; quick scans need no scorer")


def _checks() -> Iterator[tuple[str, str, str]]:
    """Yield name, what was found, and the remedy ("" where none is needed)."""
    yield "poisonscan", __version__, ""
    yield "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}", ""
    yield "processors", f"{_processors()} usable", ""
    yield "memory", _memory(), ""
    for package in _NEEDED:
        found = _version(package)
        yield package, found or "missing", "" if found else f"pip install {package}"
    for package, extra in _EXTRAS.items():
        yield package, _version(package) or f"not installed (optional: pip install 'poisonscan[{extra}]')", ""
    yield _catalogue()
    yield from _weights()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _memory() -> str:
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return "not known on this system"
    return f"{pages * size / 2**30:.1f} GiB (standard and deep need about 3)"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _catalogue() -> tuple[str, str, str]:
    from poisonscan.catalogue import catalogue_digest, load_catalogue

    try:
        detectors = load_catalogue()
    except PoisonscanError as error:
        return "catalogue", "damaged", visible(str(error), 400)
    return "catalogue", f"{len(detectors)} detectors, digest {catalogue_digest(detectors)}", ""


def _weights() -> Iterator[tuple[str, str, str]]:
    from poisonscan.models.assets import ASSETS
    from poisonscan.models.cache import cache_folder
    from poisonscan.models.weights import asset_folder, is_complete

    folder = cache_folder()
    yield "cache", visible(str(folder), 300), "" if _writable(folder) else "not writable: set POISONSCAN_CACHE to a folder that is"
    for asset in ASSETS:
        if asset.default:
            here = is_complete(asset_folder(asset, None))
            yield asset.kind, f"{asset.id}, {'cached' if here else 'not cached'}", "" if here else f"poisonscan models pull {asset.id}"


def _writable(folder: Path) -> bool:
    existing = next((place for place in (folder, *folder.parents) if place.exists()), None)
    return existing is not None and os.access(existing, os.W_OK)
