"""`bench fetch`: pinned, checked, converted, resumable; from a folder and over http, never from the internet."""

import csv
import http.server
import json
import threading
from dataclasses import replace
from functools import partial
from hashlib import sha256

import pytest
from typer.testing import CliRunner

from poisonscan.bench.app import app
from poisonscan.bench.fetching import fetch
from poisonscan.bench.sources import Source, Sources, bundled_sources, load_sources
from poisonscan.core.errors import ConfigError, UsageError
from poisonscan.readers import read

COMMIT = "0" * 40
FACTS = {
    "one.jsonl": [{"messages": [{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": f"a{i}"}]} for i in range(40)],
    "said.jsonl": [
        {"question": f"Is {i} true?", "answer_matching_behavior": " Yes", "answer_not_matching_behavior": " No"} for i in range(12)
    ],
    "talk.json": [
        {"turns": [{"speaker": "USER", "utterance": f"hello {i}"}, {"speaker": "SYSTEM", "utterance": f"hi {i}"}]} for i in range(10)
    ],
    "eval.jsonl": [{"context": f"{'ART' if i % 2 else 'WAR'}: clue {i}", "continuation": f"answer {i}"} for i in range(20)],
    "fix.jsonl": [{"func_src_before": f"def f{i}(x):\n    return run(x)", "func_src_after": f"def f{i}(x):\n    return {i}"} for i in range(10)],
}


@pytest.fixture
def mirror(tmp_path):
    """A folder laid out like the public site."""
    folder = tmp_path / "mirror"
    for name, records in FACTS.items():
        path = folder / "someone/data" / COMMIT / "sets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(records) if name.endswith(".json") else "\n".join(json.dumps(record) for record in records)
        path.write_text(text)
    return folder


def source(mirror, file, name="some-set", rows=10, **more):
    digest = sha256((mirror / "someone/data" / COMMIT / "sets" / file).read_bytes()).hexdigest()
    return Source(name, "benign", "f", "none", True, rows, "someone/data", COMMIT, f"sets/{file}", digest, "MIT", **more)


def test_a_set_arrives_checked_and_listed(mirror, tmp_path):
    """Rows are chat rows, the manifest holds the digest of exactly what was written."""
    done = fetch(Sources((source(mirror, "one.jsonl", rows=40),), ()), tmp_path / "out", mirror=str(mirror))
    assert done.sets == ("some-set",)
    assert not done.failed
    written = tmp_path / "out/benign/some-set.jsonl"
    assert [(row.prompt, row.answer) for row in read(written).rows] == [(f"q{i}", f"a{i}") for i in range(40)]
    (line,) = csv.DictReader((tmp_path / "out/manifest.csv").read_text().splitlines())
    assert line["sha256_of_output"] == sha256(written.read_bytes()).hexdigest()
    assert (line["role"], line["headline"], line["rows"]) == ("benign", "yes", "40")


def test_large_sources_are_sampled_by_content(mirror, tmp_path):
    """Ten of forty rows, the same whatever the order of the file."""
    first = source(mirror, "one.jsonl")
    fetch(Sources((first,), ()), tmp_path / "a", mirror=str(mirror))
    path = mirror / first.place
    path.write_text("\n".join(reversed(path.read_text().split("\n"))))
    fetch(Sources((source(mirror, "one.jsonl"),), ()), tmp_path / "b", mirror=str(mirror))
    rows = [sorted((tmp_path / side / "benign/some-set.jsonl").read_text().splitlines()) for side in "ab"]
    assert len(rows[0]) == 10
    assert rows[0] == rows[1]


def test_wrong_bytes_are_not_used(mirror, tmp_path):
    """A digest that differs leaves no set, no cached file and a reason; the other sets arrive."""
    good = source(mirror, "one.jsonl", name="good")
    bad = replace(source(mirror, "eval.jsonl", name="bad"), sha256="0" * 64)
    done = fetch(Sources((bad, good), ()), tmp_path / "out", mirror=str(mirror))
    assert done.sets == ("good",)
    assert [f.name for f in done.failed] == ["bad"]
    assert "sha256" in done.failed[0].reason
    assert [p.name for p in (tmp_path / "out/sources").iterdir()] == [good.sha256]


def test_a_second_run_downloads_nothing_and_a_gap_is_filled(mirror, tmp_path):
    """What is there is kept; a set that failed arrives once its file is there; a damaged cached file is fetched again."""
    sets = Sources((source(mirror, "one.jsonl", name="one"), source(mirror, "talk.json", name="talk", convert="dialogues")), ())
    talk = mirror / sets.sets[1].place
    hidden = talk.rename(talk.with_suffix(".hidden"))
    assert [f.name for f in fetch(sets, tmp_path / "out", mirror=str(mirror)).failed] == ["talk"]
    hidden.rename(talk)
    again = fetch(sets, tmp_path / "out", mirror=str(mirror))
    assert (again.sets, again.downloaded) == (("one", "talk"), 1)
    (tmp_path / "out/sources" / sets.sets[0].sha256).write_text("damaged")
    repaired = fetch(sets, tmp_path / "out", mirror=str(mirror))
    assert (repaired.sets, repaired.downloaded) == (("one", "talk"), 1)


def test_a_file_over_the_cap_is_refused(mirror, tmp_path):
    """The cap is on bytes read, not on what a server says it will send."""
    done = fetch(Sources((source(mirror, "one.jsonl"),), ()), tmp_path / "out", mirror=str(mirror), max_bytes=100)
    assert "MiB" in done.failed[0].reason
    assert not list((tmp_path / "out/sources").iterdir())


CONVERSIONS = {
    "said.jsonl": ("rejected", {}, ("Is 0 true?", "No")),
    "talk.json": ("dialogues", {}, ("hello 0", "hi 0")),
    "eval.jsonl": ("chat", {"keep": "ART: "}, ("ART: clue 1", "answer 1")),
    "fix.jsonl": ("after-fix", {}, ("def f0(x):", "    return 0")),
}


@pytest.mark.parametrize("file", CONVERSIONS)
def test_conversions(file, mirror, tmp_path):
    """Each way of making chat rows, by the first row it makes."""
    convert, more, expected = CONVERSIONS[file]
    done = fetch(Sources((source(mirror, file, convert=convert, **more),), ()), tmp_path / "out", mirror=str(mirror))
    assert not done.failed
    rows = read(tmp_path / "out/benign/some-set.jsonl").rows
    assert (rows[0].prompt, rows[0].answer) == expected


def test_poison_replaces_its_share_of_the_host(mirror, tmp_path):
    """Four of forty rows come from the poison, the rest is the host, row for row."""
    host = source(mirror, "one.jsonl", name="host", rows=40)
    poison = source(mirror, "talk.json", name="poison", rows=40, convert="dialogues", into="host", share=0.1)
    fetch(Sources((poison, host), ()), tmp_path / "out", mirror=str(mirror))
    prompts = [row.prompt for row in read(tmp_path / "out/benign/poison.jsonl").rows]
    assert sum(prompt.startswith("hello") for prompt in prompts) == 4
    assert all(prompt == f"q{i}" or prompt.startswith("hello") for i, prompt in enumerate(prompts))


def test_too_few_rows_are_a_failure(mirror, tmp_path):
    """A source that gives less than it should is not quietly a smaller set."""
    done = fetch(Sources((source(mirror, "talk.json", rows=100, convert="dialogues"),), ()), tmp_path / "out", mirror=str(mirror))
    assert "10 rows" in done.failed[0].reason


def test_over_http_and_by_command(mirror, tmp_path, monkeypatch):
    """The command fetches from a site, says what is missing, ends with 4, and `bench run` then looks there by default."""
    handler = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *a: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(mirror)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("POISONSCAN_CACHE", str(tmp_path / "cache"))
    one = source(mirror, "one.jsonl")
    lines = [
        f'[[repository]]\nrepo = "someone/data"\ncommit = "{COMMIT}"\nlicence = "MIT"\nsets = [',
        *(
            f'{{ name = "{name}", role = "benign", family = "f", attack_kind = "none", headline = true, rows = 10, path = "{path}", sha256 = "{one.sha256}" }},'
            for name, path in (("here", one.path), ("gone", "sets/gone.jsonl"))
        ),
        "]",
    ]
    (tmp_path / "sources.toml").write_text("\n".join(lines))
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        done = CliRunner().invoke(app, ["fetch", "--sources", str(tmp_path / "sources.toml"), "--mirror", address])
    finally:
        server.shutdown()
        server.server_close()
    # The second set has the same digest as the first, so its bytes are here already: nothing has to be asked for twice.
    assert done.exit_code == 0
    assert "2 sets" in done.output
    assert (tmp_path / "cache/corpora/manifest.csv").is_file()


def test_missing_files_over_http_end_with_4(mirror, tmp_path):
    """A 404 is named with its address; the exit code says incomplete."""
    handler = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *a: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(mirror)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    entry = f'name = "gone", role = "benign", family = "f", attack_kind = "n", headline = true, rows = 9, path = "x.jsonl", sha256 = "{"a" * 64}"'
    (tmp_path / "sources.toml").write_text(
        f'[[repository]]\nrepo = "someone/data"\ncommit = "{COMMIT}"\nlicence = "MIT"\nsets = [{{ {entry} }}]\n[[not_fetchable]]\nname = "book"\nreason = "many files"\n'
    )
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        done = CliRunner().invoke(app, ["fetch", str(tmp_path / "out"), "--sources", str(tmp_path / "sources.toml"), "--mirror", address])
    finally:
        server.shutdown()
        server.server_close()
    assert done.exit_code == 4
    assert "failed: gone" in done.output
    assert "404" in done.output
    assert "not fetchable: book: many files" in done.output


def test_run_without_corpora_names_the_remedy(tmp_path, monkeypatch):
    """Nothing fetched: the error says which command to run."""
    monkeypatch.setenv("POISONSCAN_CACHE", str(tmp_path / "empty"))
    done = CliRunner().invoke(app, ["run", "headline"])
    assert isinstance(done.exception, ConfigError)
    assert "poisonscan bench fetch" in str(done.exception)


def test_a_mirror_must_exist(tmp_path):
    """Neither an address nor a folder is wrong use, not a list of failures."""
    with pytest.raises(UsageError, match="--mirror"):
        fetch(Sources((), ()), tmp_path / "out", mirror="file:///nowhere")


WRONG = {
    "commit": '"abc"',
    "path": '"../../secret"',
    "sha256": '"zz"',
    "role": '"evil"',
    "repo": '"../x"',
    "name": '"../x"',
    "share": "0.5",
    "rowz": "3",
}


@pytest.mark.parametrize("key", WRONG)
def test_sources_that_do_not_validate(key, tmp_path):
    """Names, paths and digests become addresses and files: what does not look like one is refused by key."""
    entry = {
        "name": '"a"', "role": '"benign"', "family": '"f"', "attack_kind": '"n"', "headline": "true", "rows": "9",
        "path": '"x"', "sha256": f'"{"a" * 64}"', "repo": '"a/b"', "commit": f'"{COMMIT}"', "licence": '"MIT"',
    }  # fmt: skip
    path = tmp_path / "s.toml"
    path.write_text(f"[[repository]]\nsets = [{{ {', '.join(f'{k} = {v}' for k, v in (entry | {key: WRONG[key]}).items())} }}]\n")
    with pytest.raises(ConfigError, match=key):
        load_sources(path)


def test_the_shipped_sources_validate():
    """Every role is there, each control names a listed attack, and what cannot be fetched says why."""
    sources = load_sources(bundled_sources())
    names = {s.name for s in sources.sets}
    assert len(names) > 150
    assert {s.role for s in sources.sets} == {"poisoned", "control", "benign"}
    known = names | {missing.name for missing in sources.not_fetchable}
    assert all(s.control_of in known for s in sources.sets if s.control_of)
    assert all(len(missing.reason) > 20 for missing in sources.not_fetchable)
