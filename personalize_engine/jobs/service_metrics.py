"""The figures of GetSolutionMetrics, with the split that the service documents.

Nine of ten users train. For the tenth, the oldest 90 % of their interactions are the query and the newest 10 % the
truth. The service fits a second model for this; here **one** fit does both, on the nine tenths of the users *and* the
test users' oldest 90 %: it costs no second training, and the served model has learned from all but about 1 % of the
rows. The test users' tastes are thus known to the model, as they are to a campaign.

Source: Amazon Personalize developer guide, "Evaluating a solution version with metrics".
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.holdout import future_count
from contract.recipes import Question, Recipe
from contract.results import SERVICE_METRICS
from evaluation.metrics import DEPTH, coverage, rank_metrics
from personalize_engine.data.past import Past
from personalize_engine.models.base import Interaction, Model, Query
from personalize_engine.serving.rank import rank
from personalize_engine.serving.trained import fallback_order

TEST_USERS = 0.1
PER_USER = tuple(name for name in SERVICE_METRICS if name != "coverage")


@dataclass(frozen=True, kw_only=True)
class Split:
    """A past without the truth, and the truth."""

    train: Past
    users: NDArray[np.int64]
    """Row numbers of the test users."""
    truth: list[set[str]]
    """Item ids, for each of `users`."""


def split(past: Past, *, seed: int, users: int | None = None) -> Split:
    """Draws the test users (default: a tenth) among those with at least two interactions.

    Vocabularies stay those of the whole past.
    """
    eligible = np.flatnonzero(past.lengths >= 2)
    count = max(1, round(TEST_USERS * len(eligible))) if users is None else users
    drawn = np.sort(np.random.default_rng(seed).choice(eligible, size=count, replace=False))
    kept = np.ones(len(past), bool)
    truth = []
    for user in drawn.tolist():
        end = int(past.ends[user])
        start = end - future_count(int(past.lengths[user]))
        kept[start:end] = False
        truth.append({past.items.ids[item] for item in past.item[start:end].tolist()})
    return Split(train=past.where(kept), users=drawn, truth=truth)


def service_metrics(model: Model[Any], parts: Split, *, recipe: Recipe, catalogue: Set[str]) -> dict[str, float]:
    """Means over the test users; `coverage` is over all of their lists."""
    queries = [_query(parts.train, user, recipe) for user in parts.users.tolist()]
    rankings = rank(model, queries, fallback=fallback_order(parts.train), k=DEPTH)
    lists = [[model.items.ids[row] for row in ranking.rows.tolist()] for ranking in rankings]
    values = [rank_metrics(ranked, truth) for ranked, truth in zip(lists, parts.truth, strict=True)]
    means = {name: fsum(value[name] for value in values) / len(values) for name in PER_USER}
    return {"coverage": coverage(lists, catalogue), **means}


def _query(past: Past, user: int, recipe: Recipe) -> Query:
    end = int(past.ends[user])
    start = end - int(past.lengths[user])
    ids, items = past.items.ids, past.item[start:end].tolist()
    if recipe.question is Question.LAST_ITEM:
        return Query(item_id=ids[items[-1]])
    history = [Interaction(item_id=ids[i], at=at) for i, at in zip(items, past.at[start:end].tolist(), strict=True)]
    return Query(user_id=past.users.ids[user], history=history)
