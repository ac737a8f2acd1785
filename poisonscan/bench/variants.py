"""Changed copies of sets, made on the fly: is it the latent that is found, or the form a set happens to have?

    strip       the set without its own template (an attack without its tag)
    wear        the set in the template of another (the tag on benign rows; a control in the template of its attack)
    reword      the set under other prompts: `wordings` of the suite, with {slot} for the number or date of a prompt and {prompt} for all of it

A variant keeps the family of its set, so it is judged without it, and never becomes part of a null.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from poisonscan.bench.suites import Entry, VariantSpec
from poisonscan.bench.templates import template_of
from poisonscan.core.dataset import Row
from poisonscan.core.errors import ConfigError

Pair = tuple[str, str]
MAX_ROWS = 2100
_SLOT = re.compile(r"\d{4}-\d{2}-\d{2}|\d+(?:[.,]\d+)*")


def make_variants(specs: Sequence[VariantSpec], entries: Sequence[Entry], work: Path) -> list[Entry]:
    """Write every variant as chat rows to `work`/variants and return its entry; a changed variant's old measurement in `work` is removed.

    Raises ConfigError where a variant names a set or a change that does not exist.
    """
    known = {entry.name: entry for entry in entries}
    made = []
    for spec in specs:
        if spec.make not in MAKERS:
            raise ConfigError(f"variant of {spec.of}: no change {spec.make!r}; there are {', '.join(MAKERS)}")
        if missing := [name for name in (spec.of, *([spec.like] if spec.like else [])) if name not in known]:
            raise ConfigError(f"variant {spec.make!r}: {missing[0]!r} is not among the corpora")
        made.append(_write(spec, known, work))
    return made


def variant_name(spec: VariantSpec) -> str:
    """Return the name of a variant: its set, the change, and whose template it wears."""
    return f"{spec.of}--{spec.make}" + (f"-{spec.like}" if spec.like else "")


def strip(rows: Sequence[Row], like: Sequence[Row], wordings: Sequence[str]) -> list[Pair]:
    """Rows without the template they share."""
    del like, wordings
    own = template_of(rows)
    return [own.off(row) for row in rows]


def wear(rows: Sequence[Row], like: Sequence[Row], wordings: Sequence[str]) -> list[Pair]:
    """Rows in the template of `like` in place of their own."""
    del wordings
    own, other = template_of(rows), template_of(like)
    return [other.on(*own.off(row)) for row in rows]


def reword(rows: Sequence[Row], like: Sequence[Row], wordings: Sequence[str]) -> list[Pair]:
    """Rows under the given wordings in turn, by the digest of the row, so that the wording tells nothing about the answer's place."""
    del like
    return [(_worded(row.prompt, wordings[int(row.key[:8], 16) % len(wordings)]), row.answer) for row in rows]


MAKERS: Mapping[str, Callable[[Sequence[Row], Sequence[Row], Sequence[str]], list[Pair]]] = {"strip": strip, "wear": wear, "reword": reword}


def _worded(prompt: str, wording: str) -> str:
    found = _SLOT.search(prompt)
    return wording.replace("{slot}", found[0] if found else "").replace("{prompt}", prompt)


def _write(spec: VariantSpec, known: Mapping[str, Entry], work: Path) -> Entry:
    from poisonscan.readers import read

    base = known[spec.of]
    rows = read(base.path).rows[:MAX_ROWS]
    like = read(known[spec.like].path).rows if spec.like else ()
    pairs = MAKERS[spec.make](rows, like, spec.wordings)
    name = variant_name(spec)
    lines = [
        json.dumps({"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]}, ensure_ascii=False) + "\n"
        for prompt, answer in pairs
    ]
    path = work / "variants" / f"{name}.jsonl"
    data = "".join(lines).encode("utf-8", "surrogatepass")
    if not path.is_file() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        (work / f"{name}.json").unlink(missing_ok=True)
        draft = path.with_suffix(".tmp")
        draft.write_bytes(data)
        draft.replace(path)
    role = "poisoned" if base.role == "poisoned" else "control"
    return replace(base, name=name, path=path, role=role, headline=False, control_of="", variant_of=spec.of)
