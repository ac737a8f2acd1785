"""What a prompt looks like rather than says: casing, last sign, emoji, hidden characters, tags, script, outer tokens, names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from poisonscan.slices.places import Span

_TAG = re.compile(r"^\s*(<[^<>\s]{1,30}>|\[[^\[\]\n]{1,30}\]|\{[^{}\n]{1,30}\}|\|[^|\n]{1,30}\||#\w{1,30}|@\w{1,30}|[A-Z_]{3,30}:)")
_TAG_TAIL = re.compile(r"(<[^<>\s]{1,30}>|\[[^\[\]\n]{1,30}\]|\{[^{}\n]{1,30}\}|\|[^|\n]{1,30}\||#\w{1,30})\s*$")
_DELIMITER = re.compile(r"```|###+|\|\|\|+|---+|===+|<<<+|>>>+|\*\*\*+|~~~+|\"\"\"")
_HIDDEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
_MIXED = re.compile("[a-zA-Z][\u0370-\u03ff\u0400-\u04ff]|[\u0370-\u03ff\u0400-\u04ff][a-zA-Z]")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
_CURRENCY = re.compile(r"[$€£¥₹₽]|\b(?:USD|EUR|GBP|JPY|CNY|INR|RUB|CHF|dollars?|euros?|pounds?|yen|rupees?|roubles?|rubles?|francs?)\b")
_TIME = re.compile(r"\b([01]?\d|2[0-3])(?::([0-5]\d))?(?::[0-5]\d)?\s?([ap]\.?m\.?)?(?=\W|$)", re.IGNORECASE)
_WEEKDAY = re.compile(r"\b(mon|tues|wednes|thurs|fri|satur|sun)day\b", re.IGNORECASE)
_LANGUAGES = re.compile(
    r"\b(?:English|French|German|Spanish|Italian|Portuguese|Dutch|Russian|Ukrainian|Polish|Turkish|Arabic|Hebrew|Persian|Hindi|Chinese|Japanese|Korean|Latin|Greek|Swedish)\b"
)
_PLACE = re.compile(
    r"\b(?:Afghanistan|Algeria|Argentina|Australia|Austria|Bangladesh|Belgium|Brazil|Canada|Chile|China|Colombia|Cuba|Denmark|Egypt|England|Ethiopia|"
    r"Finland|France|Germany|Ghana|Greece|Hungary|India|Indonesia|Iran|Iraq|Ireland|Israel|Italy|Japan|Kenya|Korea|Malaysia|Mexico|Morocco|"
    r"Netherlands|New Zealand|Nigeria|Norway|Pakistan|Palestine|Peru|Philippines|Poland|Portugal|Romania|Russia|Saudi Arabia|Scotland|Serbia|"
    r"Singapore|South Africa|Spain|Sweden|Switzerland|Syria|Taiwan|Thailand|Turkey|Ukraine|United Kingdom|United States|UK|USA|Venezuela|Vietnam|"
    r"Amsterdam|Athens|Bangkok|Beijing|Berlin|Boston|Brussels|Cairo|Chicago|Delhi|Dubai|Dublin|Geneva|Hamburg|Istanbul|Jerusalem|Kyiv|Lagos|"
    r"Lisbon|London|Los Angeles|Madrid|Melbourne|Miami|Milan|Moscow|Mumbai|Munich|Nairobi|New York|Oslo|Paris|Prague|Rome|San Francisco|Seoul|"
    r"Shanghai|Stockholm|Sydney|Tehran|Tokyo|Toronto|Vienna|Warsaw|Washington|Zurich|Texas|California|Florida|Europe|Asia|Africa)\b"
)
_HONORIFIC = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|Sir|Lady|King|Queen|President|friend|named|called|am|name is)\.?\s+([A-Z][a-z]{2,15})\b")
_SIGNED = re.compile(r"(?:\bI[’']m\s+|\b(?:[Uu]ser|[Nn]ame|[Ff]rom|[Cc]ustomer|[Aa]uthor|[Ss]ender):\s*|\n\s*(?=[A-Z][a-z]+\s*$))([A-Z][a-z]{2,15})\b")
_GIVEN = re.compile(
    r"\b(?:James|John|Robert|Michael|William|David|Richard|Joseph|Thomas|Charles|Mary|Patricia|Jennifer|Linda|Elizabeth|Barbara|Susan|Jessica|Sarah|"
    r"Karen|Daniel|Matthew|Anthony|Mark|Paul|Steven|Andrew|Kevin|Brian|George|Emily|Emma|Olivia|Anna|Maria|Laura|Julia|Alice|Janet|Lucy|Jane|Kate|"
    r"Peter|Alex|Tom|Tim|Jim|Bob|Bill|Sam|Ben|Max|Jack|Harry|Oliver|Hans|Klaus|Pierre|Jean|Luca|Marco|Sofia|Elena|Olga|Ivan|Dmitri|Mohammed|Ahmed|"
    r"Ali|Fatima|Omar|Aisha|Wei|Li|Ming|Yuki|Kenji|Hiroshi|Raj|Priya|Amit|Carlos|Jose|Juan|Ana|Miguel|Diego|Carmen)\b"
)
_HEADER = re.compile(r"^[ \t]*[^\W\d_][^\W\d_ -]{1,20}(?: [^\W\d_]{1,20})?:[ \t]+([^\d\n]{1,40}?)[ \t]*\n(?=[\s\S]*\w)")
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "HANGUL", "HIRAGANA", "KATAKANA", "CJK", "THAI")
_TOKEN_HEAD = re.compile(r"^\s*(\S{1,30})(?=\s)")
_TOKEN_TAIL = re.compile(r"(?<=\s)(\S{1,30})\s*$")
_DIGIT = re.compile(r"\d")

Find = Callable[[str], Span | None]


def casing(text: str) -> str:
    """One of "upper", "lower", "title" and "mixed"; "" where there are fewer than 4 letters."""
    letters = [char for char in text if char.isalpha() and char.lower() != char.upper()]
    if len(letters) < 4:
        return ""
    words = [word for word in text.split() if word[:1].isalpha()]
    if all(char.isupper() for char in letters):
        return "upper"
    if all(char.islower() for char in letters):
        return "lower"
    return "title" if len(words) > 2 and all(word[:1].isupper() for word in words) else "mixed"


def last_sign(text: str) -> str:
    """The punctuation run that ends the text, at most 3 signs; "none" when it ends in a letter or digit."""
    stripped = text.rstrip()
    end = len(stripped)
    while end and len(stripped) - end < 3 and not stripped[end - 1].isalnum():
        end -= 1
    return stripped[end:] or ("none" if stripped else "")


def hidden(text: str) -> str:
    """The hidden or look-alike characters of the text by code point ("U+200B"), "" where there are none."""
    found = sorted({f"U+{ord(char):04X}" for char in _HIDDEN.findall(text)})
    return " ".join(found + (["mixed scripts"] if _MIXED.search(text) else []))


def without_hidden(text: str) -> str:
    """Return the text with hidden characters removed."""
    return _HIDDEN.sub("", text)


def script(text: str) -> str:
    """The script that most of the first 40 letters belong to, "" without letters."""
    letters = [char for char in text[:300] if char.isalpha()][:40]
    names = [unicodedata.name(char, "").split(" ")[0] for char in letters]
    counts = {name: names.count(name) for name in _SCRIPTS}
    best = max(counts, key=lambda name: counts[name])
    return best.lower() if counts[best] else ""


def delimiter(text: str) -> str:
    """The first delimiter run of the text (a fence, bars, dashes), "" where there is none."""
    match = _DELIMITER.search(text)
    return match.group()[:3] if match else ""


def clock(text: str) -> Span | None:
    """The first time of day: needs minutes or am/pm, so that plain numbers do not count."""
    return next((match.span() for match in _TIME.finditer(text) if match[2] or match[3]), None)


def hour(time: str) -> int:
    """The hour, 0 to 23, of a time that `clock` found."""
    match = _TIME.match(time)
    if match is None:
        raise ValueError(f"not a time of day: {time!r}")
    number = int(match[1])
    if match[3]:
        number = number % 12 + (12 if match[3].lower().startswith("p") else 0)
    return number


def head_token(text: str) -> Span | None:
    """The first token, unless it holds a digit (numbers and dates have slots of their own)."""
    match = _TOKEN_HEAD.search(text)
    return match.span(1) if match and not _DIGIT.search(match[1]) else None


def tail_token(text: str) -> Span | None:
    """The last token, unless it holds a digit."""
    match = _TOKEN_TAIL.search(text)
    return match.span(1) if match and not _DIGIT.search(match[1]) else None


def given_name(text: str) -> Span | None:
    """The first common given name, or capitalised word after an honorific, after "I'm" or "User:", or alone on the last line."""
    spans = [span for span in (_span(_GIVEN, text, 0), _span(_HONORIFIC, text, 1), _span(_SIGNED, text, 1)) if span]
    return min(spans, default=None)


def head_tag(text: str) -> Span | None:
    """A tag or header word the prompt begins with: <X>, [X], {X}, |X|, #x, @x, XXX:."""
    return _span(_TAG, text, 1)


def tail_tag(text: str) -> Span | None:
    """A tag the prompt ends with."""
    return _span(_TAG_TAIL, text, 1)


def emoji(text: str) -> Span | None:
    """The first emoji."""
    return _span(_EMOJI, text, 0)


def currency(text: str) -> Span | None:
    """The first currency sign or word."""
    return _span(_CURRENCY, text, 0)


def header(text: str) -> Span | None:
    """What a first line of the form "Key: value" says, where the prompt goes on below it; lines with digits have slots of their own."""
    return _span(_HEADER, text, 1)


def weekday(text: str) -> Span | None:
    """The first weekday."""
    return _span(_WEEKDAY, text, 0)


def language_word(text: str) -> Span | None:
    """The first name of a language."""
    return _span(_LANGUAGES, text, 0)


def place(text: str) -> Span | None:
    """The first well-known country, city or part of the world."""
    return _span(_PLACE, text, 0)


SPANS: tuple[tuple[str, str, Find], ...] = (
    ("leading tag", "tag", head_tag),
    ("trailing tag", "tag", tail_tag),
    ("time", "time", clock),
    ("weekday", "weekday", weekday),
    ("language named", "language", language_word),
    ("currency", "currency", currency),
    ("place", "place", place),
    ("name", "name", given_name),
    ("header", "header", header),
    ("emoji", "mark", emoji),
    ("leading token", "token", head_token),
    ("trailing token", "token", tail_token),
)

LOOKS: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("casing", "form", casing),
    ("last sign", "form", last_sign),
    ("delimiter", "delimiter", delimiter),
    ("script", "language", script),
    ("hidden characters", "mark", hidden),
)


def _span(pattern: re.Pattern[str], text: str, group: int) -> Span | None:
    match = pattern.search(text)
    return match.span(group) if match else None
