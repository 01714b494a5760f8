"""Three readings of one list of recommendations, because recipes differ in whether they bring back what a user knows.

A campaign is asked once for 500 items, without a filter; the readings are made here.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from contract.results import View
from evaluation.metrics import DEPTH

ASKED = 500
"""Items requested in the one call per user (the service's maximum)."""


@dataclass(frozen=True, kw_only=True)
class Views:
    """At most 25 item ids each, best first."""

    returned: list[str]
    """The first 25, as they came."""
    reranked: list[str]
    """Those 25, the items of the user's past moved behind the others: how the service's published figures were made."""
    unseen: list[str]
    """The first 25 of the 500 that are not in the user's past. May be short: missing places count as wrong."""

    @property
    def short(self) -> bool:
        """Whether fewer than 25 unseen items came back."""
        return len(self.unseen) < DEPTH

    def of(self, view: View) -> list[str]:
        """The reading of that name."""
        return {"returned": self.returned, "reranked": self.reranked, "unseen": self.unseen}[view]


def views(ranked: Sequence[str], past: Set[str], *, depth: int = DEPTH) -> Views:
    """The readings of a list (best first, at most 500) for a user whose past holds the item ids `past`.

    >>> made = views(["a", "b", "c"], {"a", "c"}, depth=2)
    >>> made.returned, made.reranked, made.unseen
    (['a', 'b'], ['b', 'a'], ['b'])
    """
    returned = list(ranked[:depth])
    new = [item for item in returned if item not in past]
    known = [item for item in returned if item in past]
    unseen = [item for item in ranked[:ASKED] if item not in past][:depth]
    return Views(returned=returned, reranked=new + known, unseen=unseen)
