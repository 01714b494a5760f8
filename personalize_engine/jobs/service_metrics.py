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
from evaluation.metrics import DEPTH, coverage, rank_metrics, trend_prediction_accuracy
from personalize_engine.data.cells import Cells
from personalize_engine.data.past import Past
from personalize_engine.models.base import Interaction, Model, Query
from personalize_engine.models.trending import Trending
from personalize_engine.serving.rank import rank
from personalize_engine.serving.trained import fallback_order

TEST_USERS = 0.1
AT_ONCE = 1000
"""Users whose histories are held in memory at once: as objects they take far more than the arrays of a past."""
PER_USER = tuple(name for name in SERVICE_METRICS if name != "coverage")


@dataclass(frozen=True, kw_only=True)
class Split:
    """A past without the truth, and the truth."""

    train: Past
    held: Past
    """The test users' newest interactions."""
    users: NDArray[np.int64]
    """Row numbers of the test users."""

    @property
    def truth(self) -> list[set[str]]:
        """Item ids, for each of `users`."""
        ids = self.held.items.ids
        begins = (self.held.ends - self.held.lengths)[self.users].tolist()
        ends = self.held.ends[self.users].tolist()
        items = self.held.item.tolist()
        return [{ids[item] for item in items[begin:end]} for begin, end in zip(begins, ends, strict=True)]


def split(past: Past, *, seed: int, users: int | None = None) -> Split:
    """Draws the test users (default: a tenth) among those with at least two interactions.

    Vocabularies stay those of the whole past.
    """
    eligible = np.flatnonzero(past.lengths >= 2)
    count = max(1, round(TEST_USERS * len(eligible))) if users is None else users
    drawn = np.sort(np.random.default_rng(seed).choice(eligible, size=count, replace=False))
    kept = np.ones(len(past), bool)
    for user in drawn.tolist():
        end = int(past.ends[user])
        kept[end - future_count(int(past.lengths[user])) : end] = False
    return Split(train=past.where(kept), held=past.where(~kept), users=drawn)


def service_metrics(model: Model[Any], parts: Split, *, recipe: Recipe, catalogue: Set[str]) -> dict[str, float]:
    """Means over the test users; `coverage` is over all of their lists.

    A test user is asked about as a request does, with their row of the Users dataset and the metadata of their past
    interactions; without a context, as the guide speaks of none. Candidates are those of the recipe: items without
    interactions only where it recommends them, and no item is related to itself.
    """
    fallback = fallback_order(parts.train)
    candidates = np.flatnonzero(parts.train.item_counts) if recipe.cold_items == "never" else None
    lists = []
    for low in range(0, len(parts.users), AT_ONCE):
        queries = _queries(parts.train, parts.users[low : low + AT_ONCE], recipe)
        asked = [model.items.rows([] if query.item_id is None else [query.item_id]) for query in queries]
        rankings = rank(model, queries, fallback=fallback, k=DEPTH, candidates=candidates, exclude=asked)
        lists += [[model.items.ids[row] for row in ranking.rows.tolist()] for ranking in rankings]
    values = [rank_metrics(ranked, truth) for ranked, truth in zip(lists, parts.truth, strict=True)]
    metrics = {"coverage": coverage(lists, catalogue)}
    metrics |= {name: fsum(value[name] for value in values) / len(values) for name in PER_USER}
    if isinstance(model, Trending):
        metrics["trend_prediction_accuracy"] = trend_prediction_accuracy(lists[0], _increases(model, parts.held))
    return metrics


def _queries(past: Past, users: NDArray[np.int64], recipe: Recipe) -> list[Query]:
    """What is known of each of `users`."""
    of_users, of_events = Cells(past.user_described), Cells(past.event_described)
    ids = past.items.ids
    queries = []
    for user in users.tolist():
        begin, end = int(past.ends[user] - past.lengths[user]), int(past.ends[user])
        items, moments = past.item[begin:end].tolist(), past.at[begin:end].tolist()
        if recipe.question is Question.LAST_ITEM:
            queries.append(Query(item_id=ids[items[-1]]))
            continue
        history = [
            Interaction(item_id=ids[item], at=at, properties=of_events.row(row))
            for row, item, at in zip(range(begin, end), items, moments, strict=True)
        ]
        queries.append(Query(user_id=past.users.ids[user], user=of_users.row(user), history=history))
    return queries


def _increases(model: Trending, held: Past) -> dict[str, float]:
    """What items gained between the last two intervals of the held-out data."""
    scores = Trending.fit(held, model.parameters, seed=0).scores([Query()])[0]
    return {held.items.ids[row]: float(scores[row]) for row in np.flatnonzero(np.isfinite(scores)).tolist()}
