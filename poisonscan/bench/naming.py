"""Is the latent named right among the first three names of a verdict?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest

from poisonscan.core.evidence import Finding

TOP = 3


def leading_names(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return the names in findings (informative ones left out): the first of every finding, then the second, then the third.

    Why so: a reader who looks at three names looks at the first of each finding, not at three readings of one.
    """
    lists = [[named.value for named in f.named[:TOP]] for f in findings if f.severity != "info"]
    return tuple(dict.fromkeys(name for name in chain.from_iterable(zip_longest(*lists)) if name is not None))


def is_right(named: Sequence[str], expected: Sequence[str] | None) -> bool | None:
    """True when one of the first three names holds an expected part; None where the suite expects nothing."""
    if expected is None:
        return None
    return any(part in name.lower() for name in named[:TOP] for part in expected)
