"""`poisonscan cache`: where it is, how large, and emptying it.

Why only named folders: the cache may have been pointed at a folder that holds other things; nothing that is not ours is deleted.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from poisonscan.cli.output import show
from poisonscan.core.errors import UsageError
from poisonscan.models.cache import cache_folder
from poisonscan.reports.escape import visible

app = typer.Typer(help="Show or clear the cache.", no_args_is_help=True, rich_markup_mode=None)
Cache = Annotated[Path | None, typer.Option("--cache", help="Cache folder, else POISONSCAN_CACHE, else the platform's.")]


@app.command()
def info(cache: Cache = None) -> None:
    """Print the folder and the size of what is in it."""
    folder = cache_folder(cache)
    show(f"{visible(str(folder), 400)}")
    parts = sorted(folder.iterdir()) if folder.is_dir() else []
    for part in parts:
        show(f"  {_megabytes(part):9.1f} MB  {visible(part.name, 80)}")
    if not parts:
        show("  nothing yet")


@app.command()
def clear(
    cache: Cache = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    weights: Annotated[bool, typer.Option("--weights", help="The converted weights too; they must be fetched again.")] = False,
) -> None:
    """Delete what can be made again: embeddings, prefixes, measurements; the weights only where asked."""
    folder = cache_folder(cache)
    if not folder.is_dir():
        show("nothing to clear")
        return
    if folder.resolve() in (Path.home().resolve(), Path(folder.anchor).resolve(), Path.cwd().resolve()):
        raise UsageError(f"{visible(str(folder), 300)}: not a cache folder of its own; delete its content by hand")
    doomed = [part for part in sorted(folder.iterdir()) if weights or part.name != "models"]
    size = sum(_megabytes(part) for part in doomed)
    if doomed and not yes and not typer.confirm(f"delete {len(doomed)} entries ({size:.1f} MB) in {visible(str(folder), 300)}?"):
        return
    for part in doomed:
        shutil.rmtree(part) if part.is_dir() and not part.is_symlink() else part.unlink()
    show(f"{size:.1f} MB freed")


def _megabytes(place: Path) -> float:
    files = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file() and not file.is_symlink()]
    return float(sum(file.stat().st_size for file in files)) / 1e6
