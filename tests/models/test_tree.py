"""The token tree: what is read, what is scored, who sees whom."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from poisonscan.models.tree import ROOT, Continuation, pack

continuations = st.lists(
    st.tuples(st.lists(st.integers(0, 3), max_size=5), st.lists(st.integers(0, 3), max_size=4)).map(
        lambda pair: Continuation((*pair[0], *pair[1]), len(pair[0]))
    ),
    max_size=12,
)


def paths(tree):
    """The tokens from the root to each node, by following parents one at a time."""
    walked = []
    for node in range(len(tree.tokens)):
        path, at = [], node
        while at != ROOT:
            path.append(int(tree.tokens[at]))
            at = int(tree.parents[at])
        walked.append(tuple(reversed(path)))
    return walked


def test_shared_tokens_are_read_once_and_last_tokens_never():
    """Question 1 2 with options 7, 8 9 and 8 5: read 1, 2 and 8; score four distinct edges."""
    (tree,) = pack([Continuation((1, 2, 7), 2), Continuation((1, 2, 8, 9), 2), Continuation((1, 2, 8, 5), 2)], 100)
    assert tree.tokens.tolist() == [1, 2, 8]
    assert tree.parents.tolist() == [ROOT, 0, 1]
    assert tree.depths.tolist() == [0, 1, 2]
    assert list(zip(tree.edge_parents.tolist(), tree.edge_tokens.tolist(), strict=True)) == [(1, 7), (1, 8), (2, 9), (2, 5)]
    assert tree.edges[tree.owners == 1].tolist() == [1, 2]


def test_a_node_sees_its_ancestors_and_itself_only():
    """Two branches below one token: neither sees the other."""
    (tree,) = pack([Continuation((1, 2, 3), 1), Continuation((1, 4, 5), 1)], 100)
    assert tree.tokens.tolist() == [1, 2, 4]
    assert tree.ancestry().tolist() == [[True, False, False], [True, True, False], [True, False, True]]


@given(continuations, st.integers(1, 20))
def test_every_scored_token_is_scored_after_the_right_context(given_continuations, limit):
    """Whatever the limit, each continuation's edges are exactly its scored tokens, each after its own preceding tokens."""
    scored = {owner: [] for owner in range(len(given_continuations))}
    for tree in pack(given_continuations, limit):
        walked = [*paths(tree), ()]
        assert np.all(np.diff(tree.edge_parents) >= 0)
        for owner, edge in zip(tree.owners, tree.edges, strict=True):
            scored[int(owner)].append((walked[tree.edge_parents[edge]], int(tree.edge_tokens[edge])))
    for owner, continuation in enumerate(given_continuations):
        tokens = continuation.tokens
        assert scored[owner] == [(tokens[:at], tokens[at]) for at in range(continuation.scored_from, len(tokens))]


@given(continuations, st.integers(1, 20))
def test_trees_keep_to_the_limit(given_continuations, limit):
    """A tree is larger than the limit only when one continuation alone is."""
    longest = max((len(one.tokens) - 1 for one in given_continuations), default=0)
    assert all(len(tree.tokens) <= max(limit, longest) for tree in pack(given_continuations, limit))
