"""What a scan will cost on this machine: for `--dry-run`, and to fit a scan into `--budget-minutes`.

Each stage's cost is the line through what it took in earlier scans here (`cost_records`). Before the first scan it follows from the
number of tokens and the speed of one small matrix product, times the share of that speed whole forward passes reach.

Why fewer rows and not fewer stages: the rows read first are a fixed uniform sample, and what the last rows add to the answer is less
than what a whole stage adds. So a budget first shortens the sample, down to LEAST_ROWS; only then stages are left out, the proxy
fine-tunes first, the scorer next.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from poisonscan.core.dataset import Dataset
from poisonscan.core.settings import Settings
from poisonscan.cost_records import Line, lines, record
from poisonscan.probing.texts import ANSWER_CHARS, PROMPT_CHARS

LEAST_ROWS = 300
RESERVE = 0.9  # share of the budget that is planned for
# Multiply-adds per token: 10.6 M weights in MiniLM's layers, 106 M in SmolLM2's; two operations each.
_ENCODER_FLOPS = 2 * 10.6e6
_SCORER_FLOPS = 2 * 106e6
_CHARS_PER_TOKEN = 4.2
_EFFICIENCY = 0.6
_ENCODER_LOAD_SECONDS, _SCORER_LOAD_SECONDS = 3.0, 5.0
_BATTERY_TOKENS, _DRAWS, _DRAW_TOKENS = 450, 3, 300
# A training step costs three forward passes; the frozen lower two thirds are run once.
_PROXY_TOKENS, _PROXY_RUNS, _PROXY_EPOCHS = 6000, 4, 3
_LIGHT_SHARE = 0.2  # of a deep scan's second looks, what a standard scan's cost
_LOOKED_SECONDS = 0.5  # second looks shorter than this looked at nothing
_SAMPLE = 200
IF_FOUND = "where something is found"
_ASKING = ("in-context induction", "activation probe")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage's line, what it counts, its peak memory in GiB, and what it is called for people."""

    title: str
    line: Line
    units: float
    gigabytes: float

    @property
    def minutes(self) -> float:
        """Expected wall minutes."""
        return self.line.seconds(self.units) / 60


def estimate(dataset: Dataset, settings: Settings) -> Iterator[tuple[str, float, float]]:
    """Yield (stage, minutes, gigabytes) in the order a scan runs them, for the rows the budget allows."""
    rows = min(len(dataset), affordable_rows(dataset, settings))
    for stage in _stages(dataset, replace(settings, max_rows=rows)):
        origin = f"{stage.line.seen} scans here" if stage.line.seen else "by the matrix-product speed"
        yield f"{stage.title} ({origin})", stage.minutes, stage.gigabytes


def affordable_rows(dataset: Dataset, settings: Settings) -> int:
    """Return how many rows may be read: `rows_read` without a budget, else as many as leave time for the later stages.

    Never below LEAST_ROWS: with fewer rows slices are too small to say anything.
    """
    if not settings.budget_minutes:
        return settings.rows_read
    budget = settings.budget_minutes * 60 * RESERVE
    most = min(len(dataset), settings.rows_read)
    stages = _stages(dataset, replace(settings, max_rows=most))
    rows_bound = stages[:2]
    fixed = sum(stage.line.start for stage in rows_bound) + sum(stage.minutes * 60 for stage in stages[2:3])
    per_row = sum(stage.line.each * stage.units for stage in rows_bound) / max(most, 1)
    fitting = most if per_row <= 0 else int((budget - fixed) / per_row)
    return max(min(LEAST_ROWS, most), min(most, fitting))


def book(stages: Sequence[tuple[str, float]], rows: int, chars: float, settings: Settings) -> None:
    """Remember what a finished scan took: `stages` (name, seconds), rows read, and characters that had to be encoded."""
    tested = sum(seconds for name, seconds in stages if name not in ("read", "embed", "second looks", *_ASKING))
    spent = {"tests": (float(max(rows, 1)), tested)}
    if chars > 0:
        spent["encode"] = (chars, sum(seconds for name, seconds in stages if name == "embed"))
    if asking := sum(seconds for name, seconds in stages if name in _ASKING):
        spent["induction"] = (1.0, asking)
    if (looked := sum(seconds for name, seconds in stages if name == "second looks")) > _LOOKED_SECONDS:
        spent[_second_looks(settings)] = (1.0, looked)
    record(settings.cache, spent)


def _stages(dataset: Dataset, settings: Settings) -> list[Stage]:
    known = lines(settings.cache)
    speed = 0.0 if len(known) >= _kinds(settings) else matmul_speed() * _EFFICIENCY
    rows = min(len(dataset), settings.rows_read)
    chars = rows * mean_chars(dataset)
    prior = _priors(speed) if speed else {}
    stages = [
        Stage("encode rows", _line("encode", known, prior), chars, 0.9),
        Stage("slices, slots, triggers and judgement", _line("tests", known, prior), rows, 0.9),
    ]
    if settings.depth != "quick":
        stages.append(Stage("asking the scorer", _line("induction", known, prior), 1, 1.8))
        looks = _line(_second_looks(settings), known, prior)
        stages.append(Stage(f"second looks, {IF_FOUND}", looks, 1, 2.5 if settings.depth == "deep" else 1.9))
    return stages


def _kinds(settings: Settings) -> int:
    return 2 if settings.depth == "quick" else 5


def _line(name: str, known: Mapping[str, Line], prior: Mapping[str, Line]) -> Line:
    return known.get(name) or prior.get(name) or Line(0.0, 0.0, 0)


def _second_looks(settings: Settings) -> str:
    return f"second looks, {settings.depth}"


def _priors(speed: float) -> dict[str, Line]:
    """Return each stage's line for a machine never scanned on, from operations per second."""
    proxies = _PROXY_TOKENS * _PROXY_RUNS * (1 + _PROXY_EPOCHS) * _SCORER_FLOPS / speed
    return {
        "encode": Line(_ENCODER_LOAD_SECONDS, _ENCODER_FLOPS / _CHARS_PER_TOKEN / speed, 0),
        "tests": Line(1.2, 1.5e-3, 0),
        "induction": Line(_SCORER_LOAD_SECONDS, _DRAWS * (_BATTERY_TOKENS + _DRAW_TOKENS) * _SCORER_FLOPS / speed, 0),
        "second looks, standard": Line(0.0, _LIGHT_SHARE * proxies, 0),
        "second looks, deep": Line(0.0, proxies, 0),
    }


def mean_chars(dataset: Dataset) -> float:
    """Return the mean number of characters the encoder reads of a row, over at most 200 rows spread over the set."""
    sampled = dataset.rows[:: max(1, len(dataset) // _SAMPLE)]
    return sum(min(len(r.prompt), PROMPT_CHARS) + min(len(r.answer), ANSWER_CHARS) for r in sampled) / max(len(sampled), 1)


def matmul_speed() -> float:
    """Return the float32 matrix-product speed of this machine in operations per second, measured in about 0.1 s."""
    import numpy as np

    a, b = np.ones((512, 576), np.float32), np.ones((576, 1536), np.float32)
    a @ b
    started, runs = time.perf_counter(), 0
    while time.perf_counter() - started < 0.1:
        a @ b
        runs += 1
    return float(2 * 512 * 576 * 1536 * runs / (time.perf_counter() - started))
