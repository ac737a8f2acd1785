"""A pipeline without a model, and a way to run the command line in the process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import pytest
from report_factory import found_report

from poisonscan.cli import main
from poisonscan.core.report import Report


@dataclass
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Stage:
    """A stage of a plan, as pipeline.plan returns it."""

    stage: str
    minutes: float
    gigabytes: float


class FakePipeline(ModuleType):
    """Returns the report it was given for every path; remembers the settings it was called with."""

    def __init__(self) -> None:
        super().__init__("poisonscan.pipeline")
        self.report: Report | Callable[[object], Report] = found_report()
        self.calls: list[tuple[object, object]] = []

    def scan(self, source: object, settings: object = None, *, progress: object = None, **overrides: object) -> Report:
        self.calls.append((source, settings))
        report = self.report(source) if callable(self.report) else self.report
        name = source if isinstance(source, str) else report.dataset.path
        return replace(report, dataset=replace(report.dataset, path=str(name)))

    def plan(self, dataset: object, settings: object) -> tuple[Stage, ...]:
        return (Stage("read", 0.01, 0.1), Stage("induction", 0.8, 1.5))


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, without settings from the environment."""
    import os

    for name in list(os.environ):
        if name.startswith("POISONSCAN_") or name in ("HF_HUB_OFFLINE", "NO_COLOR"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> FakePipeline:
    """The pipeline, replaced."""
    fake = FakePipeline()
    monkeypatch.setitem(sys.modules, "poisonscan.pipeline", fake)
    return fake


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run the command line."""

    def run(*args: str) -> Ran:
        capsys.readouterr()
        code = main([str(arg) for arg in args])
        captured = capsys.readouterr()
        return Ran(int(code), captured.out, captured.err)

    return run
