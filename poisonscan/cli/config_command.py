"""`poisonscan config`: the settings in force, and where each comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from poisonscan.cli import options as o
from poisonscan.cli.output import say, show
from poisonscan.cli.settings_merge import merged
from poisonscan.reports.escape import visible

app = typer.Typer(help="Show the settings in force.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def config() -> None:
    """Show the settings in force."""


@app.command("show")
def show_config(
    config: o.ConfigFile = None,
    scanned: Annotated[list[str] | None, typer.Argument(metavar="[PATH]...", help="Show them as for a scan of these paths.")] = None,
) -> None:
    """Print every setting, its value and where it comes from: default, a file, the environment."""
    merge = merged({}, scanned=scanned or (), config=config)
    for note in merge.notes:
        say(f"poisonscan: note: {note}")
    rows = [(key, visible(_text(getattr(merge.settings, key)), 60), visible(origin, 200)) for key, origin in merge.origins]
    show("".join(f"{key:17} {value:28} {origin}\n" for key, value, origin in rows))


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join("=".join(item) if isinstance(item, tuple) else str(item) for item in value) or "-"
    return "-" if value is None else str(value)
