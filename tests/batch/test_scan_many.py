"""Batches: one report for each set, resumed, and one bad set never ends it."""

import sys
from dataclasses import replace
from types import ModuleType

import pytest
from report_factory import found_report, quiet_report

from poisonscan.batch import Done, Job, Ledger, scan_many
from poisonscan.batch.engines import LocalPool, engine_of
from poisonscan.batch.sources import sources
from poisonscan.core.errors import ConfigError, UsageError
from poisonscan.core.settings import Settings
from poisonscan.reports import load_report


@pytest.fixture
def scanned(monkeypatch):
    """A pipeline that finds something in sets with "bad" in their name, and the list of sets it was called for."""
    calls = []

    def scan(dataset, settings=None, *, progress=None):
        calls.append(dataset.name)
        if "boom" in dataset.name:
            raise RuntimeError("boom")
        report = found_report() if "bad" in dataset.name else quiet_report()
        return replace(report, dataset=replace(report.dataset, path=dataset.name, digest=dataset.digest))

    module = ModuleType("poisonscan.pipeline")
    module.scan = scan
    monkeypatch.setitem(sys.modules, "poisonscan.pipeline", module)
    monkeypatch.setattr("poisonscan.batch.run.settings_digest", lambda settings: f"digest-of-{settings.depth}")
    return calls


def rows_file(place, tag):
    place.parent.mkdir(exist_ok=True)
    place.write_text("".join(f'{{"prompt": "{tag} {i}", "completion": "a"}}\n' for i in range(3)))
    return place


def work(job):
    """A job for the pool: dies when told to."""
    if job.path == "die":
        import os

        os._exit(9)
    return Done(job.path, job.vendor, "", "d", "none-found", 0.0, 1, "", "", 0.0, resumed=False)


def test_each_set_gets_a_report_and_failures_are_kept(scanned, tmp_path):
    """A set that crashes the scan and one that cannot be read are results with their reason; the others have reports."""
    for name in ("good", "bad", "boom"):
        rows_file(tmp_path / "acme" / f"{name}.jsonl", name)
    (tmp_path / "acme" / "empty.jsonl").write_text("")
    result = scan_many([str(tmp_path / "acme" / "*.jsonl")], out=tmp_path / "runs")
    outcomes = {done.path.rsplit("/", 1)[-1]: done.outcome for done in result.sets}
    assert outcomes == {"bad.jsonl": "found", "boom.jsonl": "failed", "empty.jsonl": "failed", "good.jsonl": "none-found"}
    assert {done.error.startswith("internal error") for done in result.failed} == {True, False}
    assert all(load_report(result.out / done.report).dataset.digest == done.digest for done in result.sets if done.report)
    assert {record.vendor for record in Ledger(result.out).records()} == {"acme"}


def test_a_second_run_scans_only_what_is_new_or_failed(scanned, tmp_path):
    """Done sets are skipped, failed ones tried again; a changed file, another setting and a lost report mean a new scan."""
    good, boom = rows_file(tmp_path / "v" / "good.jsonl", "g"), rows_file(tmp_path / "v" / "boom.jsonl", "b")
    run = lambda settings=None: scan_many([good, boom], out=tmp_path / "runs", settings=settings)  # noqa: E731 - called five times
    run()
    scanned.clear()
    second = run()
    assert scanned == [str(boom)]
    assert [done.resumed for done in second.sets] == [True, False]
    scanned.clear()
    run(Settings(depth="deep"))
    assert str(good) in scanned
    scanned.clear()
    rows_file(good, "changed")
    assert str(good) in [name for _ in [run()] for name in scanned]
    scanned.clear()
    for report in (tmp_path / "runs").glob("*.json"):
        report.unlink()
    run()
    assert str(good) in scanned


def test_the_same_rows_elsewhere_are_not_scanned_again(scanned, tmp_path):
    """The report is found by the digest of the rows, whatever the file is called."""
    first, second = rows_file(tmp_path / "a" / "x.jsonl", "same"), rows_file(tmp_path / "b" / "y.jsonl", "same")
    result = scan_many([first, second], out=tmp_path / "runs")
    assert scanned == [str(first)]
    assert result.sets[1].resumed


def test_a_pool_survives_the_death_of_a_worker(tmp_path):
    """A worker that is killed costs its own job, not the batch."""
    jobs = [Job(path, "v", Settings(), "s", tmp_path) for path in ("a", "die", "b")]
    done = {result.path: result for result in LocalPool(2).run(work, jobs)}
    assert {path: result.outcome for path, result in done.items()} == {"a": "none-found", "b": "none-found", "die": "failed"}
    assert "the worker died" in done["die"].error


def test_engines_are_named_and_ray_says_how_to_get_it(monkeypatch):
    """An unknown engine is wrong use; a missing Ray names the extra."""
    with pytest.raises(UsageError, match="local, ray"):
        engine_of("slurm", 1)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"poisonscan\[ray\]"):
        engine_of("ray", 2)


def test_settings_digest_knows_what_is_measured():
    """The digest changes with what is measured, and not with where the cache lies or when a build fails."""
    from poisonscan.batch.jobs import settings_digest

    plain = settings_digest(Settings())
    assert plain == settings_digest(Settings(offline=True, fail_on="high"))
    assert plain != settings_digest(Settings(seed=1))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("manifest.toml", '[[set]]\npath = "x.jsonl"\nvendor = "acme"\n[[set]]\npath = "hf://org/name"\n'),
        ("manifest.csv", "path,vendor\nx.jsonl,acme\nhf://org/name,\n"),
        ("manifest.jsonl", '{"path": "x.jsonl", "vendor": "acme"}\n{"path": "hf://org/name"}\n'),
    ],
)
def test_manifests(tmp_path, name, text):
    """Each kind of manifest names paths from its own folder, and vendors."""
    (tmp_path / name).write_text(text)
    found = sources([tmp_path / name])
    assert [(source.path, source.vendor) for source in found] == [(str(tmp_path / "x.jsonl"), "acme"), ("hf://org/name", "org")]


def test_bad_manifests_and_empty_batches(tmp_path):
    """What cannot be used is named."""
    (tmp_path / "manifest.toml").write_text("[[set]]\nvendor = 'x'\n")
    with pytest.raises(ConfigError, match="entry 1 has no path"):
        sources([tmp_path / "manifest.toml"])
    with pytest.raises(UsageError, match="matches nothing"):
        sources([str(tmp_path / "*.csv")])
    with pytest.raises(UsageError, match="no set"):
        sources([])


def test_a_damaged_ledger_is_named(tmp_path):
    """A ledger that is none says so."""
    (tmp_path / "ledger.sqlite").write_text("not sqlite" * 200)
    with pytest.raises(UsageError, match="not a ledger"):
        Ledger(tmp_path)
