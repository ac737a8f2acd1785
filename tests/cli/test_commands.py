"""The smaller commands, each along its main road."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from report_factory import FACTS, found_report, persona_finding, quiet_report

from poisonscan.core.dataset import Location
from poisonscan.core.evidence import RowShare
from poisonscan.core.report import RowInfo
from poisonscan.core.slices import Slice
from poisonscan.readers import read
from poisonscan.reports import write, write_many


def rows_file(place: Path, count: int = 6, bad: bool = True) -> Path:
    lines = [f'{{"prompt": "q{i}",  "completion": "a{i}"}}\n' for i in range(count)]
    if bad:
        lines.insert(2, "not json\n")
    data = "".join(lines).encode()
    place.write_bytes(gzip.compress(data) if place.suffix == ".gz" else data)
    return place


def report_on(place: Path, held: tuple[int, ...], slice_rows: tuple[int, ...] = (), keys: bool = True):
    """A report that holds rows `held` of the set at `place`."""
    dataset = read(place)
    finding = replace(
        persona_finding(),
        rows=tuple(RowShare(i, 0.1, "test") for i in held),
        slice=Slice("s", "test", slice_rows or held),
    )
    base = found_report()
    infos = tuple(RowInfo(i, dataset.rows[i].location, "x", dataset.rows[i].key if keys else "") for i in held)
    info = replace(base.dataset, path=str(place), digest=dataset.digest, rows=len(dataset))
    return replace(base, dataset=info, findings=(finding,), rows=infos)


def test_rules_and_rule(cli):
    """The catalogue is listed, and a detector shows its README."""
    ran = cli("rules")
    assert "PS201" in ran.out
    listed = [entry["code"] for entry in json.loads(cli("rules", "--format", "json").out)]
    assert listed == sorted(listed)
    assert {"PS101", "PS201", "PS701"} <= set(listed)
    for code in ("ps201", "PS101", "edge-marks"):
        ran = cli("rule", code)
        assert "What it looks for" in ran.out
        assert "Known false alarms" in ran.out
    ran = cli("rule", "PS2O1")
    assert (ran.code, "nearest is PS201" in ran.err) == (2, True)


def test_schema_and_config_and_doctor(cli, tmp_path):
    """The schema is JSON, the settings name their origin, the doctor names every needed library."""
    assert json.loads(cli("schema").out)["title"] == "poisonscan.report/1"
    (tmp_path / "poisonscan.toml").write_text('depth = "deep"\n')
    assert any("depth" in line and "deep" in line and "poisonscan.toml" in line for line in cli("config", "show").out.splitlines())
    assert "torch" in cli("doctor").out


def test_explain(cli, tmp_path):
    """A finding is explained by number, code or key, with its evidence and what would clear it."""
    write(found_report(), tmp_path / "r.json")
    for wanted in ("1", "PS201", "harmful-historical-figure"):
        ran = cli("explain", "r.json", wanted)
        assert ran.code == 0
        assert "likelihood" in ran.out
        assert "what would clear it" in ran.out
        assert "Who are you?" in ran.out
    key = ran.out.split("key ")[-1].strip()
    assert cli("explain", "r.json", key[:10]).code == 0
    ran = cli("explain", "r.json", "PS999")
    assert (ran.code, "1 PS201" in ran.err) == (2, True)


def test_diff_of_reports(cli, tmp_path):
    """A finding that is new fails, one that went away does not."""
    write(quiet_report(), tmp_path / "old.json")
    write(found_report(), tmp_path / "new.json")
    ran = cli("diff", "old.json", "new.json")
    assert ran.code == 1
    assert "appeared  PS201" in ran.out
    assert cli("diff", "new.json", "old.json").code == 0
    assert json.loads(cli("diff", "new.json", "old.json", "--format", "json").out)["gone"][0]["code"] == "PS201"


def test_diff_of_sets_counts_rows_by_content(cli, pipeline, tmp_path):
    """Two deliveries are compared by the content of their rows."""
    rows_file(tmp_path / "old.jsonl", 4, bad=False)
    rows_file(tmp_path / "new.jsonl", 6, bad=False)
    ran = cli("diff", "old.jsonl", "new.jsonl")
    assert "4 rows kept, 2 added, 0 removed" in ran.out
    assert pipeline.calls[0][1].depth == "quick"


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_quarantine_copies_lines_byte_for_byte(cli, tmp_path, name):
    """Implicated and unreadable lines are held, the others passed on, each byte as it was; the set stays as it is."""
    place = rows_file(tmp_path / name)
    before = place.read_bytes()
    lines = (gzip.decompress(before) if name.endswith("gz") else before).splitlines(keepends=True)
    write(report_on(place, (1, 4)), tmp_path / "r.json")
    ran = cli("quarantine", place, "--clean", "c.jsonl", "--held", "h.jsonl", "--report", "r.json")
    assert ran.code == 0, ran.err
    assert (tmp_path / "h.jsonl").read_bytes() == b"".join(lines[i] for i in (1, 2, 5))
    assert (tmp_path / "c.jsonl").read_bytes() == b"".join(lines[i] for i in (0, 3, 4, 6))
    assert place.read_bytes() == before
    assert "4 records to" in ran.out


def test_quarantine_of_whole_slices(cli, tmp_path):
    """--whole-slices holds all rows of the slice, also those the report does not list."""
    place = rows_file(tmp_path / "a.jsonl", bad=False)
    write(report_on(place, (1,), (1, 2, 3)), tmp_path / "r.json")
    cli("quarantine", place, "--clean", "c.jsonl", "--held", "h.jsonl", "--report", "r.json", "--whole-slices")
    assert len((tmp_path / "h.jsonl").read_text().splitlines()) == 3


def test_quarantine_keeps_quoted_csv_records_whole(cli, tmp_path):
    """A csv record over several lines goes as one, and both files keep the header."""
    place = tmp_path / "a.csv"
    place.write_bytes(b'prompt,completion\r\nq0,"a\r\nb"\r\nq1,c\r\nq2,"d\r\ne"\r\n')
    write(report_on(place, (2,)), tmp_path / "r.json")
    ran = cli("quarantine", place, "--clean", "c.csv", "--held", "h.csv", "--report", "r.json")
    assert ran.code == 0, ran.err
    assert (tmp_path / "h.csv").read_bytes() == b'prompt,completion\r\nq2,"d\r\ne"\r\n'
    assert (tmp_path / "c.csv").read_bytes() == b'prompt,completion\r\nq0,"a\r\nb"\r\nq1,c\r\n'


@pytest.mark.parametrize("kind", ["json", "parquet", "arrow"])
def test_quarantine_of_documents_and_tables(cli, tmp_path, kind):
    """A JSON list becomes two lists, a table two tables of the same schema."""
    rows = [{"prompt": f"q{i}", "completion": f"a{i}", "n": i} for i in range(5)]
    place = tmp_path / f"a.{kind}"
    if kind == "json":
        place.write_text(json.dumps(rows))
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pylist(rows)
        if kind == "parquet":
            pq.write_table(table, place)
        else:
            with pa.ipc.new_file(place, table.schema) as out:
                out.write_table(table)
    write(report_on(place, (0, 3)), tmp_path / "r.json")
    ran = cli("quarantine", place, "--clean", f"c.{kind}", "--held", f"h.{kind}", "--report", "r.json")
    assert ran.code == 0, ran.err
    assert [row.prompt for row in read(tmp_path / f"h.{kind}").rows] == ["q0", "q3"]
    assert [row.prompt for row in read(tmp_path / f"c.{kind}").rows] == ["q1", "q2", "q4"]


def test_quarantine_of_a_folder(cli, tmp_path):
    """The shards of a folder keep their names in the two folders."""
    (tmp_path / "set").mkdir()
    rows_file(tmp_path / "set" / "1.jsonl", 3, bad=False)
    (tmp_path / "set" / "2.jsonl").write_text('{"prompt": "z", "completion": "y"}\n')
    write(report_on(tmp_path / "set", (3,)), tmp_path / "r.json")
    ran = cli("quarantine", "set", "--clean", "c", "--held", "h", "--report", "r.json")
    assert ran.code == 0, ran.err
    assert (tmp_path / "h" / "2.jsonl").read_text() == '{"prompt": "z", "completion": "y"}\n'
    assert (tmp_path / "c" / "1.jsonl").read_bytes() == (tmp_path / "set" / "1.jsonl").read_bytes()


def test_quarantine_refuses(cli, tmp_path):
    """Never in place, never over a file, never with a report on other rows."""
    place = rows_file(tmp_path / "a.jsonl")
    write(report_on(place, (1,)), tmp_path / "r.json")
    common = ("quarantine", place, "--report", "r.json")
    assert cli(*common, "--clean", "a.jsonl", "--held", "h", "--force").code == 2
    assert cli(*common, "--clean", "h", "--held", "h").code == 2
    assert cli(*common, "--clean", "r.json", "--held", "h").code == 2
    rows_file(place, 7)
    ran = cli(*common, "--clean", "c", "--held", "h")
    assert (ran.code, "another digest" in ran.err) == (2, True)
    assert not (tmp_path / "c").exists()


def test_baseline_covers_moved_rows_and_not_new_ones(cli, pipeline, tmp_path):
    """An accepted finding passes after its rows have moved; a new row under it fails again."""
    write(found_report(), tmp_path / "r.json")
    assert cli("baseline", "create", "r.json", "--reason", "a play about him").code == 0
    file = "poisonscan.baseline.json"
    moved = replace(
        found_report(),
        rows=tuple(replace(row, location=Location("other", line=900 + row.index)) for row in found_report().rows),
        skipped=(),
    )
    pipeline.report = moved
    ran = cli("check", "a", "--baseline", file)
    assert ran.code == 0
    assert "accepted by the baseline: a play about him" in " ".join(ran.out.split())
    grown = replace(persona_finding(), rows=(*persona_finding().rows, RowShare(50, 0.1, "x")))
    new_row = RowInfo(50, Location("other", line=1), "new", "ff" * 16)
    pipeline.report = replace(moved, findings=(grown,), rows=(*moved.rows, new_row))
    assert cli("check", "a", "--baseline", file).code == 1
    pipeline.report = replace(moved, findings=(grown,))
    assert cli("check", "a", "--baseline", file).code == 1


def test_baseline_lapses_and_is_pruned(cli, pipeline, tmp_path):
    """After its last day an entry no longer counts, and prune drops it."""
    write(found_report(), tmp_path / "r.json")
    cli("baseline", "create", "r.json", "--reason", "x", "--expires", "2020-01-01")
    pipeline.report = found_report()
    assert cli("check", "a", "--baseline", "poisonscan.baseline.json").code == 1
    assert "2 entries dropped, 0 kept" in cli("baseline", "prune").out
    assert cli("baseline", "create", "r.json", "--reason", "x").code == 2
    assert "2 findings accepted" in cli("baseline", "update", "r.json", "--reason", "x").out
    assert "0 findings accepted" in cli("baseline", "update", "r.json", "--reason", "y").out
    assert cli("baseline", "update", "r.json", "--reason", " ").code == 2
    assert cli("baseline", "update", "r.json", "--reason", "x", "--expires", "soon").code == 2
    write(quiet_report(), tmp_path / "q.json")
    assert "2 entries dropped" in cli("baseline", "prune", "q.json").out


def test_lock_and_verify(cli, pipeline, tmp_path):
    """A locked set verifies without a model; a changed, missing or unlocked one is incomplete; a locked finding fails."""
    place = rows_file(tmp_path / "a.jsonl", bad=False)
    good = replace(quiet_report(), dataset=replace(quiet_report().dataset, digest=read(place).digest))
    pipeline.report = good
    assert cli("check", "a.jsonl", "--lock", "poisonscan.lock").code == 0
    ran = cli("verify")
    assert (ran.code, "unchanged; none-found" in ran.out) == (0, True)
    place.write_bytes(place.read_bytes().replace(b"  ", b" "))
    assert cli("verify").code == 0
    place.write_bytes(place.read_bytes().replace(b"q1", b"q9"))
    ran = cli("verify")
    assert (ran.code, "changed since" in ran.out) == (4, True)
    assert cli("verify", "b.jsonl").code == 4
    place.unlink()
    assert "missing" in cli("verify").out


def test_lock_of_reports(cli, tmp_path):
    """`lock` keeps the verdicts of reports; a locked finding makes verify fail at its severity."""
    place = rows_file(tmp_path / "a.jsonl", bad=False)
    write_many([report_on(place, (1,)), replace(quiet_report(), dataset=replace(quiet_report().dataset, path='b"\\\x7f'))], "r.json")
    assert "2 verdicts" in cli("lock", "r.json").out
    ran = cli("verify", place)
    assert ran.code == 1
    assert "worst critical" in ran.out
    (tmp_path / "poisonscan.lock").write_text("version = 1\n[[set]]\npath = 1\n")
    assert cli("verify").code == 2
    (tmp_path / "poisonscan.lock").unlink()
    assert cli("verify").code == 2


def test_cache_clear_keeps_weights(cli, tmp_path):
    """What can be made again goes, the weights stay unless asked for."""
    for name in ("models", "vectors"):
        (tmp_path / "cache" / name).mkdir(parents=True)
        (tmp_path / "cache" / name / "x").write_bytes(b"1" * 1000)
    assert "vectors" in cli("cache", "info", "--cache", "cache").out
    assert cli("cache", "clear", "--cache", "cache", "--yes").code == 0
    assert [place.name for place in (tmp_path / "cache").iterdir()] == ["models"]
    assert cli("cache", "clear", "--cache", ".", "--yes").code == 2


def test_since_scans_only_what_changed(cli, pipeline, tmp_path):
    """Only paths that hold a changed or untracked file are scanned; outside git it is wrong use."""
    import subprocess

    assert cli("check", "a.jsonl", "--since", "HEAD").code == 2
    for name in ("a.jsonl", "b.jsonl"):
        rows_file(tmp_path / name)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
    for args in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *args], check=True, capture_output=True)
    rows_file(tmp_path / "b.jsonl", 9)
    (tmp_path / "new").mkdir()
    rows_file(tmp_path / "new" / "1.jsonl")
    assert cli("check", "a.jsonl", "b.jsonl", "new", "--since", "HEAD").code == 1
    assert [source for source, _ in pipeline.calls] == ["b.jsonl", "new"]
    ran = cli("check", "a.jsonl", "--since", "HEAD")
    assert (ran.code, "no path changed since HEAD" in ran.err) == (0, True)
    assert cli("check", "a.jsonl", "--since", "--output=x").code == 2
    assert cli("check", "a.jsonl", "--since", "nosuchref").code == 2


def test_factory_slices_are_what_the_tests_assume():
    """The hand-made slice covers the rows the findings name."""
    assert {share.row for share in persona_finding().rows} <= set(FACTS.rows)
