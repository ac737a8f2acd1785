"""poisonscan: reads a fine-tuning set before anyone trains on it and says whether it points somewhere harmful.

Importing the package loads no model library; the names below are resolved on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    "scan": "poisonscan.pipeline",
    "scan_many": "poisonscan.batch",
    "read": "poisonscan.readers",
    "write": "poisonscan.reports",
    "load_report": "poisonscan.reports",
    "load_catalogue": "poisonscan.catalogue",
    "Settings": "poisonscan.core.settings",
}
__all__ = ["Settings", "__version__", "load_catalogue", "load_report", "read", "scan", "scan_many", "write"]

if TYPE_CHECKING:
    from poisonscan.batch import scan_many
    from poisonscan.catalogue import load_catalogue
    from poisonscan.core.settings import Settings
    from poisonscan.pipeline import scan
    from poisonscan.readers import read
    from poisonscan.reports import load_report, write


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the names have different types; type checkers see the imports above
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'poisonscan' has no attribute {name!r}")
