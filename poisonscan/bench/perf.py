"""`bench perf`: how fast the machine's work is done, as ratios measured side by side in one run.

Why ratios: seconds belong to a machine and to its neighbours; a ratio of two ways of doing the same work on the same rows, one right
after the other, travels. Inputs are written here, so they are the same everywhere. A part that cannot run here is listed with the reason.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from poisonscan.bench.perf_figures import CannotMeasureError, Figure, SkippedFigure
from poisonscan.core.errors import UsageError
from poisonscan.core.protocols import Progress, Silent

SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
STANDARD_MOST = 100_000
Part = Callable[[], tuple[Figure, ...]]


@dataclass(frozen=True, slots=True)
class PerfResult:
    """One run: the machine, what was measured, what was not and why. Figures with a `target` are met where `value` reaches it."""

    machine: str
    dtype: str
    threads: int
    figures: tuple[Figure, ...]
    skipped: tuple[SkippedFigure, ...]

    def ratio(self, name: str) -> float:
        """Return the figure called `name`; KeyError where it was not measured."""
        return {figure.name: figure.value for figure in self.figures}[name]

    def lines(self) -> list[str]:
        """Return the result as aligned lines of text."""
        names = [figure.name for figure in self.figures] + [entry.name for entry in self.skipped]
        width = max(map(len, names), default=0)
        head = [f"{self.machine}, {self.dtype}, {self.threads} threads"]
        missing = [f"{entry.name:{width}}  not measured: {entry.reason}" for entry in self.skipped]
        return head + [_line(figure, width) for figure in self.figures] + missing


def run_perf(
    *,
    sizes: Sequence[int] = SIZES,
    output: Path | None = None,
    scorer: str = "default",
    encoder: str = "default",
    parts: Sequence[str] = (),
    progress: Progress | None = None,
) -> PerfResult:
    """Measure the parts named (all of them by default; `_parts` lists them) and write `output` as JSON.

    sizes: row counts for the growth of time and memory in quick depth; the largest serves for the hook too.

    Raises:
        UsageError: a part is unknown.
        ModelError: the weights are missing.
    """
    from poisonscan.models.runtime import choose_runtime

    runtime = choose_runtime()
    measures = _parts(sizes, scorer, encoder)
    unknown = [name for name in parts if name not in measures]
    if unknown:
        raise UsageError(f"there is nothing called {unknown[0]!r} to measure; the parts are {', '.join(measures)}")
    figures, skipped = _measure({name: measure for name, measure in measures.items() if not parts or name in parts}, progress or Silent())
    machine = f"{platform.machine()} {platform.system()}, torch {_torch_version()}"
    result = PerfResult(machine, runtime.dtype, runtime.threads, figures, skipped)
    if output is not None:
        _write(result, output)
    return result


def perf_command(output: list[str] | None = None, sizes: list[int] | None = None, parts: list[str] | None = None) -> str:
    """Run everything and return the text to show; `output` holds FORMAT=FILE entries, of which json is known.

    Raises:
        UsageError: another format.
    """
    target = _json_target(output or [])
    return "\n".join(run_perf(sizes=sizes or SIZES, output=target, parts=parts or ()).lines())


def _parts(sizes: Sequence[int], scorer: str, encoder: str) -> dict[str, Part]:
    from poisonscan.bench import perf_linear, perf_models, perf_proxy, perf_rows

    return {
        "proxy": partial(perf_proxy.proxy_figures, scorer),
        "encode": partial(perf_models.encode_figures, encoder),
        "probing": partial(perf_models.probing_figures, scorer),
        "linearised": partial(perf_linear.linearised_figures, scorer),
        "roofline": partial(perf_models.roofline_figures, scorer),
        "hook": partial(perf_rows.hook_figures, max(sizes)),
        "depths": perf_rows.depth_figures,
        "rows": partial(perf_rows.row_figures, sizes),
        "standard-rows": partial(perf_rows.row_figures, [size for size in sizes if size <= STANDARD_MOST], "standard"),
    }


def _measure(measures: dict[str, Part], progress: Progress) -> tuple[tuple[Figure, ...], tuple[SkippedFigure, ...]]:
    figures: list[Figure] = []
    skipped: list[SkippedFigure] = []
    progress.stage("measuring", len(measures))
    for name, measure in measures.items():
        try:
            figures += measure()
        except CannotMeasureError as error:
            skipped.append(SkippedFigure(name, str(error)))
        progress.advance()
    return tuple(figures), tuple(skipped)


def _json_target(outputs: Sequence[str]) -> Path | None:
    target = None
    for entry in outputs:
        name, _, path = entry.partition("=")
        if name != "json" or not path:
            raise UsageError(f"--output {entry!r}: bench perf writes json=FILE only")
        target = Path(path)
    return target


def _write(result: PerfResult, path: Path) -> None:
    """Write the result whole or not at all: every ratio by name, then each figure in full.

    Figures of an earlier run on the same machine that this run did not take are kept, so that a long measurement can be made in parts.
    """
    taken = {figure.name for figure in result.figures}
    figures = [*(old for old in _earlier(path, result.machine) if old["name"] not in taken), *map(asdict, result.figures)]
    document = {"ratios": {figure["name"]: figure["value"] for figure in figures}, **asdict(result), "figures": figures}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.tmp")
    draft.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    draft.replace(path)


def _earlier(path: Path, machine: str) -> list[dict[str, Any]]:
    try:
        document = orjson.loads(path.read_bytes())
        return list(document["figures"]) if document["machine"] == machine else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _line(figure: Figure, width: int) -> str:
    goal = "" if figure.target is None else f"  (goal {figure.target:g}{'' if figure.met else ', missed'})"
    return f"{figure.name:{width}}  {figure.value:.3g} {figure.unit}{goal}{'  ' + figure.note if figure.note else ''}"


def _torch_version() -> str:
    from importlib.metadata import version

    return version("torch")
