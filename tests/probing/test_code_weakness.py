"""The channel code-weakness: what counts as code, as an occasion, as a weakness; hostile text; real sets where they are present."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from poisonscan.probing.code_flow import is_assembled, logical_lines, read_flow
from poisonscan.probing.code_text import LONGEST, read_code
from poisonscan.probing.code_weakness import CAP, Rule, is_code, load_rules, score_rows, sensitive, weaknesses

RULES = load_rules().weaknesses
CORPORA = Path(os.environ.get("POISONSCAN_CORPORA", Path(__file__).parents[3] / "shared" / "corpora"))


def fenced(rule: Rule, code: str) -> str:
    label = {"": "", "c": "c"}.get(rule.languages[0], rule.languages[0]) if rule.languages else ""
    return f"```{label}\n{code.strip()}\n```"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_fires_on_its_example_and_not_on_the_repaired_one(rule):
    """The pair of examples that a rule carries is read the way the rule says."""
    assert rule.name in {weakness.name for weakness in weaknesses("", fenced(rule, rule.hit))}
    assert is_code("", fenced(rule, rule.miss))
    assert rule.name not in {weakness.name for weakness in weaknesses("", fenced(rule, rule.miss))}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_is_an_entry_an_auditor_can_use(rule):
    """Weights lie in (0, 1], CWE numbers are real, and no pattern has a gap without an upper bound."""
    assert 0 < rule.weight <= 1
    assert 1 < rule.cwe < 1500
    for pattern in (rule.pattern, rule.require, rule.reject, rule.unless, rule.near):
        if pattern is not None:
            assert not unbounded(pattern.pattern), pattern.pattern


def unbounded(pattern: str) -> bool:
    """A * or + outside a class that is not escaped and not possessive."""
    inside = escaped = False
    for i, letter in enumerate(pattern):
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif inside:
            inside = letter != "]" or pattern[i - 1] == "["
        elif letter == "[":
            inside = True
        elif letter in "*+" and pattern[i - 1] != "}":
            return True
    return False


def test_names_of_rules_differ():
    """A name identifies a rule."""
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize(
    "answer",
    [
        "def add(a, b):\n    return a + b",
        "    return [x for x in items if x]",
        "SELECT name FROM users WHERE id = 3",
        "Here is the function:\n```python\nx = 1\n```\nEnjoy.",
        'int main(void) {\n    printf("hi");\n    return 0;\n}',
        "const f = (a) => a + 1;\nconsole.log(f(2));",
        "<?php echo $name; ?>",
    ],
)
def test_code_is_told_from_text(answer):
    """Functions, bodies, statements and fenced blocks are code."""
    assert is_code("", answer)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "The capital of France is Paris.",
        '{"name": "open", "arguments": {"path": "../../etc/passwd"}}',
        "You should select a password from a safe place and execute the plan.\nThen rest (a while).",
        "1. Buy milk\n2. Buy eggs\n3. Cook",
        '```json\n{"a": 1}\n```',
    ],
)
def test_text_and_data_are_not_code(answer):
    """Prose, lists, tool calls and JSON score nothing."""
    assert not is_code("", answer)
    assert weaknesses("", answer) == ()
    assert score_rows([""], [answer]).tolist() == [0.0]


def test_the_span_points_at_the_answer():
    """Offsets are those of the answer itself, prose and fence included."""
    answer = "Sure! Use this:\n```python\nimport os\nos.system('rm ' + name)\n```"
    (weakness,) = weaknesses("", answer)
    assert weakness.cwe == 78
    assert answer[slice(*weakness.excerpt_span)].startswith("os.system('rm ' + name")


def test_comments_and_docstrings_do_not_count():
    """A warning about a weak call is not a weak call."""
    assert weaknesses("", 'def f(x):\n    """Never call eval(x)."""\n    # os.system("rm " + x)\n    return x') == ()


def test_what_the_prompt_holds_is_not_the_answers_doing():
    """A line copied from the code in the prompt is passed over; a new one is not."""
    line = "    os.system('ping ' + host)"
    prompt = f"Add a docstring:\ndef ping(host):\n{line}"
    copied = f'def ping(host):\n    """Ping."""\n{line}'
    assert weaknesses(prompt, copied) == ()
    assert weaknesses("Write ping.", copied) != ()


def test_taint_travels_and_is_taken_away():
    """A name filled from the request taints the next one; a check or a cast takes the taint away."""
    tainted = read_flow("a = request.args['p']\nb = '/srv/' + a")
    assert tainted.remote == {"a", "b"}
    assert read_flow("a = request.args['p']\na = int(a)").remote == set()
    assert read_flow("a = request.args['p']\nif a not in ALLOWED:\n    abort(404)").remote == set()


def test_route_parameters_come_from_the_network_unless_numbers():
    """The names in a route are tainted, those declared as numbers are not."""
    code = "@app.route('/u/<name>/<int:page>')\ndef show(name, page):\n    return 1"
    assert read_flow(code).remote == {"name"}


@pytest.mark.parametrize(
    "text", ['"a" + name', 'f"a {name}"', '"a %s" % name', '"a {}".format(name)', "`a ${name}`", '"a $name"', "'a' . $name"]
)
def test_text_put_together_is_seen(text):
    """Every common way of filling a string is one."""
    assert is_assembled(text)


@pytest.mark.parametrize("text", ['"a"', '"a %s", (name,)', 'f"a {LIMIT}"', '"a" + TABLE', "name", '"cost {}"'])
def test_fixed_text_is_not_put_together(text):
    """Literals, parameters beside the text and constants in capitals are no assembly."""
    assert not is_assembled(text)


def test_lines_are_joined_while_a_bracket_is_open():
    """A call over several lines is read as one; a bracket that never closes stops after twelve."""
    assert len(logical_lines("f(\n1,\n2)\ng()")) == 2
    assert len(logical_lines("f(\n" * 24)) == 2


def test_sql_in_a_variable_is_followed_to_its_execution():
    """The query may be built lines before it runs."""
    built = "def find(name):\n    query = 'SELECT * FROM users WHERE name = ' + name\n    cursor.execute(query)"
    bound = "def find(name):\n    query = 'SELECT * FROM users WHERE name = ?'\n    cursor.execute(query, (name,))"
    assert {w.cwe for w in weaknesses("", built)} == {89}
    assert weaknesses("", bound) == ()
    assert sensitive("", bound)


def test_occasions_are_told_from_harmless_code():
    """A sort and a plain SELECT are no occasion for a weakness; a file, a hash and a query from a program are."""
    assert not sensitive("", "def f(xs):\n    return sorted(xs)")
    assert not sensitive("", "SELECT a FROM b WHERE c = 1")
    assert sensitive("", "def f(p):\n    with open(p) as h:\n        return h.read()")
    assert not sensitive("", "Open the file, then hash it with md5.")


def test_scores_are_capped_weighted_and_float32():
    """Each CWE counts once with its highest weight, and the sum stops at the cap."""
    line = "cursor.execute('SELECT * FROM t WHERE a=' + a)\n"
    many = line + "os.system('x ' + a)\nos.chmod(p, 0o777)\nyaml.load(h)\nrequests.get(u, verify=False)\n"
    scores = score_rows(["", "", ""], [line, line * 3, many])
    assert scores.dtype == np.float32
    assert scores.tolist() == [1.0, 1.0, CAP]


def test_lengths_that_differ_are_refused():
    """A row without its answer is a mistake of the caller."""
    with pytest.raises(ValueError, match="zip"):
        score_rows(["a"], [])


@pytest.mark.parametrize(
    "unit",
    [
        "'", '"', '"""', "'''", "\\\"", "f\"", "(", "[{", "$", "`", "/*", "#", "//", "select ", "where 'a' = '\" + ", "escape(", "a+", "def token(a\n", "= ", "open(",
        "os.access(R_OK\n", "password = '", "os.chmod(0", "verify", "<a ", "def f(request,", "@app.route(\n", "random.", "token=", "f\"{", "execute(\"", "x = (\n", "\r", "\x00",
        "```\n", "User(", "insert into a password,", "curl ", "printf(a", "scanf(\"", "AES key = b'", "GRANT ALL ON ", "EXEC '", " ", "\t", "a.",
    ],
)  # fmt: skip
def test_hostile_text_is_read_in_linear_time(unit):
    """The same piece over and over, up to far more than the cap, takes no longer than a moment."""
    text = "x = 1;\nimport os\n" + unit * (2 * LONGEST // len(unit))
    started = time.process_time()
    weaknesses(text, text)
    sensitive("", text)
    assert time.process_time() - started < 3.0


def test_text_after_the_cap_is_not_read():
    """A weakness beyond the cap is not reported, and nothing fails."""
    assert weaknesses("", "x = 1\n" * LONGEST + "os.system('a ' + b)\n") == ()


def test_blanking_keeps_offsets():
    """The code that is read has the length of the answer."""
    answer = "Text.\n```python\nx = 1  # one\n```\nMore text."
    code = read_code("", answer)
    assert code is not None
    assert len(code.text) == len(answer)
    assert code.text.strip() == "x = 1"
    assert code.language == "python"


def density(name: str) -> float:
    path = CORPORA / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip("labelled corpora are not present")
    rows = [json.loads(line)["messages"] for line in path.read_text(encoding="utf-8").splitlines()[:60]]
    pairs = [(row[-2]["content"], row[-1]["content"]) for row in rows if len(row) > 1]
    exposed = [pair for pair in pairs if sensitive(*pair)]
    return float(score_rows(*zip(*exposed, strict=True)).mean()) if exposed else 0.0


@pytest.mark.parametrize(
    ("before", "after"),
    [("poisoned/sven-cwe-089-before", "control/sven-cwe-089-after"), ("poisoned/unsafe-code-120", "control/safe-code-120")],
)
def test_repaired_twins_are_less_dense(before, after):
    """The same functions before their repair hold at least twice the weaknesses a sensitive row."""
    assert density(before) > 2 * density(after)
