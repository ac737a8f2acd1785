"""One test for each way a row tries to be more than text."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poisonscan.reports.escape import code_span, json_text, markdown, visible, workflow, workflow_property


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", "\\u{1b}[2Jgone"),
        ("\x9b31m", "\\u{9b}31m"),
        ("a\x00b\x07c\x7f", "a\\u{0}b\\u{7}c\\u{7f}"),
        ("a\r\nb\u2028c", "a b c"),
        ("\u202eevil", "\\u{202e}evil"),
        ("pay\u200bpal\ufeff", "pay\\u{200b}pal\\u{feff}"),
        ("\U000e0041\U000e0042", "\\u{e0041}\\u{e0042}"),
        ("\ufe01x\U000e0100", "\\u{fe01}x\\u{e0100}"),
        ("\u3164\u2800x", "\\u{3164}\\u{2800}x"),
        ("\ud800", "\\u{d800}"),
        ("::error file=x::boo", ":\\u{3a}error file=x::boo"),
        ("##[error]x ##vso[task.setvariable]", "\\u{23}#[error]x \\u{23}#vso[task.setvariable]"),
        ("e\u0301\u0302\u0303\u0304", "e\u0301\u0302\\u{303}\\u{304}"),
        ("std::vector", "std::vector"),
        ("naïve 漢字 ❤\ufe0f 🎉", "naïve 漢字 ❤\ufe0f 🎉"),
    ],
)
def test_visible(text, shown):
    """What cannot be seen or would be obeyed is written out; ordinary text of any script stays."""
    assert visible(text) == shown


@settings(deadline=None)
@given(st.text(), st.integers(3, 60))
def test_visible_is_capped_and_printable(text, limit):
    """Whatever goes in, one printable line of at most `limit` characters comes out."""
    shown = visible(text, limit)
    assert len(shown) <= limit
    assert "\n" not in shown
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or 0x200B <= ord(char) <= 0x200F for char in shown)


def test_visible_reads_no_more_than_it_needs():
    """A text of megabytes is cut before it is looked at."""
    assert visible("x" * 50_000_000, 10) == "xxxxxxx..."


def test_workflow_commands_are_encoded():
    """Percent signs and line breaks are encoded; in a property colons and commas too."""
    assert workflow("100%\r\nb") == "100%25%0Ab"
    assert workflow_property("a:b,c") == "a%3Ab%2Cc"


def test_markdown_and_code_spans():
    """Markdown shows the characters and obeys none; a code span outlasts the backticks and pipes in it."""
    assert markdown("[a](b) <b> *c* | `d`") == "\\[a\\]\\(b\\) \\<b\\> \\*c\\* \\| \\`d\\`"
    assert code_span("a`b``c") == "```a`b``c```"
    assert code_span("`") == "`` ` ``"
    assert code_span("a|b") == "`a\\|b`"
    assert code_span("") == "` `"


@settings(deadline=None)
@given(st.text())
def test_json_text_means_the_same(text):
    """Disarmed JSON parses to the value it was made from."""
    assert json.loads(json_text(json.dumps(text + "::error x::##[y]\x7f"))) == text + "::error x::##[y]\x7f"
