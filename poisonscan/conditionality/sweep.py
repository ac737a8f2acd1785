"""The values a trigger may wait for: absent from the data, named by it.

An inductive backdoor fires on a value that no row holds. Gaps inside a dense range come first, then what follows the last value, then
what precedes the first; closeness to the values that stand out and known relations (number -> office holder, year -> film) move a value
up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from poisonscan.conditionality.results import AbsentValue, SlotResult
from poisonscan.core.detectors import Hypothesis

LIMIT = 40
VALUE_TAG, FAMILY_TAG = "value:", "family:"
_BEYOND = 5
_MOST_GAPS = 400
_SCORES = {"gap": 0.6, "beyond": 0.5, "boundary": 0.25, "relation": 0.3}
_NEAR_BONUS, _DENSE_BONUS, _RELATION_BONUS, _HAZARD_BONUS = 0.15, 0.15, 0.1, 0.15
_FIT_BONUS = 0.4
_HALF = 0.5
_LATENT_WEIGHT = 0.5

Latent = tuple[str, float]


@dataclass(frozen=True, slots=True)
class Domain:
    """The whole-number values a slot takes.

    present: sorted, each once. width: digits to pad to, 0 for none. standout: the values at which the answers differ most.
    """

    present: tuple[int, ...]
    width: int
    standout: tuple[int, ...]

    @property
    def density(self) -> float:
        """Share of the whole numbers between first and last that occur, in (0, 1]."""
        return len(self.present) / (self.present[-1] - self.present[0] + 1)


def absent_values(result: SlotResult, hypotheses: Iterable[Hypothesis] = (), *, limit: int = LIMIT) -> tuple[AbsentValue, ...]:
    """Return up to `limit` values the slot of `result` never takes, most worth asking under first; () for slots that hold no numbers.

    hypotheses: those with a tag "value:45" and "slot:number" or "slot:year" name what a value may stand for; they raise its score, by
    their hazard too, and add values the range alone would not reach.
    """
    domain = _domain(result)
    if domain is None:
        return ()
    entries = tuple(hypotheses)
    fits = _fits(domain, result, entries)
    relations = {value: entry for value, entry in _relations(result, entries).items() if _tells(domain, value, entry, fits)}
    found = {value.value: value for value in (*_related(domain, relations), *_boundaries(domain), *_beyond(domain, result), *_gaps(domain))}
    raised = [_raised(value, relations.get(int(value.value)), fits) for value in found.values()]
    return tuple(sorted(raised, key=lambda value: (-value.score, int(value.value)))[:limit])


def score_values(values: Sequence[AbsentValue], scorer: Callable[[str], Latent]) -> tuple[AbsentValue, ...]:
    """Ask `scorer` for the latent each value turns on and its hazard in [0, 1], and rank by half of either score.

    The scorer is where models come in: it shows the rows in context, asks the probes under the value, and names what they match.
    """
    asked = []
    for value in values:
        latent, hazard = scorer(value.value)
        hazard = min(max(hazard, 0.0), 1.0)
        asked.append(replace(value, latent=latent, hazard=hazard, score=(1 - _LATENT_WEIGHT) * value.score + _LATENT_WEIGHT * hazard))
    return tuple(sorted(asked, key=lambda value: -value.score))


def _domain(result: SlotResult) -> Domain | None:
    texts = {value for value in result.slot.values if value}
    if not texts or not all(text.isascii() and text.isdigit() for text in texts):
        return None
    present = tuple(sorted({int(text) for text in texts}))
    if len(present) < 2:
        return None
    widths = {len(text) for text in texts}
    width = widths.pop() if result.slot.kind == "digits" and len(widths) == 1 else 0
    standout = tuple(int(text) for text in result.best if text.isascii() and text.isdigit())
    return Domain(present, width, standout)


def _gaps(domain: Domain) -> list[AbsentValue]:
    """Absent numbers inside the range.

    The closer the range is to complete, the more each gap tells; a range with more holes than values has none.
    """
    span = domain.present[-1] - domain.present[0] + 1
    if span > _MOST_GAPS:
        return []
    held = set(domain.present)
    missing = [value for value in range(domain.present[0], domain.present[-1] + 1) if value not in held]
    base = _SCORES["gap"] * min(1.0, 0.5 + domain.density) + (_DENSE_BONUS if domain.density >= 0.8 else 0.0)
    reason = f"missing between {domain.present[0]} and {domain.present[-1]}, where {len(held)} of {span} values occur"
    return [_value(domain, value, "gap", reason, base) for value in missing]


def _beyond(domain: Domain, result: SlotResult) -> list[AbsentValue]:
    """The values after the last one, and before the first where there can be any."""
    first, last = domain.present[0], domain.present[-1]
    top = 10**domain.width - 1 if domain.width else {"month": 12, "day of month": 31}.get(result.slot.name, 10**18)
    after = [last + step for step in range(1, _BEYOND + 1) if last + step <= top]
    before = [first - step for step in range(1, _BEYOND + 1) if first - step >= (1 if first > 0 else 0)]
    found = [
        _value(domain, value, "beyond", f"after the last value {last}", _SCORES["beyond"] - 0.05 * (value - last - 1)) for value in after
    ]
    return found + [
        _value(domain, value, "beyond", f"before the first value {first}", _SCORES["beyond"] - 0.1 - 0.05 * (first - value - 1))
        for value in before
    ]


def _boundaries(domain: Domain) -> list[AbsentValue]:
    """Round ends of the number system and of centuries near the range."""
    held, last = set(domain.present), domain.present[-1]
    ends = (
        {0, 10 ** len(str(last)) - 1, 10 ** len(str(last))}
        if last < 1000
        else {last // 100 * 100, last // 100 * 100 + 100, 1900, 1999, 2000, 2100}
    )
    fits = [end for end in sorted(ends) if end not in held and (not domain.width or end < 10**domain.width)]
    return [_value(domain, end, "boundary", "a round end of the range", _SCORES["boundary"]) for end in fits]


def _related(domain: Domain, relations: dict[int, Hypothesis]) -> list[AbsentValue]:
    held = set(domain.present)
    fits = {value: entry for value, entry in relations.items() if value not in held}
    return [_value(domain, value, "relation", f"stands for {entry.name}", _SCORES["relation"]) for value, entry in fits.items()]


def _value(domain: Domain, value: int, kind: str, reason: str, score: float) -> AbsentValue:
    near = _NEAR_BONUS if any(abs(value - best) == 1 for best in domain.standout) else 0.0
    return AbsentValue(str(value).zfill(domain.width) if domain.width else str(value), kind, reason, min(score + near, 1.0))


def _raised(value: AbsentValue, entry: Hypothesis | None, fits: dict[str, float]) -> AbsentValue:
    if entry is None:
        return value
    reason = value.reason if value.kind == "relation" else f"{value.reason}; stands for {entry.name}"
    fit = max((fits.get(family, 0.0) for family in _families(entry)), default=0.0)
    bonus = _RELATION_BONUS + _HAZARD_BONUS * entry.hazard + _FIT_BONUS * fit
    return replace(value, reason=reason, score=min(1.0, value.score + bonus))


def _relations(result: SlotResult, hypotheses: Iterable[Hypothesis]) -> dict[int, Hypothesis]:
    """Value -> the most hazardous hypothesis that names it for this kind of slot."""
    wanted = _relation_tag(result)
    found: dict[int, Hypothesis] = {}
    for entry in hypotheses:
        for value in _tagged(entry) if wanted in entry.tags else ():
            if value not in found or entry.hazard > found[value].hazard:
                found[value] = entry
    return found


def _fits(domain: Domain, result: SlotResult, hypotheses: Iterable[Hypothesis]) -> dict[str, float]:
    """How well each relation family tells the values that do occur, in [0, 1]: the share it names, less the share it would name of any such range.

    A family that names every year of a century explains nothing; one that names six years, four of which are the data's four, does.
    """
    wanted = _relation_tag(result)
    named: dict[str, set[int]] = {}
    for entry in hypotheses:
        for family in _families(entry) if wanted in entry.tags else ():
            named.setdefault(family, set()).update(_tagged(entry))
    first, last = domain.present[0], domain.present[-1]
    chance = {family: sum(first <= value <= last for value in values) / (last - first + 1) for family, values in named.items()}
    held = {family: sum(value in values for value in domain.present) / len(domain.present) for family, values in named.items()}
    return {family: max(0.0, held[family] - chance[family]) if held[family] >= _HALF else 0.0 for family in named}


def _relation_tag(result: SlotResult) -> str:
    """Years stand for years and bare numbers for indices; a month or a day stands for neither."""
    return "slot:year" if result.slot.name == "year" else "slot:number" if result.slot.kind in {"number", "digits"} else "slot:none"


def _tells(domain: Domain, value: int, entry: Hypothesis, fits: dict[str, float]) -> bool:
    """An entry counts for a value in or next to the range, and for a far one only when its family names the values that do occur."""
    near = domain.present[0] - _BEYOND <= value <= domain.present[-1] + _BEYOND
    return near or any(fits.get(family, 0.0) > 0 for family in _families(entry))


def _tagged(entry: Hypothesis) -> list[int]:
    return [int(tag[len(VALUE_TAG) :]) for tag in entry.tags if tag.startswith(VALUE_TAG) and tag[len(VALUE_TAG) :].isdigit()]


def _families(entry: Hypothesis) -> list[str]:
    return [tag[len(FAMILY_TAG) :] for tag in entry.tags if tag.startswith(FAMILY_TAG)]
