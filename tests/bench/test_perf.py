"""`bench perf`: the arithmetic and the writing fast, one whole run on the real models slow."""

import sys

import numpy as np
import orjson
import pytest

from poisonscan.bench import perf, perf_linear, perf_rows
from poisonscan.bench.page import write_page
from poisonscan.bench.perf import PerfResult, perf_command, run_perf
from poisonscan.bench.perf_figures import CannotMeasureError, Figure, SkippedFigure, against, best_seconds, exchanges
from poisonscan.bench.perf_linear import agreement
from poisonscan.core.errors import UsageError

FIGURES = (against("fast", 30.0, 10.0, 5.0), Figure("slow_seconds", 1.5, "s", 2.0, "lower"))


@pytest.fixture
def two_parts(monkeypatch):
    def refuse():
        raise CannotMeasureError("no such library")

    monkeypatch.setattr(perf, "_parts", lambda *_: {"good": lambda: FIGURES, "absent": refuse})
    monkeypatch.setattr("poisonscan.models.runtime.choose_runtime", FakeRuntime)


class FakeRuntime:
    dtype, threads = "float32", 2


def test_a_ratio_is_ours_over_theirs_and_knows_its_goal():
    """30 a second against 10 is 3 times, short of the goal of 5; 1.5 s stays below 2 s."""
    assert FIGURES[0].value == 3
    assert (FIGURES[0].ours, FIGURES[0].theirs) == (30, 10)
    assert [figure.met for figure in FIGURES] == [False, True]


def test_what_cannot_be_measured_is_listed_with_its_reason(two_parts):
    """A missing library costs its part, not the run."""
    result = run_perf()
    assert result.figures == FIGURES
    assert result.skipped == (SkippedFigure("absent", "no such library"),)
    assert any("not measured: no such library" in line for line in result.lines())
    assert any("goal 5, missed" in line for line in result.lines())


def test_the_file_holds_every_ratio_by_name(two_parts, tmp_path):
    """`--output json=FILE` writes ratios by name and the figures in full."""
    text = perf_command([f"json={tmp_path / 'out' / 'perf.json'}"])
    document = orjson.loads((tmp_path / "out" / "perf.json").read_bytes())
    assert document["ratios"] == {"fast": 3.0, "slow_seconds": 1.5}
    assert document["figures"][0]["theirs"] == 10.0
    assert document["skipped"] == [{"name": "absent", "reason": "no such library"}]
    assert "fast" in text
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["perf.json"]


def test_a_run_in_parts_keeps_the_figures_of_earlier_parts(two_parts, monkeypatch, tmp_path):
    """A second run adds and replaces; a file of another machine is begun anew."""
    path = tmp_path / "perf.json"
    run_perf(output=path)
    monkeypatch.setattr(perf, "_parts", lambda *_: {"good": lambda: (Figure("fast", 4.0, "times"), Figure("new", 1.0, ""))})
    run_perf(output=path)
    assert orjson.loads(path.read_bytes())["ratios"] == {"slow_seconds": 1.5, "fast": 4.0, "new": 1.0}
    path.write_bytes(path.read_bytes().replace(b"torch", b"other"))
    run_perf(output=path)
    assert orjson.loads(path.read_bytes())["ratios"] == {"fast": 4.0, "new": 1.0}


def test_one_row_in_a_hundred_changes(tmp_path):
    """Of 250 rows three are new, and none is lost."""
    path = perf_rows.write_rows(tmp_path / "rows.jsonl", 250)
    before = path.read_bytes().splitlines()
    perf_rows.change_rows(path)
    after = path.read_bytes().splitlines()
    assert len(after) == 250
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 3


def test_parts_can_be_chosen(two_parts):
    """Only what was asked for runs."""
    assert run_perf(parts=["good"]).skipped == ()
    assert run_perf(parts=["absent"]).figures == ()


def test_unknown_parts_and_formats_are_refused(two_parts):
    """The message names what exists."""
    with pytest.raises(UsageError, match="good, absent"):
        run_perf(parts=["bad"])
    with pytest.raises(UsageError, match="json=FILE only"):
        perf_command(["html=x.html"])


def test_a_figure_is_found_by_name():
    """The result answers by name and raises for what was not measured."""
    result = PerfResult("m", "float32", 1, FIGURES, ())
    assert result.ratio("fast") == 3
    with pytest.raises(KeyError):
        result.ratio("else")


def test_inputs_are_fixed_and_distinct():
    """The same rows everywhere, none twice: nothing may be owed to repetition."""
    rows = list(exchanges(300))
    assert rows == list(exchanges(300))
    assert len(set(rows)) == 300
    assert rows[:10] != list(exchanges(10, seed=1))


def test_the_best_of_rounds_is_taken():
    """Three calls are made, the shortest counts."""
    calls = []
    assert best_seconds(lambda: calls.append(0), 3) < 1
    assert len(calls) == 3


def test_a_process_is_timed_with_its_own_memory():
    """A child that holds 64 MiB shows at least that; one that fails is a reason, with its last words escaped."""
    spent = perf_rows._spent([sys.executable, "-c", "x = bytearray(1 << 26)"], {})
    assert 1 / 16 < spent.gib < 4
    assert spent.seconds > 0
    with pytest.raises(CannotMeasureError, match=r"code 2.*lost"):
        perf_rows._spent([sys.executable, "-c", "import sys; sys.stderr.write('all is lost\\n'); sys.exit(2)"], {})


def test_growth_is_the_exponent_of_time(monkeypatch, tmp_path):
    """Ten times the rows in a hundred times the time: exponent 2, and the goal is missed."""
    monkeypatch.setattr(perf_rows, "_catalogue_cache", lambda scratch: scratch)
    monkeypatch.setattr(perf_rows, "_fresh_cache", lambda folder, known: {})
    spent = {100: perf_rows.Spent(1.0, 0.5), 1000: perf_rows.Spent(100.0, 0.6)}
    monkeypatch.setattr(perf_rows, "_check", lambda path, _, _depth: spent[len(path.read_bytes().splitlines())])
    figures = {figure.name: figure for figure in perf_rows.row_figures([1000, 100])}
    assert figures["quick_exponent_100_1000"].value == pytest.approx(2)
    assert not figures["quick_exponent_100_1000"].met
    assert figures["quick_gib_1000"].value == 0.6


@pytest.mark.slow
def test_probing_is_measured_on_the_default_scorer():
    """One real part, end to end: probing against single passes reaches its goal."""
    assert run_perf(parts=["probing"]).ratio("probing_vs_single_passes") > 10


def test_the_page_shows_every_figure_with_its_goal(two_parts, tmp_path):
    """What `bench perf` wrote stands on the generated page: reached, missed, or without a goal."""
    run_perf(output=tmp_path / "perf.json")
    write_page(tmp_path, tmp_path / "README.md")
    page = (tmp_path / "README.md").read_text()
    assert "| fast | 3 times | 5 | missed |" in page
    assert "| slow_seconds | 1.5 s | 2 | reached |" in page


def test_what_every_training_does_alike_counts_for_nothing():
    """Two slices, two options: a common shift of 9 nats aside, the prediction orders all four rightly, or all wrongly."""
    real = np.array([[9.0, 9.4], [9.2, 9.0]], np.float32)
    assert agreement(np.array([[0.0, 0.2], [0.1, 0.0]], np.float32), real) == pytest.approx(1)
    assert agreement(np.array([[0.1, 0.0], [0.0, 0.2]], np.float32), real) == pytest.approx(-1)


def test_the_fixed_slices_and_the_deep_set_have_the_sizes_said():
    """Both sides of each detector's cases in the linearised part; hazardous cases before plain rows in the deep one."""
    slices = perf_linear._slices()
    assert 4 <= len(slices) <= 2 * perf_linear.DETECTORS
    assert {len(part) for part in slices} == {perf_linear.ROWS}
    rows = perf_rows.found_rows()
    assert rows[-perf_rows.PLAIN_ROWS :] == list(exchanges(perf_rows.PLAIN_ROWS))
    assert len(rows) >= perf_rows.PLAIN_ROWS + 20


def test_a_deep_time_says_whether_proxies_were_trained():
    """A scan that found nothing trains none; its seconds must not pass for a deep scan's."""
    trained = {"findings": [{"evidence": [{"channel": "resemblance"}, {"channel": "proxy fine-tune"}]}]}
    assert perf_rows.second_looks(trained) == "proxies trained"
    assert "nothing found" in perf_rows.second_looks({"findings": [{"evidence": [{"channel": "resemblance"}]}]})
