"""`poisonscan rules`: the catalogue as a table."""

from __future__ import annotations

import json

import typer

from poisonscan.catalogue import load_catalogue
from poisonscan.cli import options as o
from poisonscan.cli.output import show
from poisonscan.core.errors import UsageError
from poisonscan.reports.escape import visible

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def rules(catalogue: o.Catalogue = None, fmt: o.Format = None) -> None:
    """List the detectors: code, severity, family, id and title. --format json gives every field but the banks."""
    detectors = load_catalogue(catalogue)
    if fmt == "json":
        keys = ("id", "code", "family", "title", "summary", "severity", "channels", "min_rows", "digest")
        show(json.dumps([{key: getattr(detector, key) for key in keys} for detector in detectors], indent=2))
    elif fmt in (None, "terminal"):
        show("".join(f"{d.code:6} {d.severity:8} {visible(d.id, 36):36} {visible(d.title, 90)}\n" for d in detectors))
        show("`poisonscan rule CODE` says what a detector looks for, how it is measured, and its known false alarms.")
    else:
        raise UsageError(f"--format {visible(fmt, 40)!r} is not known here; there are terminal and json")
