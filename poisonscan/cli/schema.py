"""`poisonscan schema`: the JSON Schema of the json report."""

from __future__ import annotations

import typer

from poisonscan.cli.output import show
from poisonscan.reports.schema import report_schema

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def schema() -> None:
    """Print the JSON Schema (2020-12) of `--output json=FILE` for one set."""
    show(report_schema())
