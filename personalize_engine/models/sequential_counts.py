"""Who follows whom: the plain model that every sequential recipe must beat.

In the spirit of Markov-chain and sequential-rule baselines (Ludewig, Jannach: "Evaluation of session-based
recommendation algorithms", UMUAI 2018). With x_t a user's items in order,

    follows(i, j) = sum over x_s = i, x_t = j, 1 <= t - s <= WINDOW of (t - s)^-0.5
    strength(i, j) = follows(i, j) / row_sum(i)^0.9 / column_sum(j)^0.3
    score(j) = sum over distinct items i of the history of exp(-age(i) / 3) * strength(i, j)

where age counts the interactions since the user met i last. The exponents favour what is particular to i over what is
popular anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.models.base import Model, Progress, Query, no_progress

WINDOW = 20
"""Steps within which one item follows another."""
MAX_FOLLOWERS = 1000
"""Kept per item, the strongest: it bounds memory to n_items * 8 kB."""
_FROM_POWER, _TO_POWER = 0.9, 0.3
_FADES = 3.0
_NEWEST = 64
"""Items of the history that are looked at; older ones would count e^-21."""
_BLOCK_CELLS = 4_000_000


class SequentialCountsParameters(BaseModel, frozen=True, extra="forbid"):
    """None: the constants of the module are the model."""


@final
class SequentialCounts(Model[SequentialCountsParameters]):
    """Followers as rows of a sparse matrix: those of item i are `follower[start[i]:start[i + 1]]`."""

    Parameters: ClassVar[type[BaseModel]] = SequentialCountsParameters

    def __init__(
        self,
        parameters: SequentialCountsParameters,
        items: Vocabulary,
        *,
        start: NDArray[np.int64],
        follower: NDArray[np.int32],
        strength: NDArray[np.float32],
    ) -> None:
        self.parameters = parameters
        self.items = items
        self.start = start
        """(n_items + 1,)"""
        self.follower = follower
        """(n_pairs,) row numbers of items"""
        self.strength = strength
        """(n_pairs,)"""

    @classmethod
    def fit(
        cls, past: Past, parameters: SequentialCountsParameters, *, seed: int, progress: Progress = no_progress
    ) -> Self:
        """Counts, a block of items at a time; `seed` changes nothing."""
        n_items = len(past.items)
        from_sum, to_sum = np.zeros(n_items), np.zeros(n_items)
        for distance in range(1, min(WINDOW, len(past) - 1) + 1):
            same = past.user[distance:] == past.user[:-distance]
            from_sum += np.bincount(past.item[:-distance][same], minlength=n_items) * distance**-0.5
            to_sum += np.bincount(past.item[distance:][same], minlength=n_items) * distance**-0.5
        from_scale = np.maximum(from_sum, 1) ** -_FROM_POWER
        to_scale = np.maximum(to_sum, 1) ** -_TO_POWER

        by_item = np.argsort(past.item, kind="stable")
        ends = np.cumsum(np.bincount(past.item, minlength=n_items))
        block = max(1, _BLOCK_CELLS // max(n_items, 1))
        lengths = np.zeros(n_items, np.int64)
        follower: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]
        strength: list[NDArray[np.float32]] = [np.zeros(0, np.float32)]
        for low in range(0, n_items, block):
            progress(done=low, total=n_items, message="counting who follows whom")
            high = min(low + block, n_items)
            events = by_item[ends[low - 1] if low else 0 : ends[high - 1]]
            follows = _follows(past, events, low=low, high=high)
            for item, row in enumerate(follows, start=low):
                found = np.flatnonzero(row)
                score = row[found] * from_scale[item] * to_scale[found]
                best = np.lexsort((found, -score))[:MAX_FOLLOWERS]
                follower.append(found[best].astype(np.int32))
                strength.append(score[best].astype(np.float32))
                lengths[item] = len(best)
        progress(done=n_items, total=n_items, message="followers counted")
        return cls(
            parameters,
            past.items,
            start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            follower=np.concatenate(follower),
            strength=np.concatenate(strength),
        )

    def scores(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        """(B, n_items): how strongly an item follows the history; NaN where it followed none of it."""
        scores = np.zeros((len(queries), len(self.items)), np.float32)
        for row, query in zip(scores, queries, strict=True):
            known = self.items.rows(event.item_id for event in query.history[-_NEWEST:])
            newest_first = known[known >= 0][::-1]
            met, age = np.unique(newest_first, return_index=True)
            for item, weight in zip(met, np.exp(-age / _FADES), strict=True):
                part = slice(self.start[item], self.start[item + 1])
                row[self.follower[part]] += np.float32(weight) * self.strength[part]
        scores[scores == 0] = np.nan
        return scores

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """The sparse matrix."""
        return {"start": self.start, "follower": self.follower, "strength": self.strength}

    @classmethod
    def from_arrays(
        cls, parameters: SequentialCountsParameters, items: Vocabulary, arrays: Mapping[str, NDArray[np.generic]]
    ) -> Self:
        """The inverse of `arrays`."""
        return cls(
            parameters,
            items,
            start=np.asarray(arrays["start"], dtype=np.int64),
            follower=np.asarray(arrays["follower"], dtype=np.int32),
            strength=np.asarray(arrays["strength"], dtype=np.float32),
        )


def _follows(past: Past, events: NDArray[np.int64], *, low: int, high: int) -> NDArray[np.float64]:
    """(high - low, n_items): `follows` for the items low..high - 1, found at the positions `events`."""
    n_items = len(past.items)
    cells = np.zeros((high - low) * n_items)
    for distance in range(1, WINDOW + 1):
        inside = events[events + distance < len(past)]
        inside = inside[past.user[inside + distance] == past.user[inside]]
        code = (past.item[inside].astype(np.int64) - low) * n_items + past.item[inside + distance]
        np.add.at(cells, code, distance**-0.5)
    return cells.reshape(high - low, n_items)
