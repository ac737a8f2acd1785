"""The options several commands share, and how they become settings.

Why None everywhere: an option that was not given must not hide what the settings file says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_DEPTH = "quick (seconds, no scorer), standard (default), deep (proxy fine-tunes)."

Paths = Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders of shards, globs, hf://owner/name, or - for stdin.")]
DepthOption = Annotated[str | None, typer.Option("--depth", metavar="quick|standard|deep", help=_DEPTH)]
Scorer = Annotated[str | None, typer.Option("--scorer", help="Scorer: an asset id, a folder, a .gguf file or a Hub id.")]
Encoder = Annotated[str | None, typer.Option("--encoder", help="Encoder: an asset id, a folder or a Hub id.")]
FailOn = Annotated[
    str | None, typer.Option("--fail-on", metavar="SEVERITY", help="Exit 1 at info, low (default), medium, high or critical.")
]
Layout = Annotated[str | None, typer.Option("--layout", help="Name of the layout, where detection is wrong.")]
MapOption = Annotated[list[str] | None, typer.Option("--map", metavar="ROLE=NAME", help="Where a role stands in the file; repeatable.")]
TrainingConfig = Annotated[
    Path | None, typer.Option("--training-config", help="Axolotl YAML or LLaMA-Factory dataset_info.json to take columns from.")
]
Catalogue = Annotated[Path | None, typer.Option("--catalogue", help="A further folder of detectors.")]
Calibration = Annotated[Path | None, typer.Option("--calibration", help="Folder written by `poisonscan calibrate`.")]
Select = Annotated[list[str] | None, typer.Option("--select", metavar="CODE", help="Only these detectors (code or id); repeatable.")]
Ignore = Annotated[list[str] | None, typer.Option("--ignore", metavar="CODE", help="All but these detectors; repeatable.")]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of every draw.")]
Budget = Annotated[float | None, typer.Option("--budget-minutes", help="Begin no further stage after so many minutes.")]
MaxRows = Annotated[int | None, typer.Option("--max-rows", min=0, help="Rows the encoder reads at most; 0, the default, means 4,000, or 1,500 with --depth quick.", show_default=False)]
Offline = Annotated[bool, typer.Option("--offline", help="Fetch nothing.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings file, instead of the one in the working folder.")]
AllowIncomplete = Annotated[bool, typer.Option("--allow-incomplete", help="Do not exit 4 where something was not looked at.")]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="No progress bar.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="All rows, slices and timings; tracebacks.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors; the exit code says the rest.")]
Format = Annotated[str | None, typer.Option("--format", help="What stdout shows: terminal (default), json, jsonl, sarif, ...")]
Output = Annotated[
    list[str] | None, typer.Option("--output", "-o", metavar="[FORMAT=]FILE", help="Write a report to a file too; repeatable.")
]
ReportPath = Annotated[Path, typer.Argument(metavar="REPORT", help="A json report of `poisonscan check`.")]
