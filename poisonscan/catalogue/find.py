"""Where the shipped catalogue and suites lie: inside an installed package, or beside it in a checkout. The only such lookup."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from poisonscan.core.errors import CatalogueError


def bundled_catalogue() -> Path:
    """Return the folder of the shipped detectors. Raises CatalogueError naming both places that were looked at."""
    return _bundled("detectors", "detectors")


def bundled_suites() -> Path:
    """Return the folder of the shipped benchmark suites. Raises CatalogueError naming both places that were looked at."""
    return _bundled("suites", "benchmarks/suites")


def _bundled(packaged: str, in_checkout: str) -> Path:
    package = Path(str(files("poisonscan")))
    places = (package / packaged, package.parent / in_checkout)
    for place in places:
        if place.is_dir():
            return place
    raise CatalogueError(f"no {packaged} found: looked at {places[0]} and {places[1]}; reinstall poisonscan or pass --catalogue DIR")
