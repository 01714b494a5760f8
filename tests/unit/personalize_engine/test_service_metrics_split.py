"""The split behind GetSolutionMetrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from contract.holdout import future_count
from contract.recipes import RECIPES
from contract.results import SERVICE_METRICS
from personalize_engine.data.features import Described
from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.jobs.service_metrics import service_metrics, split
from personalize_engine.models.base import Query
from personalize_engine.models.popularity import Popularity, PopularityParameters
from personalize_engine.models.trending import Trending, TrendingParameters


def past_of(lengths: list[int]) -> Past:
    """Users u0, u1, … with so many interactions, each with items of its own: u0-0, u0-1, …"""
    users = [f"u{user:03d}" for user, n in enumerate(lengths) for _ in range(n)]
    items = [f"u{user:03d}-{n:03d}" for user, count in enumerate(lengths) for n in range(count)]
    return Past.build(users, items, np.array([n for count in lengths for n in range(count)], np.int64))


@given(st.lists(st.integers(1, 30), min_size=2, max_size=40).filter(lambda lengths: max(lengths) >= 2))
def test_only_the_newest_of_a_tenth_of_the_users_is_held_out(lengths: list[int]) -> None:
    past = past_of(lengths)
    parts = split(past, seed=0)
    eligible = sum(n >= 2 for n in lengths)
    assert len(parts.users) == max(1, round(0.1 * eligible))
    held = 0
    for user, truth in zip(parts.users.tolist(), parts.truth, strict=True):
        n = lengths[user]
        assert truth == {f"u{user:03d}-{k:03d}" for k in range(n - future_count(n), n)}
        assert parts.train.lengths[user] == n - future_count(n) >= 1
        held += len(truth)
    assert len(parts.train) == len(past) - held
    assert parts.train.items is past.items


def test_the_service_s_metrics_and_coverage_of_the_whole_catalogue() -> None:
    rows = [(f"u{user:02d}", f"i{(user + step) % 30:02d}", step) for user in range(30) for step in range(10)]
    past = Past.build([r[0] for r in rows], [r[1] for r in rows], np.array([r[2] for r in rows]))
    parts = split(past, seed=0)
    model = Popularity.fit(parts.train, PopularityParameters(), seed=0)
    recipe = RECIPES["aws-popularity-count"]
    found = service_metrics(model, parts, recipe=recipe, catalogue={*past.items.ids, *(f"x{n}" for n in range(20))})
    assert set(found) == set(SERVICE_METRICS)
    assert found["coverage"] == 25 / 50


def test_a_user_is_asked_about_with_their_metadata_and_that_of_their_interactions() -> None:
    rows = [(f"u{user:02d}", f"i{(user + step) % 30:02d}", step) for user in range(30) for step in range(10)]
    past = Past.build([r[0] for r in rows], [r[1] for r in rows], np.array([r[2] for r in rows]))
    ages = [20.0 + user for user in range(30)]
    places = [f"p{row % 3}|q{row % 2}" for row in range(len(past))]
    past = replace(
        past,
        user_described=Described.learn({"AGE": ages}, {"AGE": "numerical"}, n=30),
        event_described=Described.learn({"PLACE": places}, {"PLACE": "categorical"}, n=len(past)),
    )
    queries: list[Query] = []

    class Listener(Popularity):
        def scores(self, asked: Sequence[Query]) -> NDArray[np.float32]:
            queries.extend(asked)
            return super().scores(asked)

    parts = split(past, seed=0)
    service_metrics(
        Listener.fit(parts.train, PopularityParameters(), seed=0),
        parts,
        recipe=RECIPES["aws-hrnn-metadata"],
        catalogue=set(past.items.ids),
    )
    assert len(queries) == len(parts.users) == 3
    for query in queries:
        user = int(str(query.user_id)[1:])
        assert query.user["AGE"] == pytest.approx(ages[user])
        assert [event.properties["PLACE"] for event in query.history] == places[10 * user : 10 * user + 9]


def test_items_without_interactions_are_candidates_only_where_the_recipe_recommends_them() -> None:
    past = past_of([10] * 20)
    past = replace(past, items=Vocabulary([*past.items.ids, "cold"]))
    parts = split(past, seed=0)
    model = Popularity(PopularityParameters(), past.items, users_per_item=np.arange(len(past.items), dtype=np.float32))
    for name, recommended in (("aws-user-personalization-v2", 0.0), ("aws-user-personalization", 1.0)):
        found = service_metrics(model, parts, recipe=RECIPES[name], catalogue={"cold"})
        assert found["coverage"] == recommended


def test_no_item_is_related_to_itself() -> None:
    rows = [(f"u{user:02d}", item, at) for user in range(30) for at, item in enumerate("abab")]
    past = Past.build([r[0] for r in rows], [r[1] for r in rows], np.array([r[2] for r in rows]))
    parts = split(past, seed=0)  # the truth is "b", the last item before it "a"
    model = Popularity(PopularityParameters(), past.items, users_per_item=np.array([2, 1], np.float32))
    found = service_metrics(model, parts, recipe=RECIPES["aws-sims"], catalogue={"a", "b"})
    assert found["mean_reciprocal_rank_at_25"] == 1


@pytest.mark.parametrize(("newest", "expected"), [("rising", 1.0), ("unheard-of", 0.0)])
def test_trending_now_is_also_judged_by_what_items_gain_in_the_held_out_data(newest: str, expected: float) -> None:
    """Everybody's newest interaction is the one held out, and with the same item."""
    walk = [*(f"i{step}" for step in range(8)), "rising", newest]
    rows = [(f"u{user:02d}", item, 3600 * step) for user in range(30) for step, item in enumerate(walk)]
    past = Past.build([r[0] for r in rows], [r[1] for r in rows], np.array([r[2] for r in rows]))
    parts = split(past, seed=0, users=30)
    model = Trending.fit(parts.train, TrendingParameters(trend_discovery_frequency="1 hour"), seed=0)
    found = service_metrics(model, parts, recipe=RECIPES["aws-trending-now"], catalogue=set(past.items.ids))
    assert found["trend_prediction_accuracy"] == expected
    assert set(found) == {*SERVICE_METRICS, "trend_prediction_accuracy"}
