"""The table of formats, and the two functions every caller needs: `render` to text, `write` to a file.

Why a temporary name: a reader of the file (a dashboard, a CI step) must see the whole report or none.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import cast

from poisonscan.core.errors import UsageError
from poisonscan.core.report import Report
from poisonscan.reports.escape import visible

Renderer = Callable[[Sequence[Report]], str]
# name -> (module below reports, function); imported on first use, so that `check` without HTML never loads jinja2
_RENDERERS = {
    "terminal": ("terminal", "render_terminal"),
    "json": ("json_report", "render_json"),
    "jsonl": ("jsonl", "render_jsonl"),
    "sarif": ("sarif", "render_sarif"),
    "junit": ("junit", "render_junit"),
    "github": ("github", "render_github"),
    "gitlab": ("gitlab", "render_gitlab"),
    "markdown": ("markdown", "render_markdown"),
    "html": ("html", "render_html"),
}
FORMATS = tuple(_RENDERERS)
_SUFFIXES = {
    ".txt": "terminal",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".sarif": "sarif",
    ".xml": "junit",
    ".md": "markdown",
    ".html": "html",
    ".htm": "html",
}


def render(report: Report, fmt: str) -> str:
    """Return the report as text in `fmt`, one of FORMATS. Raises UsageError for an unknown format."""
    return render_many([report], fmt)


def render_many(reports: Sequence[Report], fmt: str) -> str:
    """Return several reports as one text in `fmt`. Raises UsageError for an unknown format."""
    if fmt not in _RENDERERS:
        raise UsageError(f"format {visible(fmt, 40)!r} is not known; there are {', '.join(FORMATS)}")
    module, function = _RENDERERS[fmt]
    renderer = cast("Renderer", getattr(import_module(f"poisonscan.reports.{module}"), function))
    return renderer(reports)


def write(report: Report, path: str | Path, fmt: str | None = None) -> None:
    """Write the report to `path`, in `fmt` or the format its suffix stands for. Raises UsageError where neither says."""
    write_many([report], path, fmt)


def write_many(reports: Sequence[Report], path: str | Path, fmt: str | None = None) -> None:
    """Write several reports into one file. Raises UsageError for an unknown format or a place that cannot be written."""
    place = Path(path)
    text = render_many(reports, fmt or format_of(place))
    write_text(place, text)


def write_text(place: Path, text: str) -> None:
    """Write UTF-8 text to a temporary name beside `place` and rename it. Raises UsageError where that is not possible."""
    temporary = place.with_name(f".{place.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(place)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise UsageError(f"{visible(str(place), 400)}: cannot be written ({error.strerror}). Choose another place") from error


def format_of(place: Path) -> str:
    """Return the format the suffix of `place` stands for. Raises UsageError naming the suffixes that are known."""
    name = place.name.lower()
    if name.endswith(".sarif.json"):
        return "sarif"
    if place.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"{visible(str(place), 400)}: no format goes by that suffix ({', '.join(_SUFFIXES)}); name the format")
    return _SUFFIXES[place.suffix.lower()]
