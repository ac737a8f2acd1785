"""`check --dry-run`: which stages a scan would run, in how many minutes and gigabytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from poisonscan.cli.output import show
from poisonscan.core.settings import Settings
from poisonscan.reports.escape import visible

if TYPE_CHECKING:
    from poisonscan.pipeline import StagePlan


def show_plan(paths: Sequence[str], settings: Settings, training_config: Path | None) -> None:
    """Read each set and print its stages with their cost; no model is loaded."""
    from poisonscan.costs import IF_FOUND
    from poisonscan.pipeline import plan
    from poisonscan.readers import read

    for path in paths:
        dataset = read(
            path, layout=settings.layout, mapping=settings.mapping, training_config=training_config, offline=settings.offline
        )
        stages = plan(dataset, settings)
        show(f"{visible(path, 200)}: {len(dataset):,} rows, depth {settings.depth}")
        for stage in stages:
            show(f"  {visible(stage.stage, 70):70} {stage.minutes:8.2f} min {stage.gigabytes:6.2f} GB")
        always = [stage for stage in stages if IF_FOUND not in stage.stage]
        _show_total("together", always)
        if len(always) < len(stages):
            _show_total(f"together, {IF_FOUND}", stages)


def _show_total(title: str, stages: Sequence[StagePlan]) -> None:
    minutes = sum(stage.minutes for stage in stages)
    peak = max((stage.gigabytes for stage in stages), default=0.0)
    show(f"  {title:70} {minutes:8.2f} min {peak:6.2f} GB at the peak")
