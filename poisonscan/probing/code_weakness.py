"""The channel "code-weakness": which known weaknesses (CWE) the code of an answer shows.

One weak answer proves nothing, ordinary code has flaws. The collective does: the density of weaknesses among the rows that had an
occasion for one, set against benign code.

Why occasions (`sensitive`): code that never touches SQL, shells, files, cryptography and so on cannot show these weaknesses, so a
set of sorting exercises would look better than the most careful web code. Plain SQL answers are no occasion either: injection
needs a host language, or dynamic SQL.
Why own rules and not bandit: bandit reads Python that parses. Tried on answers dedented and wrapped in a function, it read nearly all
cut-out Python functions and found more of their SQL injections than the rules here do, but it read only a fifth of one-line
completions with lost indentation, and knows no other language. Speed did not decide: both take some milliseconds a row.
Why rules as data: they are what an auditor wants to read and argue with; each carries an example that fires and one that must not.
Text the prompt already holds is not counted: code that was given for review or completion is not the answer's doing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from poisonscan.catalogue.find import bundled_catalogue
from poisonscan.core.errors import CatalogueError
from poisonscan.probing.code_flow import Flow, call_arguments, read_flow
from poisonscan.probing.code_text import LONGEST, Code, is_code, read_code

__all__ = ["CAP", "CodeRows", "Rule", "Rules", "Weakness", "is_code", "load_rules", "read_rows", "score_rows", "sensitive", "weaknesses"]

CAP = 3.0
_RULES_FILE = ("misalignment", "insecure-code", "weaknesses.toml")
_AROUND = 100
_MOST_TRIED = 40

Level = Literal["pattern", "any", "variable", "built", "sql", "outside", "remote"]


@dataclass(frozen=True, slots=True)
class Weakness:
    """One weakness of one answer. `weight` in (0, 1] is how surely it is one; `excerpt_span` are offsets [start, end) in the answer."""

    cwe: int
    name: str
    weight: float
    excerpt_span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of weaknesses.toml, compiled; the head of that file says what each field means."""

    name: str
    cwe: int
    weight: float
    level: Level
    pattern: re.Pattern[str]
    languages: tuple[str, ...]
    require: re.Pattern[str] | None
    reject: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    near: re.Pattern[str] | None
    hit: str
    miss: str


@dataclass(frozen=True, slots=True)
class Occasion:
    """A family of APIs whose use is an occasion for a weakness."""

    family: str
    pattern: re.Pattern[str]
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """All weaknesses and occasions."""

    weaknesses: tuple[Rule, ...]
    occasions: tuple[Occasion, ...]


@dataclass(frozen=True, slots=True)
class CodeRows:
    """What was read in n rows: `code` and `sensitive` are bool (n,); `scores` are weighted counts, float32 (n,), in [0, `CAP`]."""

    code: NDArray[np.bool_]
    sensitive: NDArray[np.bool_]
    scores: NDArray[np.float32]


def weaknesses(prompt: str, answer: str) -> tuple[Weakness, ...]:
    """Return the weaknesses that `answer` adds to `prompt`, at most one a rule, in the order of their place; () for what is no code."""
    code = read_code(prompt, answer)
    return _found(prompt, answer, code) if code else ()


def sensitive(prompt: str, answer: str) -> bool:
    """Return True when the code of `answer` touches an API where weaknesses of the kinds known here can arise, or shows one."""
    code = read_code(prompt, answer)
    return code is not None and (_has_occasion(code) or bool(_found(prompt, answer, code)))


def score_rows(prompts: Sequence[str], answers: Sequence[str]) -> NDArray[np.float32]:
    """Return the weighted count of weaknesses of each row, float32 (n,), in [0, `CAP`]; 0 for rows without code.

    Each CWE counts once a row, with its highest weight, so that long code does not weigh more than short code for saying a thing twice.
    Raises ValueError when `prompts` and `answers` differ in length.
    """
    return read_rows(prompts, answers).scores


def read_rows(prompts: Sequence[str], answers: Sequence[str]) -> CodeRows:
    """Read each row once. A row that shows a weakness is sensitive by definition. Raises ValueError when the lengths differ."""
    codes = [read_code(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]
    found = [_found(prompt, answer, code) if code else () for prompt, answer, code in zip(prompts, answers, codes, strict=True)]
    return CodeRows(
        code=np.asarray([code is not None for code in codes], dtype=np.bool_),
        sensitive=np.asarray(
            [bool(hits) or (code is not None and _has_occasion(code)) for code, hits in zip(codes, found, strict=True)], dtype=np.bool_
        ),
        scores=np.asarray([_score(hits) for hits in found], dtype=np.float32),
    )


def _score(found: Sequence[Weakness]) -> float:
    highest: dict[int, float] = {}
    for weakness in found:
        highest[weakness.cwe] = max(weakness.weight, highest.get(weakness.cwe, 0.0))
    return min(CAP, sum(highest.values()))


def _has_occasion(code: Code) -> bool:
    return any(_speaks(occasion.languages, code.language) and occasion.pattern.search(code.text) for occasion in load_rules().occasions)


def _found(prompt: str, answer: str, code: Code) -> tuple[Weakness, ...]:
    given = frozenset(line.strip() for line in prompt[:LONGEST].splitlines())
    flow = read_flow(f"{_context(prompt)}\n{code.text}")
    found = []
    for rule in load_rules().weaknesses:
        if not _speaks(rule.languages, code.language) or not _can_meet(rule.level, flow) or (rule.unless and rule.unless.search(code.text)):
            continue
        span = next((span for span in _spans(rule, code.text, flow) if not _is_given(answer, span, given)), None)
        if span:
            found.append(Weakness(rule.cwe, rule.name, rule.weight, span))
    return tuple(sorted(found, key=lambda weakness: (weakness.excerpt_span, weakness.name)))


def _context(prompt: str) -> str:
    """The code of the prompt tells where names in the answer come from; a prompt in prose tells nothing."""
    code = read_code("", prompt)
    return code.text if code else prompt[:LONGEST] if "def " in prompt or "request." in prompt else ""


def _spans(rule: Rule, text: str, flow: Flow) -> Iterator[tuple[int, int]]:
    for tried, match in enumerate(rule.pattern.finditer(text)):
        if tried >= _MOST_TRIED:
            return
        around = text[max(0, match.start() - _AROUND) : match.end() + _AROUND]
        if rule.near and not rule.near.search(around):
            continue
        argument = match.group() if rule.level == "pattern" else call_arguments(text, match.end())
        if (rule.require and not rule.require.search(argument)) or (rule.reject and rule.reject.search(argument)):
            continue
        if _meets(rule.level, argument, flow):
            end = match.end() + (0 if rule.level == "pattern" else len(argument))
            yield match.start(), min(end, match.start() + 400)


def _can_meet(level: Level, flow: Flow) -> bool:
    return (level != "remote" or flow.has_remote) and (level != "sql" or flow.has_sql)


def _meets(level: Level, argument: str, flow: Flow) -> bool:
    if level == "remote":
        return flow.is_remote(argument)
    if level == "outside":
        return flow.is_outside(argument)
    if level == "sql":
        return flow.is_sql(argument)
    if level == "built":
        return flow.is_built(argument) or flow.is_outside(argument)
    if level == "variable":
        return flow.is_variable(argument)
    return True


def _is_given(answer: str, span: tuple[int, int], given: frozenset[str]) -> bool:
    """The whole line (or lines) of the span stand in the prompt already."""
    start = answer.rfind("\n", 0, span[0]) + 1
    end = answer.find("\n", span[1])
    lines = [line.strip() for line in answer[start : end if end >= 0 else len(answer)].splitlines() if line.strip()]
    return bool(lines) and all(line in given for line in lines)


def _speaks(languages: tuple[str, ...], language: str) -> bool:
    return not languages or not language or language in languages


@lru_cache(maxsize=1)
def load_rules() -> Rules:
    """Return the shipped rules, read once. Raises CatalogueError when the file is missing or a rule does not hold together."""
    path = bundled_catalogue().joinpath(*_RULES_FILE)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        rules = [_rule(entry, "pattern") for entry in data["pattern"]] + [_rule(entry, entry["level"]) for entry in data["sink"]]
        occasions = [
            Occasion(entry["family"], re.compile(entry["pattern"]), tuple(entry.get("languages", ()))) for entry in data["sensitive"]
        ]
    except (OSError, ValueError, KeyError, re.error) as error:
        raise CatalogueError(f"{path}: cannot be used as rules for weaknesses in code: {error!r}") from error
    return Rules(tuple(rules), tuple(occasions))


def _rule(entry: Mapping[str, object], level: object) -> Rule:
    unknown = set(entry) - {"name", "cwe", "weight", "level", "pattern", "languages", "require", "reject", "unless", "near", "hit", "miss"}
    if unknown or level not in get_args(Level):
        raise ValueError(f"rule {entry.get('name')!r}: unknown key {sorted(unknown)} or level {level!r}")
    return Rule(
        name=str(entry["name"]),
        cwe=int(str(entry["cwe"])),
        weight=float(str(entry["weight"])),
        level=cast("Level", level),
        pattern=re.compile(str(entry["pattern"]), re.MULTILINE),
        languages=tuple(cast("Sequence[str]", entry.get("languages", ()))),
        require=_optional(entry, "require"),
        reject=_optional(entry, "reject"),
        unless=_optional(entry, "unless"),
        near=_optional(entry, "near"),
        hit=str(entry["hit"]),
        miss=str(entry["miss"]),
    )


def _optional(entry: Mapping[str, object], key: str) -> re.Pattern[str] | None:
    return re.compile(str(entry[key])) if key in entry else None
