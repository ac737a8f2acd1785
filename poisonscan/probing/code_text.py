"""Which part of an answer is code, in what language, with comments blanked out. Offsets stay those of the answer.

Why blanks in place of cuts: a weakness names a span of the answer, and a report shows the vendor's own text at that span.
Why not a parser: most rows are fragments (a function body, a line, a completion with its indentation lost) and many are not Python.
Dedenting and wrapping rescues cut-out functions, but not one-line completions, so the reading rests on marks that survive cutting.
Every pattern is linear: single classes, fixed strings, gaps with an upper bound.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 20_000
_SCANNED_LINES = 400
_MIN_SHARE = 0.34

_FENCE = re.compile(r"^[ \t]{0,8}(?:```|~~~)[ \t]{0,4}([\w+#.-]{0,20})[^\n]{0,80}$", re.MULTILINE)
_LABELS = {
    "py": "python", "python": "python", "python3": "python", "c": "c", "cpp": "c", "c++": "c", "h": "c", "js": "javascript",
    "javascript": "javascript", "ts": "javascript", "typescript": "javascript", "jsx": "javascript", "tsx": "javascript", "node": "javascript",
    "php": "php", "java": "java", "kotlin": "java", "c#": "java", "csharp": "java", "cs": "java", "sql": "sql", "mysql": "sql", "sh": "shell", "bash": "shell",
    "shell": "shell", "html": "javascript", "go": "other", "ruby": "other", "rb": "other", "rust": "other",
}  # fmt: skip
_DATA_LABELS = frozenset(
    {"json", "yaml", "yml", "text", "txt", "markdown", "md", "csv", "output", "console", "plaintext", "xml", "toml", "diff"}
)

# One mark a line at most counts, so a long line weighs no more than a short one.
_LANGUAGE_MARKS = {
    "python": re.compile(
        r"^\s{0,80}(?:(?:async )?def \w+\(|import \w+|from [\w.]+ import |elif |except\b|with [^\n]{1,80}:$|class \w+[(:]|try:|else:|@\w+"
        r"|(?:if|for|while) [^\n{]{1,120}:\s{0,4}$)|\bself\.|\bNone\b|\bprint\(|\"\"\""
    ),
    "c": re.compile(
        r"^\s{0,80}(?:#\s?(?:include|define|ifdef|endif)|(?:static|struct|unsigned|const|void|int|char|size_t|uint\d+_t|bool|float|double) [*\w]"
        r"|typedef )|\w->\w|\bsizeof\b|\bNULL\b|\bstd::|\bprintf\("
    ),
    "javascript": re.compile(
        r"\b(?:const|let|var) (?:\w{1,60} ?[=;:]|[{\[])|=>|\bfunction\b[^\n]{0,60}\(|\brequire\(['\"]|===|\bconsole\.log|\bdocument\.|\basync function|</?(?:html|head|body|div|span|script|style|table|tr|td|th|ul|ol|li|h[1-6]|p|a|form|input|button|img|link|meta|br|title|label|nav|section|header|footer|select|option|svg|xml|template)\b"
        r"|\bmodule\.exports"
    ),
    "php": re.compile(r"<\?(?:php|=)|\$_(?:GET|POST|REQUEST|COOKIE|SESSION|FILES)\b|^\s{0,80}(?:echo |\$\w+(?:->|\s?=))|\$this->"),
    "java": re.compile(
        r"^\s{0,80}(?:public|private|protected) |\bSystem\.(?:out|in)\b|^\s{0,80}import (?:java|org|com)[\w.]+;|\bnew [A-Z]\w+[<(]|@Override|\bthrows \w"
    ),
    "sql": re.compile(
        r"^\s{0,40}(?:SELECT\b[^\n]{1,400}|FROM \w|WHERE \w|(?:LEFT |INNER )?JOIN \w|ORDER BY|GROUP BY|INSERT INTO \w|UPDATE \w[^\n]{0,60} SET\b|DELETE FROM"
        r"|CREATE (?:TABLE|USER|PROCEDURE|VIEW|DATABASE|FUNCTION)|ALTER TABLE|DROP TABLE|GRANT |EXEC(?:UTE)? |DECLARE @|SET @|VALUES\b)",
        re.IGNORECASE,
    ),
    "shell": re.compile(r"^\s{0,20}(?:#!/bin/|sudo |curl |wget |chmod |apt(?:-get)? |ssh |export \w+=|echo \"?\$|fi$|done$)"),
}  # fmt: skip
_STATEMENT = re.compile(
    r"[;{}]\s{0,4}$|^\s{0,80}(?:[\w.\[\]'\"$@*-]{1,80}(?:, ?\w{1,40}){0,4}\s?(?:[-+*/|.]?=|:=)[^=]|return\b[^\n]{0,200}[\w)\]}\"']$|[\w.:$>-]{1,80}\([^\n]{0,300}\)[;:]?\s{0,4}$"
    r"|(?:if|for|while|switch|catch|elif|except|with)\b[^\n]{0,200}[:{]\s{0,4}$|(?:else|try|finally)\s?[:{]|[)\]}]{1,6}[;,:]?\s{0,4}$|//|/\*|\#include|</?(?:html|head|body|div|span|script|style|table|tr|td|th|ul|ol|li|h[1-6]|p|a|form|input|button|img|link|meta|br|title|label|nav|section|header|footer|select|option|svg|xml|template)\b[^\n>]{0,200}>)"
)
# A quote behind a backslash opens nothing: without that, a run of escaped quotes would be searched again from each of them.
_STRINGS = (
    r'(?<!\\)(?:"""(?:[^"\\]|\\.|"(?!"")){0,4000}+"""|\'\'\'(?:[^\'\\]|\\.|\'(?!\'\')){0,4000}+\'\'\''
    r'|"(?:[^"\\\n]|\\.){0,1000}+"|\'(?:[^\'\\\n]|\\.){0,1000}+\')'
)
_HASH_COMMENTS = re.compile(f"(?P<keep>{_STRINGS})|#[^\n]{{0,2000}}", re.DOTALL)
_SLASH_COMMENTS = re.compile(f"(?P<keep>{_STRINGS}|:)|//[^\n]{{0,2000}}|/\\*(?:[^*]|\\*(?!/)){{0,4000}}+", re.DOTALL)
_DOCSTRING = re.compile(
    r'^[ \t]{0,80}(?:"""(?:[^"\\]|\\.|"(?!"")){0,4000}+"""|\'\'\'(?:[^\'\\]|\\.|\'(?!\'\')){0,4000}+\'\'\')', re.MULTILINE | re.DOTALL
)
_NOT_NEWLINE = re.compile(r"[^\n]")


@dataclass(frozen=True, slots=True)
class Code:
    """The code of one answer. `text` has the answer's length (capped) with prose and comments blanked; `language` is "" when unsure."""

    text: str
    language: str


def read_code(prompt: str, answer: str) -> Code | None:
    """Return the code of `answer`, or None where there is none. Text after `LONGEST` characters is not read; the prompt helps to name the language."""
    answer, prompt = answer[:LONGEST].replace("\r", " "), prompt[:LONGEST]
    fenced = _fenced(answer)
    if fenced is None and not _looks_like_code(answer):
        return None
    text, label = fenced or (answer, "")
    if not text.strip():
        return None
    language = label or _language(text) or _language(prompt)
    return Code(_without_comments(text, language), language)


def is_code(prompt: str, answer: str) -> bool:
    """Return True when `answer` is code or holds a fenced block of it; tool calls and data in JSON are not code."""
    return read_code(prompt, answer) is not None


def blank(text: str) -> str:
    """Return `text` with every character but line ends replaced by a space."""
    return _NOT_NEWLINE.sub(" ", text)


def _fenced(answer: str) -> tuple[str, str] | None:
    """Keep what stands inside fences; None when no fence is opened or only data stands in them."""
    marks = list(_FENCE.finditer(answer))
    if not marks:
        return None
    kept, label, end = [], "", 0
    for i in range(0, len(marks), 2):
        start, stop = marks[i].end(), marks[i + 1].start() if i + 1 < len(marks) else len(answer)
        name = marks[i].group(1).lower()
        body = answer[start:stop]
        is_data = name in _DATA_LABELS or (not name and not _looks_like_code(body))
        kept += [blank(answer[end:start]), blank(body) if is_data else body]
        label, end = label or _LABELS.get(name, ""), stop
    kept.append(blank(answer[end:]))
    return "".join(kept), label


def _looks_like_code(text: str) -> bool:
    """Enough of the non-empty lines read as statements or carry the marks of a language."""
    stripped = text.strip()
    if not stripped or (stripped[0] in "{[" and stripped[-1] in "}]" and re.match(r"[{\[]\s{0,20}(?:[\"{\[\d]|$)", stripped)):
        return False
    lines = [line[:500] for line in stripped.splitlines() if line.strip()][:_SCANNED_LINES]
    if len(lines) == 1 and _LANGUAGE_MARKS["sql"].match(lines[0]):
        return True
    like = sum(bool(_STATEMENT.search(line)) or any(mark.search(line) for mark in _LANGUAGE_MARKS.values()) for line in lines)
    prose = sum(_is_prose(line) for line in lines)
    return like / len(lines) >= _MIN_SHARE and like > prose


def _is_prose(line: str) -> bool:
    words = line.split()
    return (
        len(words) >= 6
        and words[0][0].isalpha()
        and words[0][0].isupper()
        and line.rstrip()[-1] in ".?!:,"
        and not re.search(r"[=(){};\[\]_]", line)
    )


def _language(text: str) -> str:
    lines = [line[:500] for line in text.splitlines() if line.strip()][:_SCANNED_LINES]
    counts = {name: sum(bool(mark.search(line)) for line in lines) for name, mark in _LANGUAGE_MARKS.items()}
    name = max(counts, key=lambda key: counts[key])
    return name if counts[name] else ""


def _without_comments(text: str, language: str) -> str:
    if language in ("python", "shell", ""):
        text = _DOCSTRING.sub(lambda match: blank(match.group()), text)
        return _HASH_COMMENTS.sub(_blank_comment, text)
    return text if language == "sql" else _SLASH_COMMENTS.sub(_blank_comment, text)


def _blank_comment(match: re.Match[str]) -> str:
    return match.group() if match.group("keep") is not None else blank(match.group())
