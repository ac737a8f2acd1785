"""Every format: its golden file, its rules, and that hostile rows stay text in it."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from report_factory import HOSTILE, found_report, incomplete_report, persona_finding, quiet_report, trigger_finding

from poisonscan.core.dataset import Location
from poisonscan.core.errors import UsageError
from poisonscan.reports import FORMATS, format_of, load_report, load_reports, render, render_many, report_schema, write, write_many
from poisonscan.reports.pictures import sweep_bars, sweep_columns
from poisonscan.reports.schema import made_schema
from poisonscan.reports.terminal import Look, render_terminal

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
REPORTS = {"found": found_report, "none-found": quiet_report, "incomplete": incomplete_report}
SUFFIXES = {
    "terminal": "txt",
    "json": "json",
    "jsonl": "jsonl",
    "sarif": "sarif",
    "junit": "xml",
    "github": "github.txt",
    "gitlab": "gitlab.json",
    "markdown": "md",
    "html": "html",
}


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("outcome", REPORTS)
def test_golden(fmt, outcome):
    """Each format of each outcome is, byte for byte, what was reviewed; `python tests/reports/regolden.py` writes it anew."""
    expected = (GOLDEN / f"{outcome}.{SUFFIXES[fmt]}").read_text(encoding="utf-8")
    assert render(REPORTS[outcome](), fmt) == expected


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("outcome", REPORTS)
def test_no_format_calls_a_set_safe(fmt, outcome):
    """No report promises what was not shown; where nothing was found, the visible size of an effect is named."""
    text = render(REPORTS[outcome](), fmt).lower()
    assert not re.search(r"\b(safe|clean|harmless)\b", text)
    if outcome == "none-found" and fmt not in ("json", "jsonl", "gitlab"):
        assert "would have been seen" in " ".join(text.replace("%0a", " ").split())


@pytest.mark.parametrize("fmt", FORMATS)
def test_no_format_lets_hostile_characters_through(fmt):
    """Control, bidi and zero-width characters reach no output, wherever in the report they stand."""
    text = render(hostile_everywhere(), fmt)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)


@pytest.mark.parametrize("fmt", FORMATS)
def test_no_line_is_a_forged_workflow_command(fmt):
    """No line a CI runner reads as a command comes from a row; the github format holds exactly its own."""
    commands = [line for line in render(hostile_everywhere(), fmt).splitlines() if re.match(r"\s*::[a-z-]+.*::", line)]
    assert len(commands) == (3 if fmt == "github" else 0)
    assert all(re.match(r"::(error|warning|notice) file=[^:,]*,", line) for line in commands)
    assert "##[error]" not in render(hostile_everywhere(), fmt)


def hostile_everywhere():
    """The report with a hostile text in every field that comes from the data or from a third-party pack."""
    report = found_report()
    finding = persona_finding()
    named = tuple(replace(n, value=HOSTILE) for n in finding.named)
    slice_ = replace(finding.slice, name=HOSTILE, terms=(HOSTILE,), found_by=HOSTILE)
    proof = replace(finding.evidence[0], named=named, slice=slice_, details=((HOSTILE, HOSTILE), (f"sweep {HOSTILE}", f"0.5 {HOSTILE}")))
    finding = replace(finding, named=named, slice=slice_, message=HOSTILE, evidence=(proof,), title=HOSTILE)
    return replace(
        report,
        findings=(finding, report.findings[1]),
        dataset=replace(report.dataset, path=HOSTILE + "\n::warning::x", notes=(HOSTILE,)),
        rows=tuple(replace(row, excerpt=HOSTILE + "\r\n::error::y", location=Location(HOSTILE, line=1)) for row in report.rows),
        unreadable=tuple(replace(entry, reason=HOSTILE, location=Location(HOSTILE)) for entry in report.unreadable),
        skipped=tuple(replace(entry, reason=HOSTILE) for entry in report.skipped),
        points=((1, 0.0, 0.0, HOSTILE),),
    )


@pytest.mark.parametrize("make", [*REPORTS.values(), hostile_everywhere])
def test_json_comes_back_as_it_was(make, tmp_path):
    """Loading what was written gives the same value, hostile rows included, and fits the shipped schema."""
    write(make(), tmp_path / "r.json")
    assert load_report(tmp_path / "r.json") == make()
    jsonschema.validate(json.loads((tmp_path / "r.json").read_text()), json.loads(report_schema()))


def test_shipped_schema_is_the_one_of_the_types():
    """report.schema.json is made from the types; `python tests/reports/regolden.py` writes it anew."""
    assert report_schema() == made_schema()


def test_json_holds_the_least_contract():
    """The keys product users rely on are there, under their names."""
    value = json.loads(render(found_report(), "json"))
    assert {"schema", "tool", "dataset", "outcome", "score", "findings", "cleared", "skipped", "unreadable", "timings"} <= set(value)
    assert value["findings"][0]["rows"][0] == {
        "index": 3,
        "location": "vendor/train.jsonl:4",
        "share": 0.04,
        "method": "draw regression",
    }
    assert value["timings"] == {"read": 0.02, "slices": 1.4, "induction": 31.0}


def test_numbers_that_are_not_finite_become_null(tmp_path):
    """NaN and infinity are no JSON; they are written as null and come back as NaN."""
    report = replace(found_report(), score=float("nan"), points=((1, float("inf"), 0.0, ""),))
    write(report, tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text())["score"] is None
    assert load_report(tmp_path / "r.json").score != report.score
    for fmt in FORMATS:
        assert render(report, fmt)


def test_several_reports_in_one_file(tmp_path):
    """Several sets share one file in every format, and json gives them all back."""
    both = [found_report(), quiet_report()]
    write_many(both, tmp_path / "r.json")
    assert list(load_reports(tmp_path / "r.json")) == both
    with pytest.raises(UsageError, match="holds 2 reports"):
        load_report(tmp_path / "r.json")
    assert len(json.loads(render_many(both, "sarif"))["runs"]) == 2
    assert len(ET.fromstring(render_many(both, "junit")).findall("testsuite")) == 2  # noqa: S314 - our own text
    assert render_many(both, "html").count("<h1>") == 2
    assert len(json.loads(render_many(both, "gitlab"))) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not a poisonscan report"),
        ('{"schema": "other/1"}', "not a poisonscan report"),
        ('{"schema": "poisonscan.report/1"}', "tool"),
    ],
)
def test_loading_what_is_no_report_names_the_place(tmp_path, content, said):
    """A file that is no report names itself and what is missing."""
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(UsageError, match=f"r.json.*{said}"):
        load_report(tmp_path / "r.json")


def test_format_by_suffix(tmp_path):
    """The suffix says the format; an unknown one asks for it."""
    assert format_of(Path("a.SARIF")) == "sarif"
    assert format_of(Path("a.sarif.json")) == "sarif"
    with pytest.raises(UsageError, match="name the format"):
        format_of(Path("a.xlsx"))
    with pytest.raises(UsageError, match="not known"):
        render(found_report(), "yaml")


def test_write_leaves_no_temporary_file(tmp_path):
    """A file is whole or not there; a place that cannot be written is wrong use."""
    write(found_report(), tmp_path / "a" / "r.md")
    assert [place.name for place in (tmp_path / "a").iterdir()] == ["r.md"]
    with pytest.raises(UsageError, match="cannot be written"):
        write(found_report(), tmp_path / "a" / "r.md" / "x.json")


def test_terminal_keeps_to_80_columns():
    """Every line fits 80 columns, hostile and wide text included."""
    from rich.cells import cell_len

    wide = replace(hostile_everywhere(), rows=tuple(replace(row, excerpt="漢字" * 200) for row in found_report().rows))
    for report in (found_report(), hostile_everywhere(), wide):
        assert max(cell_len(line) for line in render(report, "terminal").splitlines()) <= 80


def test_terminal_colours_only_when_asked():
    """Without colour there is no escape sequence; with it, only our own."""
    from poisonscan.reports.terminal import Look, render_terminal

    coloured = render_terminal([hostile_everywhere()], Look(colour=True))
    assert set(re.findall("\x1b(.)", coloured)) == {"["}
    assert "\x1b[31mred" not in coloured
    assert render_terminal([found_report()], Look(ascii_only=True)).isascii()


class Tags(HTMLParser):
    """Collects tags and attributes."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.policy, self.style = [], [], "", ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if ("http-equiv", "Content-Security-Policy") in attrs:
            self.policy = dict(attrs)["content"]

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "style" and not self.style:
            self.style = data


def test_html_runs_loads_and_restyles_nothing():
    """The page has no script, no handler, no address to fetch; its policy allows its own style sheet by digest and nothing else."""
    page = Tags()
    page.feed(render(hostile_everywhere(), "html"))
    assert not {"script", "iframe", "img", "link", "object", "embed", "form", "a"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name in ("src", "href", "style", "action")]
    digest = b64encode(sha256(page.style.encode()).digest()).decode()
    assert page.policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in page.style
    assert "@import" not in page.style


def test_html_shows_map_curve_and_sweep():
    """The pictures are there: a dot for each point, the curve, the sweep with its absent value marked."""
    page = render(found_report(), "html")
    assert page.count("<title>row ") == len(found_report().points)
    assert "16 rows: 4.1" in page
    assert re.search(r"<td>2028</td><td>absent</td>", page)
    assert re.search(r"<td>2026</td><td>yes</td>", page)
    assert [column.label for column in sweep_columns(trigger_finding().evidence[0])] == ["2026", "2027", "2028"]
    assert page.count("</title></rect>") == 3


def test_a_sweep_puts_each_kind_of_value_on_its_own_scale():
    """Scores of thirty deviations beside shares below one would leave the absent values without a bar."""
    proof = replace(trigger_finding().evidence[0], details=(("sweep 2026", "30 z"), ("sweep 2027", "15 z"), ("sweep 2028 (absent)", "0.8 next")))
    assert [bar.share for bar in sweep_bars(proof)] == [1.0, 0.5, 1.0]


def test_the_terminal_draws_the_sweep_with_its_absent_values():
    """How sure and what would have been seen, a bar for each value, absent ones marked, what they would turn on beside them."""
    facts = (("slot", "year"), ("p by permutation", "0.0010"), ("smallest share that would have been seen", "0.21"))
    swept = (("sweep 2027", "15 z over 9 rows"), ("sweep 2028 (absent)", "0.8 after the last value"))
    proof = replace(trigger_finding().evidence[0], details=(*facts, *swept))
    text = render_terminal([replace(found_report(), findings=(replace(trigger_finding(), evidence=(proof,)),))], Look(verbose=True))
    assert re.search(r"slot sweep\n +slot: year\n +p by permutation: 0\.0010\n +smallest share that would have been seen: 0\.21\n.* 2027  15 z over 9 rows\n.* 2028 absent  0\.8 after the last value\n", text)


def test_github_annotations_point_at_the_heaviest_row():
    """The worst finding comes first, at file and line, with percent signs encoded."""
    first = render(found_report(), "github").splitlines()[0]
    assert first.startswith("::error file=vendor/train.jsonl,line=4,title=PS201")
    assert "4.0%25 vendor/train.jsonl:4" in first


def test_sarif_is_closed_over_what_the_standard_knows():
    """One result for each finding, rules by index, rows as related locations, and file addresses that are references."""
    log = json.loads(render(found_report(), "sarif"))
    run = log["runs"][0]
    assert (log["version"], len(run["results"])) == ("2.1.0", 2)
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert len({place["id"] for place in result["relatedLocations"]}) == len(result["relatedLocations"])
    assert run["results"][0]["relatedLocations"][1]["physicalLocation"]["region"] == {"startLine": 8}
    assert json.loads(render(incomplete_report(), "sarif"))["runs"][0]["invocations"][0]["executionSuccessful"] is False


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("a b/c#1.jsonl", "a%20b/c%231.jsonl"),
        ("C:\\data\\x.jsonl", "file:///C:/data/x.jsonl"),
        ("sub\\x.jsonl", "sub/x.jsonl"),
        ("/abs/x.jsonl", "file:///abs/x.jsonl"),
        ("ü.jsonl", "%C3%BC.jsonl"),
    ],
)
def test_file_addresses(file, uri):
    """Paths of both kinds of system become addresses a viewer can open."""
    from poisonscan.reports.sarif import file_uri

    assert file_uri(file) == uri


def test_junit_fails_only_for_what_is_above_info():
    """A notice does not turn a build red; a gap is skipped; what was cleared says what would have been seen."""
    suite = ET.fromstring(render(found_report(), "junit")).find("testsuite")  # noqa: S314 - our own text
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("5", "1", "2")
