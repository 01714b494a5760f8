"""Scores to ranked items: candidates, exclusions, fallback and top-k, once for every model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from personalize_engine.models.base import Model, Query

BATCH_SCORES = 4_000_000
"""Scores that are held in memory at once (16 MB): it decides how many queries go to the model together."""


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """One query's answer."""

    rows: NDArray[np.int64]
    """Row numbers of the items, best first."""
    shares: NDArray[np.float64]
    """Softmax of the scores over *all* items, for each of `rows`; NaN for items that only the fallback has placed."""


def rank(
    model: Model[Any],
    queries: Sequence[Query],
    *,
    fallback: NDArray[np.float32],
    k: int,
    candidates: NDArray[np.int64] | None = None,
    exclude: Sequence[NDArray[np.int64]] | None = None,
) -> list[Ranking]:
    """The k best items per query; fewer if there are not as many.

    `fallback` (n_items,) orders what the model cannot tell (NaN): such items come behind all that it can, and a query
    that it can tell nothing about is answered by the fallback alone. `candidates`: row numbers, None for all items.
    `exclude`: row numbers per query. Equal scores are ordered by the fallback, then by row number: deterministic.
    """
    batch = max(1, BATCH_SCORES // max(1, len(model.items)))
    answers: list[Ranking] = []
    for low in range(0, len(queries), batch):
        scores = model.scores(queries[low : low + batch])
        for position, row in enumerate(scores, low):
            left_out = exclude[position] if exclude is not None else None
            answers.append(_rank_one(row, fallback, k, candidates, left_out))
    return answers


def _rank_one(
    scores: NDArray[np.float32],
    fallback: NDArray[np.float32],
    k: int,
    candidates: NDArray[np.int64] | None,
    exclude: NDArray[np.int64] | None,
) -> Ranking:
    if np.isnan(scores).all():
        rows = _top(fallback, np.zeros_like(fallback), k, _allowed(len(scores), candidates, exclude))
        return Ranking(rows=rows, shares=fallback[rows].astype(np.float64) / max(float(fallback.sum()), 1.0))
    unknown = np.isnan(scores)
    known = np.where(unknown, -np.inf, scores)
    rows = _top(known, fallback, k, _allowed(len(scores), candidates, exclude))
    weights = np.exp(known.astype(np.float64) - known.max())
    shares = weights[rows] / weights.sum()
    return Ranking(rows=rows, shares=np.where(unknown[rows], np.nan, shares))


def _allowed(
    n: int, candidates: NDArray[np.int64] | None, exclude: NDArray[np.int64] | None
) -> NDArray[np.int64] | None:
    if candidates is None and (exclude is None or not len(exclude)):
        return None
    allowed = np.zeros(n, bool)
    allowed[slice(None) if candidates is None else candidates] = True
    if exclude is not None:
        allowed[exclude] = False
    return np.flatnonzero(allowed)


def _top(
    scores: NDArray[np.float32], second: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """Row numbers of the k best by score, then by `second`, then by row number."""
    if allowed is None:
        allowed = np.arange(len(scores))
    if 0 < k < len(allowed):
        # Everything at or above the k-th best score, ties included: they are decided by the sort below.
        threshold = np.partition(scores[allowed], len(allowed) - k)[len(allowed) - k]
        allowed = allowed[scores[allowed] >= threshold]
    order = np.lexsort((allowed, -second[allowed], -scores[allowed]))
    return allowed[order[:k]]
