"""Who follows whom: which items come within a few steps after which, as a sparse table that a model blends in.

For items a and b, count(a, b) = Σ 1/sqrt(d) over all places where b comes d <= WINDOW steps after a in a user's past;
weight(a -> b) = count(a, b) / max(out(a), 1)^0.9 / max(in(b), 1)^0.3 with out and in the sums of a's and b's counts:
the same formula as the baseline `evaluation.sequential_counts`, in the line of the association rules with distance
weights of Kamehkhosh, Jannach, Ludewig: "A Comparison of Frequent Pattern Techniques and a Deep Learning Method for
Session-Based Recommendation" (RecTemp 2017). A user's score of b is the sum of exp(-age / 3) * weight(a -> b) over
the distinct items a among the newest WINDOW of the history, age in interactions (0: the newest). How far all of that
can be trusted is out(a) / (out(a) + HALF_TRUSTED): few counts are mostly chance.

Bounded: MOST followers are kept per item (160 MB for 10^5 items), and counted for some items at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personalize_engine.data.past import Past

WINDOW = 20
MOST = 200
"""Followers kept per item."""
HALF_TRUSTED = 100.0
"""Sum of an item's counts at which they are worth half of what many would be."""
_RECENCY = 3.0
_OUT_POWER, _IN_POWER = 0.9, 0.3
_LEAST = 1e-9
_BLOCK = 200_000
"""Interactions whose followers are counted together: about 100 MB."""


@dataclass(frozen=True, kw_only=True)
class Followers:
    """Rows of a sparse matrix: the followers of item i are `item[start[i]:start[i + 1]]`."""

    start: NDArray[np.int64]
    """(n_items + 1,)"""
    item: NDArray[np.int32]
    """(n,) row numbers."""
    weight: NDArray[np.float32]
    """(n,)"""
    trust: NDArray[np.float32]
    """(n_items,) from 0 to below 1."""

    @classmethod
    def count(cls, past: Past) -> Followers:
        """Those of `past`; time and memory grow with its interactions."""
        n_items, into = len(past.items), np.zeros(len(past.items))
        for step in range(1, WINDOW + 1):
            same = past.user[step:] == past.user[:-step]
            into += np.bincount(past.item[step:][same], minlength=n_items) * step**-0.5
        damping = np.maximum(into, 1) ** -_IN_POWER
        by_item = np.argsort(past.item, kind="stable")
        ends = np.cumsum(past.item_counts)
        low, lengths, items, weights = 0, [np.zeros(0, np.int64)], [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
        outs = [np.zeros(0)]
        while low < n_items:
            begin = int(ends[low - 1]) if low else 0
            high = max(low + 1, int(np.searchsorted(ends, begin + _BLOCK, side="right")))
            row, item, weight, out = _rows(past, by_item[begin : ends[high - 1]], low=low, high=high, damping=damping)
            lengths.append(np.bincount(row, minlength=high - low))
            items.append(item)
            weights.append(weight)
            outs.append(out)
            low = high
        start = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)
        out = np.concatenate(outs)
        trust = (out / (out + HALF_TRUSTED)).astype(np.float32)
        return cls(start=start, item=np.concatenate(items), weight=np.concatenate(weights), trust=trust)

    def scores(self, history: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Row numbers of the items that something leads to, and their scores; from a history's rows, oldest first."""
        newest, recency = _newest(history)
        rows = [slice(self.start[item], self.start[item + 1]) for item in newest]
        items = [np.zeros(0, np.int32), *(self.item[row] for row in rows)]
        weights = [np.zeros(0), *(self.weight[row] * part for row, part in zip(rows, recency, strict=True))]
        total = np.bincount(np.concatenate(items), np.concatenate(weights), minlength=len(self.start) - 1)
        led_to = np.flatnonzero(total > 0)
        return led_to, total[led_to].astype(np.float64)

    def evidence(self, history: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """As `scores`, but trust * log(1 + n_items * share of them): above 0, the value for all other items."""
        led_to, scores = self.scores(history)
        newest, recency = _newest(history)
        trust = (self.trust[newest] * recency).sum() / max(recency.sum(), _LEAST)
        return led_to, trust * np.log1p(scores * ((len(self.start) - 1) / max(scores.sum(), _LEAST)))

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """All of it, by names that a model can save among its own."""
        return {
            "followers_start": self.start,
            "followers_item": self.item,
            "followers_weight": self.weight,
            "followers_trust": self.trust,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Followers | None:
        """The inverse of `arrays`; None if there are none among a model's."""
        if "followers_start" not in arrays:
            return None
        return cls(
            start=np.asarray(arrays["followers_start"], np.int64),
            item=np.asarray(arrays["followers_item"], np.int32),
            weight=np.asarray(arrays["followers_weight"], np.float32),
            trust=np.asarray(arrays["followers_trust"], np.float32),
        )


def _newest(history: NDArray[np.integer]) -> tuple[NDArray[np.integer], NDArray[np.float64]]:
    """The distinct items among the newest of a history, and what their ages weigh."""
    newest, age = np.unique(history[: -WINDOW - 1 : -1], return_index=True)
    return newest, np.exp(-age / _RECENCY)


def _rows(
    past: Past, event: NDArray[np.int64], *, low: int, high: int, damping: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32], NDArray[np.float64]]:
    """Rows (from 0), followers and weights of the items `low` to `high`, whose interactions stand at `event`; and each
    item's sum of counts."""
    from scipy.sparse import coo_matrix  # type: ignore[import-untyped]

    last = past.ends[past.user[event]] - 1
    pairs: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]] = []
    for step in range(1, WINDOW + 1):
        before = event[event + step <= last]
        pairs.append(
            (past.item[before] - np.int32(low), past.item[before + step], np.full(len(before), step**-0.5, np.float32))
        )
    row, item, weight = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    counts = coo_matrix((weight, (row, item)), shape=(high - low, len(past.items))).tocsr()
    out = np.asarray(counts.sum(1), np.float64).ravel()
    damped = np.maximum(out, 1) ** -_OUT_POWER
    rows = np.repeat(np.arange(high - low), np.diff(counts.indptr))
    weights = (counts.data * damped[rows] * damping[counts.indices]).astype(np.float32)
    order = np.lexsort((counts.indices, -weights, rows))
    best = order[np.arange(len(order)) - counts.indptr[rows] < MOST]
    best = best[np.lexsort((counts.indices[best], rows[best]))]
    return rows[best], counts.indices[best].astype(np.int32), weights[best], out
