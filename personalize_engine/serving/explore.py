"""Exploration: new items that little is known of are now and then scored as what they might turn out to be.

Thompson sampling (Chapelle, Li: "An Empirical Evaluation of Thompson Sampling", NIPS 2011): an uncertain item is scored
by a draw from what is believed of it, so it is shown about as often as it may be among the best. The belief is about
the log of the item's share for this user, normal, and joins two sources by their precision (empirical Bayes: Efron,
Morris: "Stein's Estimation Rule and its Competitors", JASA 1973):

- what the model says, the more trusted the more interactions the item has: r = n / (n + HALF_TRUSTED);
- what is known of any item before its first interaction: its log-share will be one like those of the catalogue's older
  items, which have mean m and variance v. What the model says of the item beside other new ones (from its metadata)
  shifts that mean: the lead.

The draw then has the mean r * model + (1 - r) * (m + lead) and the variance (1 - r) * v: an item without interactions
competes like any other of the catalogue, one with many is scored as by the model. The draw is used with probability
`weight`, item by item and request by request; otherwise the model's own score stands.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HALF_TRUSTED = 15
"""Interactions after which the model's word counts half: what cold_start_max_interactions takes to be few."""
_LOW = 1e-3
"""Times an equal share: older items below it, e.g. those that a user will hardly ask for again, count as so much."""
_LOWEST = 1e-30


def explored(
    scores: NDArray[np.float32],
    *,
    counts: NDArray[np.integer],
    age_days: NDArray[np.floating],
    weight: float,
    cutoff_days: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """(n,) scores of one request with some items explored; in [0, 1], summing to 1 over the items that have one.

    `scores` (n,): shares of all items, summing to 1; NaN where the model cannot tell. `counts` (n,): interactions of
    each item. `age_days` (n,): age of each item at the newest interaction of the data. `weight` in [0, 1]: 0 explores
    nothing and gives back the same scores. Items older than `cutoff_days` are never explored. Where all scores are NaN
    there is nothing to compare new items with, and they are given back as they are.
    """
    known = ~np.isnan(scores)
    young = np.flatnonzero(age_days <= cutoff_days)
    chosen = young[rng.random(len(young)) < weight]
    if not len(chosen) or not known.any():
        return scores
    older = scores[known & (age_days > cutoff_days)]
    typical = np.log(np.maximum(older if len(older) > 1 else scores[known], _LOW / len(scores)))

    distrust = HALF_TRUSTED / (counts[young] + HALF_TRUSTED)
    own = np.log(np.maximum(scores[young], _LOWEST))
    told = ~np.isnan(own)
    new_ones = np.average(own[told], weights=distrust[told]) if told.any() else 0.0
    lead = np.where(told, own - new_ones, 0)
    distrust = np.where(told, distrust, 1)
    believed = (1 - distrust) * np.where(told, own, 0) + distrust * (typical.mean() + lead)
    spread = np.sqrt(distrust * typical.var())

    place = np.searchsorted(young, chosen)
    result = scores.astype(np.float64)
    result[chosen] = np.exp(believed[place] + spread[place] * rng.standard_normal(len(chosen)))
    return (result / np.nansum(result)).astype(np.float32)
