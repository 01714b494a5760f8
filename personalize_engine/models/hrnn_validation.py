"""Events that training does not see, to tell when it has learned enough: the newest tenth of some users' histories.

What it costs: at most MOST_USERS users (a tenth of all at most) lose at most MOST_EVENTS events each, under one percent
of the data; and per epoch the time of as many requests, about half a second on a million interactions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from personalize_engine.data.past import Past
from personalize_engine.models.base import Interaction, Query

MOST_USERS = 500
MOST_EVENTS = 10
FEWEST_EVENTS = 30
"""Held-out events below which their likelihood tells nothing: then none are held out."""
_BATCH = 128

Scores = Callable[[Sequence[Query]], NDArray[np.float32]]
"""(B, n_items) log-probabilities."""


@dataclass(frozen=True, kw_only=True)
class Validation:
    """A past in two parts."""

    training: Past
    """What is left to train on."""
    queries: Sequence[Query]
    """The users that events were taken from, as they were before. Only their histories: no metadata, no context."""
    following: Sequence[NDArray[np.int32]]
    """Row numbers of the items that followed, for each query."""

    @classmethod
    def of(cls, past: Past, *, seed: int) -> Self | None:
        """None if `past` is too small to spare any of it."""
        users = np.flatnonzero(past.lengths >= 3)
        rng = np.random.default_rng([seed, 2])
        users = np.sort(rng.permutation(users)[: min(MOST_USERS, len(past.users) // 10)])
        taken = np.minimum(-(-past.lengths[users] // 10), MOST_EVENTS)
        if taken.sum() < FEWEST_EVENTS:
            return None
        ends = past.ends[users]
        following = [past.item[end - n : end] for end, n in zip(ends, taken, strict=True)]
        kept = np.ones(len(past), bool)
        for end, n in zip(ends, taken, strict=True):
            kept[end - n : end] = False
        histories = (slice(e - past.lengths[u], e - n) for u, e, n in zip(users, ends, taken, strict=True))
        queries = [Query(history=_interactions(past, history)) for history in histories]
        return cls(training=past.where(kept), queries=queries, following=following)

    def likelihood(self, scores: Scores) -> NDArray[np.float64]:
        """Log-probability of each item that followed."""
        return np.concatenate(
            [
                row[following].astype(np.float64)
                for low in range(0, len(self.queries), _BATCH)
                for row, following in zip(
                    scores(self.queries[low : low + _BATCH]), self.following[low : low + _BATCH], strict=True
                )
            ]
        )


def _interactions(past: Past, rows: slice) -> list[Interaction]:
    ids = past.items.ids
    return [
        Interaction(item_id=ids[item], at=at)
        for item, at in zip(past.item[rows].tolist(), past.at[rows].tolist(), strict=True)
    ]
