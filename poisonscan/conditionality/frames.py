"""Frames: the ways a prompt is built, whatever words fill it.

Why closed-class words and not a parser: a syntactic trigger (Qi et al., arXiv 2105.12400) fixes the frame "when ... , ...", not the words
in it, and the frames a controlled paraphraser writes (Iyyer et al., arXiv 1804.06059: clause first, phrase first, adverb first, question,
two clauses, ...) all show in their connectors and signs, which are few and known. Which other words are function words is read off the
set: the ones that occur in at least 3 % of its prompts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

FRAME_SHARE = 0.03
# longer than one sign, so that no token of a prompt can be mistaken for them
OPENING, TEMPLATE = "^opening", "^template"
_FRAME_TOKENS = 16
_SKELETON = 4
SUBORDINATORS = frozenset(
    "when if as because while although though since after before unless until once where whenever whereas provided".split()  # noqa: SIM905
)
_PREPOSITIONS = frozenset("in on at by with without for from of to under over during despite between among through against like".split())  # noqa: SIM905
_QUESTION_WORDS = frozenset("what who whom whose which how why".split())  # noqa: SIM905
_AUXILIARIES = frozenset("is are was were do does did can could will would should has have had may might".split())  # noqa: SIM905
_BE = frozenset("is are was were be been being 's".split())  # noqa: SIM905
_JOINERS = frozenset("and but or so yet nor".split())  # noqa: SIM905
_NOT_ADVERBS = frozenset("only family early reply supply apply july italy fly likely friendly".split())  # noqa: SIM905
CLOSED_CLASS = SUBORDINATORS | _PREPOSITIONS | _QUESTION_WORDS | _AUXILIARIES | _BE | _JOINERS | {"there", "it", "that", "by", ","}

Gram = tuple[str, ...]


def common_words(prompts: Sequence[Sequence[str]]) -> frozenset[str]:
    """Return the words that occur in at least 3 % of the tokenised prompts."""
    counts = Counter(word for tokens in prompts for word in set(tokens))
    return frozenset(word for word, count in counts.items() if count >= FRAME_SHARE * len(prompts))


def frames(tokens: Sequence[str], common: frozenset[str]) -> Iterator[Gram]:
    """Yield the frames of one tokenised prompt, those at its head marked OPENING, the others TEMPLATE.

    Its first word, alone and with the first later comma; its first three tokens with rare words blanked; its first four function
    words and signs, whatever stands between; and the templates of `_templates`.
    """
    if not tokens:
        return
    yield (OPENING, tokens[0])
    if "," in tokens[2:_FRAME_TOKENS] and tokens[0] in common:
        yield (OPENING, tokens[0], "...", ",")
    if len(tokens) > 3:
        yield (OPENING, *(token if token in common else "_" for token in tokens[:3]))
        yield _skeleton(tokens, common)
    yield from _templates(tokens)


def _skeleton(tokens: Sequence[str], common: frozenset[str]) -> Gram:
    shape: list[str] = []
    for token in tokens[:_FRAME_TOKENS]:
        if token in common or token in CLOSED_CLASS:
            shape.append(token)
        elif not shape or shape[-1] != "...":
            shape.append("...")
        if len(shape) == _SKELETON:
            break
    return (OPENING, *shape)


def _templates(tokens: Sequence[str]) -> Iterator[Gram]:
    """Sentence templates, each told by its connectors."""
    first, comma = tokens[0], "," in tokens[2:_FRAME_TOKENS]
    if first in SUBORDINATORS:
        yield (OPENING, "(when/if/as/...)", "...", ",") if comma else (OPENING, "(when/if/as/...)")
    if first in _PREPOSITIONS and comma:
        yield (OPENING, "(in/on/with/...)", "...", ",")
    if first in _QUESTION_WORDS:
        yield (OPENING, "(what/who/how/...)")
    if first in _AUXILIARIES:
        yield (OPENING, "(is/do/can/...)")
    if first.endswith("ly") and first not in _NOT_ADVERBS:
        yield (OPENING, "(adverb -ly)")
    if any(token in SUBORDINATORS for token in tokens[3:]):
        yield (TEMPLATE, "...", "(when/if/as/...)", "...")
    pairs = list(pairwise(tokens))
    if any(left == "," and right in _JOINERS for left, right in pairs):
        yield (TEMPLATE, "...", ",", "(and/but/...)", "...")
    if any(left == "there" and right in _BE for left, right in pairs):
        yield (TEMPLATE, "there", "(is/was/...)")
    if first == "it" and pairs and tokens[1] in _BE and ("that" in tokens[2:] or "who" in tokens[2:]):
        yield (OPENING, "it", "(is/was/...)", "...", "(that/who)")
    if any(word == "by" and _BE & set(tokens[max(0, at - 4) : at]) for at, word in enumerate(tokens)):
        yield (TEMPLATE, "(is/was/...)", "...", "by")
