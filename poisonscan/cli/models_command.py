"""`poisonscan models`: the weights a scan needs; what is here, fetching it, checking it, carrying it to a machine without a connection."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poisonscan.cli.progress import shown_progress
from poisonscan.core.errors import ModelError, UsageError
from poisonscan.models.assets import ASSETS, Asset, find_asset
from poisonscan.models.bundle import export_bundle, import_bundle
from poisonscan.models.cache import cache_folder
from poisonscan.models.weights import asset_folder, damaged, is_complete, obtain, set_aside, stored_files

app = typer.Typer(help="List, fetch, check, export and import the weights.", no_args_is_help=True)

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Assets by id; the defaults where none is named.", show_default=False)
]
Cache = Annotated[
    Path | None, typer.Option("--cache", help="Cache folder, else POISONSCAN_CACHE, else the platform's.", show_default=False)
]
Offline = Annotated[bool, typer.Option("--offline", help="Fetch nothing: use installed packages only.")]
Everything = Annotated[bool, typer.Option("--all", help="The optional assets too.")]


@app.command("list")
def list_models(cache: Cache = None) -> None:
    """Show every asset: id, kind, size of the download, licence, and whether it is cached."""
    for asset in ASSETS:
        state = "cached" if is_complete(asset_folder(asset, cache)) else "not cached"
        role = f"default {asset.kind}" if asset.default else f"optional {asset.kind}"
        typer.echo(f"{asset.id:22} {role:17} {asset.megabytes:4} MB  {state:10}  {asset.licence}")
    typer.echo(f"cache: {cache_folder(cache)}")


@app.command()
def pull(names: Names = None, everything: Everything = False, offline: Offline = False, cache: Cache = None) -> None:
    """Fetch, check and convert weights, so that later scans need no connection."""
    for asset in _chosen(names, everything=everything):
        with shown_progress() as progress:
            folder = obtain(asset, cache=cache, offline=offline, progress=progress)
        typer.echo(f"{asset.model_id}  {folder}")


@app.command()
def verify(names: Names = None, cache: Cache = None) -> None:
    """Read every byte of the cached weights and compare it with the digest taken when they were converted."""
    chosen = _chosen(names, everything=False) if names else [asset for asset in ASSETS if stored_files(asset_folder(asset, cache))]
    if not chosen:
        raise ModelError("no weights are cached: run `poisonscan models pull`")
    wrong = [f"{asset.id} ({', '.join(found)})" for asset in chosen if (found := _problems(asset, cache))]
    if wrong:
        raise ModelError(f"not as they were stored, and set aside: {'; '.join(wrong)}. Run `poisonscan models pull`")
    for asset in chosen:
        typer.echo(f"{asset.model_id}  intact")


@app.command("export")
def export_models(
    bundle: Annotated[Path, typer.Argument(help="The zip to write.")],
    names: Names = None,
    everything: Everything = False,
    offline: Offline = False,
) -> None:
    """Write weights into one file for a machine without a connection."""
    chosen = _chosen(names, everything=everything)
    with shown_progress() as progress:
        export_bundle(chosen, bundle, offline=offline, progress=progress)
    typer.echo(f"{bundle}: {', '.join(asset.id for asset in chosen)}")


@app.command("import")
def import_models(bundle: Annotated[Path, typer.Argument(help="A zip made by `models export`.")], cache: Cache = None) -> None:
    """Check a bundle against the digests known to this version, convert it, and keep it in the cache."""
    with shown_progress() as progress:
        imported = import_bundle(bundle, cache=cache, progress=progress)
    for asset in imported:
        typer.echo(f"{asset.model_id}  {asset_folder(asset, cache)}")


def _chosen(names: list[str] | None, *, everything: bool) -> list[Asset]:
    if not names:
        return [asset for asset in ASSETS if asset.default or everything]
    found = {name: find_asset(name) for name in names}
    unknown = [name for name, asset in found.items() if asset is None]
    if unknown:
        raise UsageError(f"no asset is called {', '.join(unknown)}; there are {', '.join(asset.id for asset in ASSETS)}")
    return [asset for asset in found.values() if asset is not None]


def _problems(asset: Asset, cache: Path | None) -> list[str]:
    folder = asset_folder(asset, cache)
    if not stored_files(folder):
        return ["not cached"]
    wrong = damaged(folder)
    if wrong:
        set_aside(folder)
    return wrong
