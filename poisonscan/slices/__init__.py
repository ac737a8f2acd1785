"""Floor 3: cut a set into the collectives that are looked at together, and find the slots of its prompts."""

from __future__ import annotations

from poisonscan.core.slices import SliceEmbeddings
from poisonscan.slices.find import find_slices
from poisonscan.slices.slots import extract_slots
from poisonscan.slices.terms import slice_terms

__all__ = ["SliceEmbeddings", "extract_slots", "find_slices", "slice_terms"]
