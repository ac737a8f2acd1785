"""The one place where hostile text is made fit to be shown.

Why so much: a row may carry control sequences that rewrite a terminal, marks that turn a line around or hide text in it, rich markup,
HTML, or a forged workflow command (`::error file=...::`) that a CI runner would obey. Every report passes row text, names and paths
through here; nothing else in the package decides what may be printed. rich markup needs no escape: strings go to rich as `Text`,
which never parses it.
"""

from __future__ import annotations

import re
import unicodedata

EXCERPT = 160
_KEPT_MARKS = 2
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
_COMMAND = re.compile(r"::(?=[A-Za-z][A-Za-z_-]*(?:\s[^\r\n]*?)?::)")
_HASH_COMMAND = re.compile(r"#(?=#(?:\[|vso\[|teamcity\[))")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#!|~<>&])")


def visible(text: str, limit: int = EXCERPT) -> str:
    r"""Return `text` on one line, at most `limit` characters, with everything unseen or obeyed written out.

    Control, format (bidi, zero-width, tag), surrogate, private and unassigned characters, blank letters, variation selectors and
    the third and later combining mark in a row appear as `\u{...}`; line breaks as a blank; `::name::` and `##[` lose their power.
    """
    folded = " ".join(text[: limit * 4].split())
    shown: list[str] = []
    marks = 0
    for char in folded[: limit + 1]:
        marks = marks + 1 if unicodedata.category(char).startswith("M") else 0
        shown.append(_written_out(char) if _is_unseen(char) or marks > _KEPT_MARKS else char)
    return _capped(_disarmed("".join(shown)), limit, cut=len(text) > limit * 4)


def lines(text: str, limit: int = EXCERPT) -> str:
    """Return `text` with its line breaks kept and each line made `visible`; for prose of our own that quotes a row."""
    return "\n".join(visible(line, limit) for line in text.splitlines())


def workflow(text: str, limit: int = 1000) -> str:
    """Return the message part of a GitHub workflow command: percent signs and line breaks encoded."""
    parts = [visible(line, limit) for line in text.splitlines()]
    return "%0A".join(part.replace("%", "%25") for part in parts).replace("\r", "%0D")


def workflow_property(text: str, limit: int = 400) -> str:
    """Return a property value of a GitHub workflow command: colons and commas encoded too."""
    return workflow(text, limit).replace(":", "%3A").replace(",", "%2C")


def markdown(text: str, limit: int = EXCERPT) -> str:
    """Return text that Markdown shows as it is, in a table cell too. For our own prose: row text goes into a `code_span`."""
    return _MARKDOWN.sub(r"\\\1", visible(text, limit))


def code_span(text: str, limit: int = EXCERPT) -> str:
    """Return a Markdown code span: the fence is longer than any run of backticks inside; pipes are escaped for tables."""
    shown = visible(text, limit).replace("|", "\\|") or " "
    fence = "`" * (max((len(run) for run in re.findall(r"`+", shown)), default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def json_text(text: str) -> str:
    """Return JSON (ASCII) in which no terminal or CI runner finds anything to obey; it parses to the same value."""
    text = text.replace("\x7f", "\\u007f")
    return _HASH_COMMAND.sub("\\\\u0023", _COMMAND.sub(":\\\\u003a", text))


def _is_unseen(char: str) -> bool:
    code = ord(char)
    selector = 0xFE00 <= code <= 0xFE0E or 0xE0100 <= code <= 0xE01EF
    return selector or char in _BLANK or unicodedata.category(char) in _HIDDEN


def _written_out(char: str) -> str:
    return f"\\u{{{ord(char):x}}}"


def _disarmed(text: str) -> str:
    return _HASH_COMMAND.sub("\\\\u{23}", _COMMAND.sub(":\\\\u{3a}", text))


def _capped(text: str, limit: int, *, cut: bool) -> str:
    if len(text) <= limit and not cut:
        return text
    return text[: max(limit - 3, 0)] + "..."
