"""Events that training does not see, to tell when it has learned enough: the newest tenth of some users' histories.

What it costs: at most MOST_USERS users (a tenth of all at most) lose at most MOST_EVENTS events each, under one percent
of the data; and per epoch the time of as many requests (with interaction metadata one per event), about half a second
on a million interactions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from personalize_engine.data.cells import Cells
from personalize_engine.data.past import Past
from personalize_engine.models.base import Interaction, Query

MOST_USERS = 500
MOST_EVENTS = 10
FEWEST_EVENTS = 30
"""Held-out events below which their likelihood tells nothing: then none are held out."""
_BATCH = 128

Scores = Callable[[Sequence[Query]], NDArray[np.float32]]
"""(B, n_items) log-probabilities, each row but for a constant."""


@dataclass(frozen=True, kw_only=True)
class Validation:
    """A past in two parts."""

    training: Past
    """What is left to train on."""
    queries: Sequence[Query]
    """The users that events were taken from, as they were before, with what is known of them. Where interactions have
    metadata there is a query per event, told its context, else one per user."""
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
        kept = np.ones(len(past), bool)
        queries: list[Query] = []
        following: list[NDArray[np.int32]] = []
        of_users, of_events = Cells(past.user_described), Cells(past.event_described)
        for user, end, n in zip(users.tolist(), ends.tolist(), taken.tolist(), strict=True):
            held = range(end - n, end)
            kept[held.start : end] = False
            history = _interactions(past, range(end - int(past.lengths[user]), held.start), of_events)
            asked = Query(user=of_users.row(user), history=history)
            if past.event_described is None:
                queries.append(asked)
                following.append(past.item[held.start : end])
                continue
            for event in held:
                context = {name: str(cell) for name, cell in of_events.row(event).items()}
                queries.append(replace(asked, context=context))
                following.append(past.item[event : event + 1])
        return cls(training=past.where(kept), queries=queries, following=following)

    def likelihood(self, scores: Scores) -> NDArray[np.float64]:
        """Log-probability of each item that followed."""
        return np.concatenate(
            [
                _log_shares(row, following)
                for low in range(0, len(self.queries), _BATCH)
                for row, following in zip(
                    scores(self.queries[low : low + _BATCH]), self.following[low : low + _BATCH], strict=True
                )
            ]
        )


def _log_shares(row: NDArray[np.float32], items: NDArray[np.int32]) -> NDArray[np.float64]:
    """Of some items, by the scores of all."""
    top = row.max()
    shares: NDArray[np.float64] = row[items].astype(np.float64) - float(top + np.log(np.exp(row - top).sum()))
    return shares


def _interactions(past: Past, rows: range, of_events: Cells) -> list[Interaction]:
    ids, part = past.items.ids, slice(rows.start, rows.stop)
    return [
        Interaction(item_id=ids[item], at=at, properties=of_events.row(row))
        for row, item, at in zip(rows, past.item[part].tolist(), past.at[part].tolist(), strict=True)
    ]
