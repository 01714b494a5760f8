"""The split behind GetSolutionMetrics."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contract.holdout import future_count
from contract.recipes import RECIPES
from contract.results import SERVICE_METRICS
from personalize_engine.data.past import Past
from personalize_engine.jobs.service_metrics import service_metrics, split
from personalize_engine.models.popularity import Popularity, PopularityParameters


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
