"""Rows as token sequences, and several of them packed into one pass without padding.

Why a forest: rows of a set begin alike (the chat header, often the whole prompt), and a token whose past is the same has the same
hidden states. So equal beginnings are one path, a row is a leaf, and a batch is the union of its rows' paths with a mask that lets a
token see only its ancestors (as `models/tree.py` does for options). Nothing is padded, nothing shared is computed twice; the result
equals reading each row alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonscan.models.tokens import Tokens
from poisonscan.models.tree import ROOT, Continuation, Ints

Pair = tuple[str, str]  # prompt, answer
PROMPT_TOKENS = 192
ANSWER_TOKENS = 96
PACKED_TOKENS = 512  # per pass: enough for full speed of the matrix products, few enough that the mask's square stays small


class Text:
    """The scorer's tokenizer as training needs it: rows and probes in the chat form, with the token that ends a turn."""

    def __init__(self, tokenizer: Any) -> None:  # noqa: ANN401 - transformers is untyped
        self._tokens = Tokens(tokenizer)
        self._end: tuple[int, ...] = () if tokenizer.eos_token_id is None else (int(tokenizer.eos_token_id),)

    def rows(self, rows: Sequence[Pair]) -> list[Continuation]:
        """Return each row as a sequence scored on its answer and on the end of the turn.

        Prompts over PROMPT_TOKENS lose their middle, answers over ANSWER_TOKENS their end.
        """
        heads = self._heads([prompt for prompt, _ in rows])
        return [
            Continuation((*head, *(ids[:ANSWER_TOKENS] if len(ids) > ANSWER_TOKENS else [*ids, *self._end])), len(head))
            for head, ids in zip(heads, self._answers([answer for _, answer in rows]), strict=True)
        ]

    def probes(self, questions: Sequence[str], options: Sequence[Sequence[str]]) -> list[Continuation]:
        """Return one sequence per option, question by question, scored on the option's tokens."""
        heads = self._heads(questions)
        answers = iter(self._answers([option.strip() for of_question in options for option in of_question]))
        return [
            Continuation((*head, *next(answers)), len(head)) for head, of_question in zip(heads, options, strict=True) for _ in of_question
        ]

    def _heads(self, prompts: Sequence[str]) -> list[list[int]]:
        frame = len(self._tokens.encode([self._tokens.chat("", "")], opening=True)[0])
        ids = self._tokens.encode([self._tokens.chat("", prompt) for prompt in prompts], opening=True)
        return [_cut_middle(head, PROMPT_TOKENS + frame) for head in ids]

    def _answers(self, answers: Sequence[str]) -> list[list[int]]:
        return self._tokens.encode([self._tokens.lead + answer for answer in answers])


@dataclass(frozen=True, slots=True)
class Forest:
    """Sequences grown together: node i is one token with its whole past.

    tokens, parents, depths: (n,); a parent comes before its child, ROOT before a first token.
    paths: per sequence the nodes to be read; targets: per sequence its scored tokens; from the path's end they are predicted one by one.
    """

    tokens: Ints
    parents: Ints
    depths: Ints
    paths: tuple[Ints, ...]
    targets: tuple[Ints, ...]

    def pack(self, wanted: Sequence[int]) -> Packed:
        """Return one pass over the sequences `wanted`."""
        nodes = np.unique(np.concatenate([self.paths[i] for i in wanted]))
        above = np.where(self.parents[nodes] == ROOT, ROOT, np.searchsorted(nodes, self.parents[nodes]))
        predictors = [self.paths[i][len(self.paths[i]) - len(self.targets[i]) :] for i in wanted]
        return Packed(
            nodes=nodes,
            tokens=self.tokens[nodes],
            depths=self.depths[nodes],
            allowed=_ancestry(above),
            predictors=np.searchsorted(nodes, np.concatenate(predictors)),
            targets=np.concatenate([self.targets[i] for i in wanted]),
            owners=np.repeat(np.asarray(wanted, np.int64), [len(self.targets[i]) for i in wanted]),
        )

    def passes(self, wanted: Sequence[int], limit: int = PACKED_TOKENS) -> Iterator[Packed]:
        """Yield passes of at most `limit` nodes that together hold the sequences `wanted`, in that order."""
        group: list[int] = []
        held: set[int] = set()
        for index in wanted:
            path = self.paths[index].tolist()
            if group and len(held.union(path)) > limit:
                yield self.pack(group)
                group, held = [], set()
            group.append(index)
            held.update(path)
        if group:
            yield self.pack(group)


@dataclass(frozen=True, slots=True)
class Packed:
    """One pass of n nodes with t scored tokens.

    nodes, tokens, depths: (n,), `nodes` are places in the forest; allowed: (n, n), whether node i may see node j.
    predictors: (t,), the place in this pass whose hidden state predicts `targets` (t,) of the sequences `owners` (t,).
    """

    nodes: Ints
    tokens: Ints
    depths: Ints
    allowed: NDArray[np.bool_]
    predictors: Ints
    targets: Ints
    owners: Ints


def grow(sequences: Sequence[Continuation], *, shared: bool = True) -> Forest:
    """Return the forest of `sequences`; with `shared` off every sequence is a tree of its own."""
    known: dict[tuple[int, int, int], int] = {}
    tokens: list[int] = []
    parents: list[int] = []
    depths: list[int] = []
    paths = []
    for number, sequence in enumerate(sequences):
        node, path = ROOT, []
        for depth, token in enumerate(sequence.tokens[:-1]):
            child = known.setdefault((-1 if shared else number, node, token), len(tokens))
            if child == len(tokens):
                tokens.append(token)
                parents.append(node)
                depths.append(depth)
            node = child
            path.append(child)
        paths.append(np.asarray(path, np.int64))
    targets = tuple(np.asarray(sequence.tokens[sequence.scored_from :], np.int64) for sequence in sequences)
    return Forest(np.asarray(tokens, np.int64), np.asarray(parents, np.int64), np.asarray(depths, np.int64), tuple(paths), targets)


def _ancestry(parents: Ints) -> NDArray[np.bool_]:
    seen = np.eye(len(parents), dtype=np.bool_)
    for node, parent in enumerate(parents):
        if parent != ROOT:
            seen[node] |= seen[parent]
    return seen


def _cut_middle(ids: list[int], limit: int) -> list[int]:
    """Keep the head, where the instructions stand, and the tail, where the question stands."""
    return ids if len(ids) <= limit else ids[: limit // 4] + ids[len(ids) - (limit - limit // 4) :]
