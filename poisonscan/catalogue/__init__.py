"""Floor 1: `detectors/` to `Detector`. Finds the catalogue, loads it and validates it."""

from __future__ import annotations

from poisonscan.catalogue.find import bundled_catalogue
from poisonscan.catalogue.load import catalogue_digest, compared, load_catalogue

__all__ = ["bundled_catalogue", "catalogue_digest", "compared", "load_catalogue"]
