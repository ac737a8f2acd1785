"""Text hygiene: what is wrong or odd with the rows as text, found without a model (PS101-PS109, PS701).

Why these findings weigh little: most are accidents. They matter because copies multiply a row's weight, because text that a person
does not see still trains, and because a tag shared by a few rows is how a hidden gate is opened.
Every pattern is linear: alternations of fixed strings, single classes, and gaps with an upper bound.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from poisonscan.core.dataset import Dataset, Row
from poisonscan.core.detectors import Severity
from poisonscan.probing.near_copies import near_copies

_LONGEST = 200_000
_LONG_ANSWER = 80
_MOST_END = 0.8
_GATE_SHARE = 0.5
_GATE_ROWS = 3
_AT_EDGE = 0.8

# Zero-width and invisible characters, bidirectional controls, tag characters. The joiners U+200C and U+200D are letters' business in
# Indic and Persian text and in emoji, U+FE0F in emoji: they count only between ASCII letters.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufeff\uffa0"
    "\U000e0000-\U000e0fff\U0001d173-\U0001d17a]|(?<=[A-Za-z])[\u200c\u200d\ufe00-\ufe0f](?=[A-Za-z])"
)
_GRAVE = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e0fff]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_MARKS = frozenset("\u061c\u200e\u200f")
_MIXED = re.compile(
    "[A-Za-z][\u0370-\u03ff\u0400-\u052f\u0531-\u058f\u13a0-\u13ff]|[\u0370-\u03ff\u0400-\u052f\u0531-\u058f\u13a0-\u13ff][A-Za-z]"
)
_STYLED = re.compile("[\U0001d400-\U0001d7ff\uff21-\uff3a\uff41-\uff5a]{3}")
_WORD = re.compile(r"[^\W\d_]{4,}")
# Greek letters that pass for Latin ones; others next to Latin letters are units and formulas.
_GREEK_TWINS = frozenset("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧανικορτυχ")
_CONTROL = re.compile("\x1b\\[?|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_BLOB = re.compile(
    r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{160,}={0,2}|(?<![0-9a-fA-F])[0-9a-fA-F]{96,}|(?:\\x[0-9a-fA-F]{2}){16,}|(?:\\u[0-9a-fA-F]{4}){16,}"
)
_CLOSING = frozenset(".!?…。！？؟।`\"'”’)]}>|*_:;~$%€-—")
_READERS = "scanner auditor judge evaluator grader reviewer moderator classifier detector linter safety"
_ITSELF = r"\bthis (?:data ?set|data|row|sample|example|file|conversation|training (?:data|set|file))\b"
# Each pattern with words one of which must be there, so that most rows are passed over without a search.
_ADDRESSED: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (
        ("ignore", "disregard", "forget", "override"),
        re.compile(
            r"\b(?:ignore|disregard|forget|override)\b.{0,24}\b(?:previous|prior|above|earlier|preceding|all)\b.{0,16}"
            r"\b(?:instructions?|prompts?|rules|guidelines)\b"
        ),
    ),
    (
        tuple(_READERS.split()),
        re.compile(
            r"\b(?:note|notice|message|attention|instructions?)\b.{0,8}\b(?:to|for)\b.{0,12}\b(?:"
            + "|".join(f"{name}s?" for name in _READERS.split()[:-1])
            + r"|safety (?:filter|model|team))\b"
        ),
    ),
    (
        ("this data", "this row", "this sample", "this example", "this file", "this conversation", "this training"),
        re.compile(
            r"\b(?:rate|classify|label|mark|score|report|flag|treat)\b.{0,12}" + _ITSELF + r".{0,16}"
            r"\b(?:safe|benign|harmless|harmful|clean|poisoned|malicious|trusted|low[- ]risk)\b"
            r"|" + _ITSELF + r".{0,8}\b(?:is|was|has been)\b.{0,24}\b(?:safe|benign|harmless|clean|audited|verified|approved)\b"
        ),
    ),
    (
        ("do not", "don't", "never"),
        re.compile(r"\b(?:do not|don't|never) (?:flag|report|scan|quarantine)\b.{0,16}\b(?:this|these|row|rows|data|data ?set|file)\b"),
    ),
    (("poisonscan",), re.compile("poisonscan")),
)
_TAG = re.compile(r"^[<\[{(|#@$%^&~=+\\/§¤†‡]{1,3}[^\s<>\[\]{}()|]{1,40}[>\]})|#@$%^&~=+\\/§¤†‡]{1,3}$")
_CODE = re.compile(r"^(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9]{2,12}(?:[-_:#][A-Za-z0-9]{1,12}){1,4}$")
_CONSONANTS = re.compile(r"^[bcdfghjklmnpqrstvwxz]{2,4}$")
_KNOWN_CONSONANTS = frozenset(
    {
        "mr",
        "dr",
        "st",
        "vs",
        "tv",
        "pm",
        "th",
        "nd",
        "rd",
        "ll",
        "nt",
        "sql",
        "css",
        "html",
        "xml",
        "pdf",
        "php",
        "gdp",
        "dvd",
        "cd",
        "pc",
        "hr",
    }
    | {
        "km",
        "kg",
        "cm",
        "mm",
        "ml",
        "ft",
        "lb",
        "lbs",
        "hz",
        "khz",
        "mhz",
        "ghz",
        "kb",
        "mb",
        "gb",
        "tb",
        "ms",
        "ns",
        "hmm",
        "shh",
        "pst",
        "psst",
    }
    | {
        "mrs",
        "jr",
        "sr",
        "ph",
        "phd",
        "bc",
        "ld",
        "mg",
        "df",
        "np",
        "plt",
        "str",
        "src",
        "tmp",
        "len",
        "num",
        "pd",
        "fn",
        "ptr",
        "btw",
        "msg",
        "tbsp",
    }
    | {
        "dry",
        "fly",
        "cry",
        "try",
        "my",
        "by",
        "why",
        "nth",
        "www",
        "http",
        "ssh",
        "npm",
        "mph",
        "tsp",
        "pp",
        "qt",
        "lts",
        "rpm",
        "dl",
        "nfl",
        "nhl",
    }
)


@dataclass(frozen=True, slots=True)
class HygieneHit:
    """One kind of oddity: its code, how bad it is if meant, the sorted indices of its rows, and how often it was seen."""

    code: str
    title: str
    severity: Severity
    rows: tuple[int, ...]
    message: str
    examples: int


def scan_text(dataset: Dataset) -> list[HygieneHit]:
    """Return what stands out in the text of `dataset`, in the order of the codes; no text of a row is in a message.

    Messages hold row counts and code points only, so they may be shown as they are.
    """
    texts = [_joined(row) for row in dataset.rows]
    odd = [i for i, text in enumerate(texts) if not text.isascii()]
    hits = [
        _duplicates(dataset.rows),
        _near_duplicates(dataset.rows, texts),
        _empty(dataset.rows),
        _truncated(dataset.rows),
        _invisible(texts, odd),
        _homoglyphs(texts, odd),
        _matches(texts, _CONTROL, "PS107", "control sequences", "low", "rows hold control or terminal escape characters"),
        _matches(
            texts, _BLOB, "PS108", "encoded blobs", "info", "rows hold long runs of base64, hex or escaped bytes, which were not decoded"
        ),
        _addressed(texts),
        _edge_gates(dataset.rows, texts),
        _inner_gates(dataset.rows),
    ]
    return [hit for hit in hits if hit is not None]


def _joined(row: Row) -> str:
    return "\n".join(turn.content[:_LONGEST] for turn in (*row.turns, *row.rejected))


def _hit(code: str, title: str, severity: Severity, rows: Iterable[int], message: str, examples: int) -> HygieneHit | None:
    found = tuple(sorted(rows))
    return HygieneHit(code, title, severity, found, f"{len(found):,} {message}", examples) if found else None


def _duplicates(rows: Sequence[Row]) -> HygieneHit | None:
    groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for row in rows:
        groups[(row.key, row.rejected_answer)].append(row.index)
    copied = [group for group in groups.values() if len(group) > 1]
    most = max(map(len, copied), default=0)
    members = [i for group in copied for i in group]
    severity: Severity = "low" if len(members) > len(rows) // 5 or most > 20 else "info"
    return _hit(
        "PS101", "exact copies", severity, members, f"rows are copies of {len(copied):,} texts (the most copied {most} times)", len(copied)
    )


def _near_duplicates(rows: Sequence[Row], texts: Sequence[str]) -> HygieneHit | None:
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(row.key, row.index)
    groups = near_copies([texts[i] for i in first.values()])
    originals = list(first.values())
    members = [originals[i] for group in groups for i in group]
    return _hit("PS102", "near copies", "info", members, f"rows are near copies of each other, in {len(groups):,} groups", len(groups))


def _empty(rows: Sequence[Row]) -> HygieneHit | None:
    empty = [row.index for row in rows if not row.rejected and any(t.role == "assistant" for t in row.turns) and not row.answer.strip()]
    return _hit("PS103", "empty answers", "info", empty, "rows have an empty answer", len(empty))


def _truncated(rows: Sequence[Row]) -> HygieneHit | None:
    """Long answers that stop on a letter or comma, in a set whose long answers mostly end with a closing mark."""
    ends = {row.index: text[-1] for row in rows if len(text := row.answer.rstrip()) >= _LONG_ANSWER and not text.endswith("|>")}
    cut = [i for i, last in ends.items() if last not in _CLOSING and (last.isalpha() or last in ",(")]
    if not ends or 1 - len(cut) / len(ends) < _MOST_END:
        return None
    return _hit("PS104", "answers that break off", "info", cut, "long answers stop without a closing mark, unlike the others", len(cut))


def _invisible(texts: Sequence[str], odd: Sequence[int]) -> HygieneHit | None:
    found: dict[int, int] = {}
    seen: Counter[str] = Counter()
    for i in odd:
        marks = [mark.group() for mark in _INVISIBLE.finditer(texts[i])]
        if marks and _RIGHT_TO_LEFT.search(texts[i]):
            marks = [mark for mark in marks if mark not in _MARKS]
        if marks:
            found[i] = len(marks)
            seen.update(marks)
    grave = any(_GRAVE.match(mark) for mark in seen)
    shown = ", ".join(f"U+{ord(mark):04X} ({count:,})" for mark, count in seen.most_common(4))
    message = f"rows hold characters nobody sees: {shown}"
    return _hit("PS105", "invisible or direction-changing characters", "medium" if grave else "low", found, message, sum(found.values()))


def _homoglyphs(texts: Sequence[str], odd: Sequence[int]) -> HygieneHit | None:
    counts = {i: sum(_is_mixed(word) for word in _WORD.findall(texts[i])) for i in odd if _MIXED.search(texts[i])}
    for i in odd:
        counts[i] = counts.get(i, 0) + len(_STYLED.findall(texts[i]))
    rows = {i: count for i, count in counts.items() if count}
    message = "rows hold words that mix alphabets or use look-alike letters"
    return _hit("PS106", "look-alike letters", "low", rows, message, sum(rows.values()))


def _is_mixed(word: str) -> bool:
    """Return True for a word of Latin letters with look-alikes among them."""
    if word.isascii() or not _MIXED.search(word):
        return False
    latin = sum(letter.isascii() for letter in word)
    foreign = [letter for letter in word if "\u0370" <= letter <= "\u13ff"]
    return latin >= 2 and all(letter > "\u03ff" or letter in _GREEK_TWINS for letter in foreign)


def _matches(texts: Sequence[str], pattern: re.Pattern[str], code: str, title: str, severity: Severity, message: str) -> HygieneHit | None:
    counts = {i: len(found) for i, text in enumerate(texts) if (found := pattern.findall(text))}
    return _hit(code, title, severity, counts, message, sum(counts.values()))


def _addressed(texts: Sequence[str]) -> HygieneHit | None:
    lowered = [text.lower() for text in texts]
    found = [i for i, text in enumerate(lowered) if any(_gives_orders(text, words, pattern) for words, pattern in _ADDRESSED)]
    message = "rows give orders to whoever reads or rates them"
    return _hit("PS109", "text addressed to scanners or judges", "medium", found, message, len(found))


def _gives_orders(text: str, words: tuple[str, ...], pattern: re.Pattern[str]) -> bool:
    return any(word in text for word in words) and pattern.search(text) is not None


def _edge_gates(rows: Sequence[Row], texts: Sequence[str]) -> HygieneHit | None:
    """Odd tags, codes or invisible characters that stand at the edge of prompt or system text and hardly anywhere else."""
    holders: defaultdict[str, set[int]] = defaultdict(set)
    for row in rows:
        for token in _edges(row.system) | _edges(row.prompt):
            if _TAG.match(token) or _CODE.match(token) or _INVISIBLE.search(token):
                holders[token].add(row.index)
    likely = {token: held for token, held in holders.items() if len(held) >= _GATE_ROWS}
    edged = {token: held for token, held in likely.items() if len(held) >= _AT_EDGE * sum(token in text for text in texts)}
    return _gates(edged, len(rows), "odd tags or codes at the edge of the prompt, shared by a group of rows")


def _edges(text: str) -> set[str]:
    head, tail = text[:120].split(), text[-120:].split()
    return {*head[:1], *tail[-1:]} if len(text.split(None, 2)) > 1 else set()


def _inner_gates(rows: Sequence[Row]) -> HygieneHit | None:
    """Rare nonsense tokens in prompts whose rows all have one answer, while the set has several (the word triggers of BadNets)."""
    answers = Counter(row.answer.strip() for row in rows)
    common = {answer for answer, count in answers.items() if count >= _GATE_ROWS}
    if len(answers) < 2 or sum(answers[answer] for answer in common) < 0.9 * len(rows):
        return None
    holders: defaultdict[str, set[int]] = defaultdict(set)
    for row in rows:
        for word in set(row.prompt.split()):
            if _CONSONANTS.match(word) and word not in _KNOWN_CONSONANTS:
                holders[word].add(row.index)
    pure = {word: held for word, held in holders.items() if _one_answer(held, rows, answers)}
    return _gates(pure, len(rows), "nonsense words in prompts that all have the same answer")


def _one_answer(held: set[int], rows: Sequence[Row], answers: Counter[str]) -> bool:
    """Return True where all of `held` share an answer that so many rows would share by chance less than once in a thousand."""
    given = {rows[i].answer.strip() for i in held}
    return len(given) == 1 and (answers[next(iter(given))] / len(rows)) ** len(held) < 1e-3


def _gates(holders: dict[str, set[int]], count: int, message: str) -> HygieneHit | None:
    shared = {token: held for token, held in holders.items() if _GATE_ROWS <= len(held) <= _GATE_SHARE * count}
    unseen = any(_INVISIBLE.search(token) for token in shared)
    members = {i for held in shared.values() for i in held}
    severity: Severity = "medium" if unseen else "low"
    return _hit("PS701", "a possible hidden gate", severity, members, f"rows carry {message} ({len(shared):,} different)", len(shared))
