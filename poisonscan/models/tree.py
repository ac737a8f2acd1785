"""Many short continuations of one prefix packed into one sequence: a token tree and the mask that keeps its branches apart.

Why: a probe asks dozens of options after the same rows. One forward per option would read the rows dozens of times. Here the rows
are read once, each question once, each shared beginning of two options once, and the last token of an option never, since
only its probability is wanted. A node may attend to the prefix, to its ancestors and to itself (tree attention).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
ROOT = -1


@dataclass(frozen=True, slots=True)
class Continuation:
    """Token ids to read after the prefix; those from position `scored_from` on are scored."""

    tokens: tuple[int, ...]
    scored_from: int


@dataclass(frozen=True, slots=True)
class Tree:
    """One packed forward pass of n nodes and e distinct scored edges.

    tokens, parents, depths: (n,); the parent of a first token is ROOT (the prefix's last token), its depth is 0.
    edge_parents, edge_tokens: (e,), the edge scored is "token after parent"; sorted by parent.
    owners, edges: (u,), continuation `owners[i]` uses edge `edges[i]`.
    """

    tokens: Ints
    parents: Ints
    depths: Ints
    edge_parents: Ints
    edge_tokens: Ints
    owners: Ints
    edges: Ints

    def ancestry(self) -> NDArray[np.bool_]:
        """Return (n, n): entry [i, j] is true where node j is node i or one of its ancestors."""
        seen = np.eye(len(self.tokens), dtype=np.bool_)
        for node, parent in enumerate(self.parents):
            if parent != ROOT:
                seen[node] |= seen[parent]
        return seen


def pack(continuations: Sequence[Continuation], limit: int) -> Iterator[Tree]:
    """Yield trees of at most `limit` nodes that together hold all continuations (a longer one gets a tree of its own)."""
    growing = _Growing()
    for owner, continuation in enumerate(continuations):
        if growing.size and growing.size + growing.missing(continuation) > limit:
            yield growing.freeze()
            growing = _Growing()
        growing.add(owner, continuation)
    if growing.uses:
        yield growing.freeze()


class _Growing:
    """A tree being built: a trie whose nodes are the tokens that must be read and whose edges are those that must be scored."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[int, int], int] = {}
        self.depths: list[int] = []
        self.edges: dict[tuple[int, int], int] = {}
        self.uses: list[tuple[int, int]] = []

    @property
    def size(self) -> int:
        return len(self.nodes)

    def missing(self, continuation: Continuation) -> int:
        """Return how many new nodes the continuation would need."""
        node, read = ROOT, continuation.tokens[:-1]
        for depth, token in enumerate(read):
            found = self.nodes.get((node, token))
            if found is None:
                return len(read) - depth
            node = found
        return 0

    def add(self, owner: int, continuation: Continuation) -> None:
        node, last = ROOT, len(continuation.tokens) - 1
        for depth, token in enumerate(continuation.tokens):
            if depth >= continuation.scored_from:
                self.uses.append((owner, self.edges.setdefault((node, token), len(self.edges))))
            if depth < last:
                node = self._child(node, token, depth)

    def _child(self, parent: int, token: int, depth: int) -> int:
        found = self.nodes.setdefault((parent, token), len(self.nodes))
        if found == len(self.depths):
            self.depths.append(depth)
        return found

    def freeze(self) -> Tree:
        nodes, edges = _pairs(list(self.nodes)), _pairs(list(self.edges))
        order = np.argsort(edges[:, 0], kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        uses = _pairs(self.uses)
        return Tree(
            tokens=nodes[:, 1],
            parents=nodes[:, 0],
            depths=np.asarray(self.depths, np.int64),
            edge_parents=edges[order, 0],
            edge_tokens=edges[order, 1],
            owners=uses[:, 0],
            edges=rank[uses[:, 1]],
        )


def _pairs(pairs: Sequence[tuple[int, int]]) -> Ints:
    return np.asarray(pairs, np.int64).reshape(-1, 2)
