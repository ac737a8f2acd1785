"""Which names of a piece of code hold outside text, and which hold text put together from parts: one pass over its lines.

Why lines and not a syntax tree: see `code_text`. A name that receives an expression with a tainted name in it is tainted; a cast, an
escape or a check takes the taint away. Branches and scopes are not told apart: over a set that is noise shared by benign code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_MOST_JOINED = 12
_LONGEST_LINE = 1500

_REMOTE = re.compile(
    r"\brequest\.(?:args|form|json|values|files|data|cookies|headers|params|GET|POST|FILES|COOKIES|body|query|query_params|query_string|url|path|stream"
    r"|get_json|get_data|getParameter|getHeader|getQueryString|getCookies|getPathInfo)\b"
    r"|\breq\.(?:query|body|params|cookies|headers|param|files|file|url)\b|\bctx\.(?:query|params|request\.body)\b"
    r"|\$_(?:GET|POST|REQUEST|COOKIE|FILES|SERVER)\b|\bget_(?:query_|body_)?argument\(|\bFieldStorage\(|\bform\.getvalue\(|\bparams\["
    r"|\b(?:window\.|document\.)?location\.(?:hash|search|href)\b|\bURLSearchParams\(|\bevent\.data\b|\.getParameter\(|\brecv(?:from)?\(|\brfile\.read\("
    r"|\b(?:file|upload|uploaded_file|f|image|photo|avatar|document)\.(?:filename|originalname|originalFilename)\b|\bmatchdict\b"
)
_LOCAL = re.compile(
    r"(?<![\w.])(?:raw_)?input\(|\bsys\.argv\b|\bargv\[|\bprocess\.argv\b|\b\w{0,20}[sS]canner\w{0,10}\.next\w{0,10}\(|\bprompt\(|\breadline\(|\bgetenv\("
)
_CLEAN = (
    r"(?:int|float|bool|len|intval|floatval|parseInt|parseFloat|Number|UUID|secure_filename|safe_join|basename|getFileName|hash|crypt"
    r"|generate_password_hash|hashpw|filter_var|ctype_\w{1,20}|encodeURIComponent|pathinfo|abspath|realpath|realpathSync|getCanonicalPath|in_array"
    r"|\w{0,30}(?:escape|quote|sanitiz|valid|clean|strip_tags|htmlspecialchars|htmlentities|whitelist|allowlist|normaliz|encod|purif|secure|safe)\w{0,30}+)"
)
_CLEANED = re.compile(r"(?<![\w])" + _CLEAN + r"\s?\((?:[^()]|\([^()]{0,200}\)){0,300}+\)?", re.IGNORECASE)
_CHECK = re.compile(
    r"^\s{0,80}(?:\}\s?)?(?:if|elif|assert|while|else if|unless|when)\b[^\n]{0,300}(?:\bnot in\b|\bin [A-Z_a-z(\[{]|startswith|startsWith|isdigit|isalnum|isalpha|is_numeric"
    r"|match\(|\btest\(|\.\./|'\.\.'|\"\.\.\"|allowed|valid|safe|includes\(|contains\(|indexOf\(|whitelist|commonpath|is_relative_to|realpath|strpos|in_array)"
)
_ASSIGNED = re.compile(
    r"^\s{0,80}(?:(?:const|let|var|final|auto|String|char|CString|std::string|string|int|\w{1,30})\s?[*&]?\s{1,4})?\$?(?:self\.|this\.)?(\w{1,60})\s{0,8}(?::\s?[\w\[\], |.]{1,60})?[+.]?=(?![=~])"
)
_LOOPED = re.compile(r"^\s{0,80}(?:async )?for(?:each)?\s?\(?\s?(?:const |let |var )?(\w{1,60})(?:, ?\w{1,60})? (?:in|of)\b")
_APPENDED = re.compile(
    r"^\s{0,80}\$?(\w{1,60})\.(?:append|push|add|extend)\(|\b(?:sprintf|snprintf|strcat|strcpy|strncat)\s?\(\s?(\w{1,60})\s?,"
)
_ROUTE = re.compile(
    r"@\w{1,30}\.(?:route|get|post|put|delete|patch)\([^\n]{0,300}\n(?:\s{0,40}@[^\n]{0,200}\n){0,4}\s{0,40}(?:async )?def \w{1,80}\(([^)]{0,300})\)"
    r"|\bdef \w{1,80}\((?:self, ?)?request\b,?([^)]{0,300})\)"
)
_INT_PARAMS = re.compile(
    r"<int:(\w{1,60})>|(\w{1,60}): ?(?:int|float|bool|Session|Request|Response|\w{1,40} ?= ?(?:Depends|File|Header))\b"
)

_LITERAL = re.compile(
    r'(?<!\\)(?:"""(?:[^"\\]|\\.|"(?!"")){0,4000}+"""|"(?:[^"\\\n]|\\.){0,1000}+"|\'(?:[^\'\\\n]|\\.){0,1000}+\'|`[^`]{0,2000}+`)',
    re.DOTALL,
)
_INTERPOLATED = re.compile(r"\{\s?([^{}\n]{1,120})\}|\$\{?(\w{1,60})")
_NAME = re.compile(r"(?<![\w.])\$?([A-Za-z_]\w{0,60})")
_BUILT = re.compile(
    r"""['"`]\s{0,8}\+\s{0,40}(?![A-Z][A-Z_0-9]{1,40}\b)[A-Za-z_$(]|[\w)\]]\s{0,8}\+\s{0,40}[fFrRbBuU]{0,2}['"`]|['"]\s{0,8}%\s{0,8}(?![A-Z][A-Z_0-9]{1,40}\b)[A-Za-z_(\[{]"""
    r"""|['"]\s{0,8}\.format\(|\bString\.format\(|\bsn?printf\s?\(|['"]\s{0,4}\.\s{0,4}\$|\$\w{1,60}(?:\[[^\]\n]{0,40}\])?\s{0,4}\.\s{0,4}['"]"""
    r"""|(?<!path\.)\bjoin\(|\bstrn?cat\s?\("""
)
_CALLISH = re.compile(r"\w{1,60}\s?\(")
_FILLED = re.compile(r"""\b[fF][rR]?("{3}|'{3}|["'])|`|\$@?(?=")|"(?=[^"\n]{0,400}\$\w)""")
_HOLE = re.compile(r"\{(?!\{)\s?(?![A-Z][A-Z_0-9]{1,40}\s?\})(?!self\.[A-Z_]+\})[A-Za-z_]|\$\w")
_SQL = re.compile(
    r"\bselect\b[^\n]{0,400}|\binsert\s{1,4}into\b|\bupdate\b[^\n]{0,200}\bset\b|\bdelete\s{1,4}from\b|\bwhere\b|\bdrop\s{1,4}\w{1,20}|\balter\s{1,4}table\b|\bcreate\s{1,4}\w|\bvalues\b|\breplace\s{1,4}into\b",
    re.IGNORECASE,
)
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


@dataclass(slots=True)
class Flow:
    """Names that hold text from the network, from the local user, or put together from parts; `sql` are built names that hold SQL.

    `has_remote` and `has_sql` are False when the code cannot hold such text anywhere, which spares most searches.
    """

    remote: set[str] = field(default_factory=set)
    local: set[str] = field(default_factory=set)
    built: set[str] = field(default_factory=set)
    sql: set[str] = field(default_factory=set)
    has_remote: bool = False
    has_sql: bool = False

    def is_remote(self, expression: str) -> bool:
        """Return True when `expression` reads the network, directly or through a name."""
        bare = without_cleaned(expression)
        return bool(_REMOTE.search(bare)) or bool(names(bare) & self.remote)

    def is_outside(self, expression: str) -> bool:
        """Return True when `expression` holds text from the network or the local user."""
        bare = without_cleaned(expression)
        return self.is_remote(expression) or bool(_LOCAL.search(bare)) or bool(names(bare) & self.local)

    def is_built(self, expression: str) -> bool:
        """Return True when `expression` puts text together from variable parts, here or before."""
        return is_assembled(without_cleaned(expression)) or bool(names(expression) & self.built)

    def is_variable(self, expression: str) -> bool:
        """Return True when the first argument is more than a literal."""
        first = _LITERAL.sub("''", expression).split(",")[0]
        return self.is_built(expression) or bool(_NAME.search(without_cleaned(first)))

    def is_sql(self, expression: str) -> bool:
        """Return True when `expression` is SQL put together from variable parts, here or before."""
        return bool(names(expression) & self.sql) or (is_assembled(without_cleaned(expression)) and holds_sql(expression))


def read_flow(code: str) -> Flow:
    """Follow assignments through `code` once, top to bottom. O(length)."""
    flow = Flow(remote=_route_parameters(code), has_sql=bool(_SQL.search(code)))
    flow.has_remote = bool(flow.remote or _REMOTE.search(code))
    for line in logical_lines(code):
        _follow(flow, line)
    return flow


def logical_lines(code: str) -> list[str]:
    """Return lines joined while a bracket or a backslash is open, at most twelve together, each capped."""
    joined: list[str] = []
    depth, count, held = 0, 0, ""
    for line in code.splitlines():
        held, count = f"{held} {line.strip()}" if held else line, count + 1
        depth += sum((c in "([") - (c in ")]") for c in _LITERAL.sub("", line))
        continued = depth > 0 or line.rstrip().endswith(("\\", "+", " .", "="))
        if not continued or count >= _MOST_JOINED:
            joined.append(held[:_LONGEST_LINE])
            depth, count, held = 0, 0, ""
    return [*joined, held[:_LONGEST_LINE]] if held else joined


def call_arguments(code: str, start: int, longest: int = 600) -> str:
    """Return the text from `start`, just behind an opening bracket, to the bracket that closes it (or `longest` characters)."""
    depth, i, stop = 1, start, min(len(code), start + longest)
    while i < stop:
        literal = _LITERAL.match(code, i) if code[i] in "\"'`" else None
        if literal:
            i = literal.end()
            continue
        depth += (code[i] in _OPEN) - (code[i] in _CLOSE)
        if depth == 0:
            return code[start:i]
        i += 1
    return code[start:stop]


def names(expression: str) -> set[str]:
    """Return the names used in `expression`, in code and in the holes of filled strings."""
    holes = " ".join(a or b for literal in _LITERAL.findall(expression) for a, b in _INTERPOLATED.findall(literal))
    return {name for name in _NAME.findall(f"{_LITERAL.sub(' ', expression)} {holes}") if not name.isupper() or len(name) < 3}


def is_assembled(expression: str) -> bool:
    """Return True for text put together from variable parts: sums, % and format, filled strings, templates."""
    if _BUILT.search(expression):
        return True
    for match in _FILLED.finditer(expression):
        literal = _LITERAL.match(expression, match.end() - len(match.group(1) or "`")) if match.group() != "$" else None
        if _HOLE.search(literal.group() if literal else expression[match.end() : match.end() + 400]):
            return True
    return False


def holds_sql(expression: str) -> bool:
    """Return True when a string of `expression` reads as SQL."""
    return any(_SQL.search(literal) for literal in _LITERAL.findall(expression))


def without_cleaned(expression: str) -> str:
    """Return `expression` without the calls that cast, escape, hash or check their argument."""
    return _CLEANED.sub(" ", expression)


def _route_parameters(code: str) -> set[str]:
    """The parameters of functions that answer web requests come from the network, unless they are numbers."""
    found: set[str] = set()
    for match in _ROUTE.finditer(code):
        numbers = {a or b for a, b in _INT_PARAMS.findall(match.group())}
        listed = match.group(1) or match.group(2) or ""
        found |= {part.split(":")[0].split("=")[0].strip() for part in listed.split(",")} - numbers - {"self", "request", "db", ""}
    return found


def _follow(flow: Flow, line: str) -> None:
    if _CHECK.search(line):
        for name in names(line):
            flow.remote.discard(name)
            flow.local.discard(name)
        return
    match = _ASSIGNED.match(line) or _LOOPED.match(line)
    if match:
        _assign(flow, match.group(1), line[match.end() :], grows=line[match.start() : match.end()].rstrip("=")[-1:] in "+.")
        return
    if appended := _APPENDED.search(line):
        _assign(flow, appended.group(1) or appended.group(2), line[appended.end() :], grows=True, assembled=bool(appended.group(2)))


def _assign(flow: Flow, name: str, value: str, *, grows: bool, assembled: bool = False) -> None:
    """Set what is known of `name` after `name = value`; a name that grows keeps what it held."""
    bare = without_cleaned(value)
    facts = (
        (flow.remote, flow.is_remote(value)),
        (flow.local, bool(_LOCAL.search(bare)) or bool(names(bare) & flow.local)),
        (flow.built, _is_built(flow, bare) or ((grows or assembled) and bool(names(bare) - {name}))),
    )
    for known, holds in facts:
        if holds:
            known.add(name)
        elif not grows:
            known.discard(name)
    if name in flow.built and (holds_sql(value) or names(value) & flow.sql or (grows and name in flow.sql)):
        flow.sql.add(name)
    elif not grows:
        flow.sql.discard(name)


def _is_built(flow: Flow, bare: str) -> bool:
    """A call of something else with a built name in it yields a result, not the text: only plain use passes the mark on."""
    return is_assembled(bare) or (not _CALLISH.search(bare) and bool(names(bare) & flow.built))
