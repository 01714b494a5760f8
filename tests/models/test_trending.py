"""aws-trending-now: what increases from one interval to the next, and popularity where nothing does."""

from __future__ import annotations

import numpy as np
from model_suite import ModelSuite

from personalize_engine.data.past import Past
from personalize_engine.models.base import Query
from personalize_engine.models.trending import SECONDS, Trending, TrendingParameters
from personalize_engine.serving.rank import rank

NOW = 1_600_000_000
HOUR = 3_600


def fitted(rows: list[tuple[str, int]], frequency: str = "1 hour") -> Trending:
    """From (item, seconds before now)."""
    past = Past.build(
        [f"u{k}" for k in range(len(rows))], [row[0] for row in rows], np.array([NOW - r[1] for r in rows])
    )
    return Trending.fit(past, TrendingParameters.model_validate({"trend_discovery_frequency": frequency}), seed=0)


def increases(model: Trending, at: int | None = None) -> dict[str, float]:
    scores = model.scores([Query(at=at)])[0]
    return {name: float(score) for name, score in zip(model.items.ids, scores, strict=True) if not np.isnan(score)}


# in the last hour: rising 3, steady 2, falling 1, old 0; in the hour before: rising 1, steady 2, falling 4, old 1
ROWS = [
    *[("rising", 0), ("rising", 10), ("rising", HOUR - 1), ("rising", HOUR)],
    *[("steady", 5), ("steady", 6), ("steady", HOUR + 5), ("steady", HOUR + 6)],
    *[("falling", 1), *[("falling", 2 * HOUR - 1)] * 4],
    *[("old", HOUR + 1), *[("old", 2 * HOUR)] * 50],
]


class TestTrending(ModelSuite):
    model = Trending
    recipe = "aws-trending-now"
    answers_tastes = False
    unknown_is_nan = False


def test_the_increase_from_the_last_interval_but_one() -> None:
    assert increases(fitted(ROWS)) == {"rising": 2}


def test_the_setting_decides_the_intervals() -> None:
    assert increases(fitted(ROWS, "30 minutes")) == {"rising": 1, "steady": 2, "falling": 1}
    assert increases(fitted(ROWS, "2 hours"))["steady"] == 4
    assert set(SECONDS) == set(TrendingParameters.model_fields["trend_discovery_frequency"].annotation.__args__)


def test_what_does_not_increase_is_placed_by_popularity() -> None:
    model = fitted(ROWS)
    popularity = np.array([{"old": 51, "falling": 5, "steady": 4, "rising": 4}[name] for name in model.items.ids])
    (ranking,) = rank(model, [Query()], fallback=popularity.astype(np.float32), k=4)
    assert [model.items.ids[row] for row in ranking.rows] == ["rising", "old", "falling", "steady"]


def test_two_intervals_without_interactions_leave_popularity_alone() -> None:
    model = fitted(ROWS)
    assert increases(model, at=NOW + HOUR) == {}  # everything decreases
    assert increases(model, at=NOW + 2 * HOUR) == {}  # nothing is left


def test_later_interactions_count_without_another_training_also_of_new_items() -> None:
    model = fitted(ROWS)
    items = ["new", "old", "new", "new", "future"]
    moments = np.array([NOW + 60, NOW + 61, NOW + 62, NOW - 9 * HOUR, NOW + 99 * HOUR])
    later = model.extended(items, moments, until=NOW + 62)
    assert increases(later) == {"falling": 1, "new": 2}  # the hours end a minute later
    assert later.items.ids[: len(model.items)] == model.items.ids
    assert increases(model) == {"rising": 2}
    assert increases(later.extended([], np.array([], np.int64), until=NOW + 62)) == increases(later)
    assert increases(later.extended(["old"], np.array([NOW + HOUR]), until=NOW + HOUR)) == {"old": 2, "new": 2}
