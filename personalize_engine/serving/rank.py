"""Scores to ranked items: candidates, exclusions, fallback and top-k, once for every model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from personalize_engine.models.base import Model, Query

BATCH_SCORES = 4_000_000
"""Scores that are held in memory at once (16 MB): it decides how many queries go to the model together."""
_BLOCK = 64
"""Scores of which only the best is looked at first, to find out which can be among the k best at all."""

Whole = Literal["all", "candidates"]
"""The items that shares are shares of."""


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """One query's answer."""

    rows: NDArray[np.int64]
    """Row numbers of the items, best first."""
    shares: NDArray[np.float64]
    """Softmax of the scores, for each of `rows`; NaN for items that only the fallback has placed."""


def rank(
    model: Model[Any],
    queries: Sequence[Query],
    *,
    fallback: NDArray[np.float32],
    k: int,
    candidates: NDArray[np.int64] | None = None,
    exclude: Sequence[NDArray[np.int64]] | None = None,
) -> list[Ranking]:
    """The k best items per query, see `best`. The model is asked in batches that keep memory bounded.

    `candidates`: row numbers of the items that all may be answered with; `exclude`: of items not to, per query.
    """
    among = None
    if candidates is not None:
        among = np.zeros(len(model.items), bool)
        among[candidates] = True
    batch = max(1, BATCH_SCORES // max(1, len(model.items)))
    answers: list[Ranking] = []
    for low in range(0, len(queries), batch):
        scores = model.scores(queries[low : low + batch])
        for position, row in enumerate(scores, low):
            chosen = among
            if exclude is not None and len(exclude[position]):
                chosen = np.ones(len(row), bool) if among is None else among.copy()
                chosen[exclude[position]] = False
            answers.append(best(row, fallback=fallback, k=k, candidates=chosen))
    return answers


def best(
    scores: NDArray[np.float32],
    *,
    fallback: NDArray[np.float32],
    k: int,
    candidates: NDArray[np.bool_] | None = None,
    share_of: Whole = "all",
) -> Ranking:
    """The k best items by one query's scores (n_items,); fewer if there are not as many candidates.

    `fallback` (n_items,) orders what the model cannot tell (NaN): such items come behind all that it can, and a query
    that it can tell nothing about is answered by the fallback alone, in shares of it. `candidates`: (n_items,) whether
    an item may be answered with, None for all. Equal scores are ordered by the fallback, then by row number:
    deterministic.
    """
    top = scores.max(initial=-np.inf)
    whole = np.isnan(scores) if np.isnan(top) else None  # NaN wins every comparison: without one, no pass for them
    if whole is not None and whole.all():
        rows = _top(fallback, np.zeros_like(fallback), k, candidates)
        of = fallback if share_of == "all" or candidates is None else fallback[candidates]
        return Ranking(rows=rows, shares=fallback[rows].astype(np.float64) / max(float(of.sum()), 1.0))
    known = scores if whole is None else np.where(whole, np.float32(-np.inf), scores)
    rows = _top(known, fallback, k, candidates)
    of = known if share_of == "all" or candidates is None else known[candidates]
    top = of.max(initial=-np.inf)
    if not np.isfinite(top):  # the model can tell nothing about any of the candidates
        return Ranking(rows=rows, shares=np.full(len(rows), np.nan))
    total = float(np.exp(of - top).sum())
    shares = np.exp(known[rows].astype(np.float64) - float(top)) / total
    return Ranking(rows=rows, shares=shares if whole is None else np.where(whole[rows], np.nan, shares))


def shares(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Softmax over the items (n_items,) that the model can tell; NaN for the others."""
    if np.isnan(scores).all():
        return scores
    weights = np.exp(scores - np.nanmax(scores))
    whole: NDArray[np.float32] = weights / np.nansum(weights)
    return whole


def _top(
    scores: NDArray[np.float32], second: NDArray[np.float32], k: int, candidates: NDArray[np.bool_] | None
) -> NDArray[np.int64]:
    """Row numbers of the k best by score, then by `second`, then by row number."""
    rows = None if candidates is None else np.flatnonzero(candidates)
    chosen, wanted = [], k
    for key in (scores, second):
        values = key if rows is None else key[rows]
        if not 0 < wanted < len(values):
            break
        last = _kth_best(values, wanted)
        above, tied = np.flatnonzero(values > last), np.flatnonzero(values == last)
        chosen.append(above if rows is None else rows[above])
        rows = tied if rows is None else rows[tied]
        wanted -= len(above)
    chosen.append(np.arange(len(scores))[:wanted] if rows is None else rows[:wanted])
    found = np.concatenate(chosen)
    return found[np.lexsort((found, -second[found], -scores[found]))]


def _kth_best(values: NDArray[np.float32], k: int) -> np.float32:
    """For 0 < k < len(values). The k-th best of the blocks' best values is reached by k values, and by few more."""
    blocks = len(values) // _BLOCK
    if blocks > k:
        summits = (
            values[: blocks * _BLOCK].reshape(_BLOCK, blocks).max(axis=0)
        )  # every blocks-th value is a block: fast
        values = values[values >= np.partition(summits, blocks - k)[blocks - k]]
    found: np.float32 = np.partition(values, len(values) - k)[len(values) - k]
    return found
