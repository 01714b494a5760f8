"""aws-trending-now between trainings: events of all users, the clock's time, and what stays as it was trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dataset_group import ARN, Group

from contract.recipes import RECIPES
from personalize_engine.data.past import Past
from personalize_engine.models.base import Query
from personalize_engine.models.trending import Trending, TrendingParameters
from personalize_engine.serving.rank import rank
from personalize_engine.serving.trained import Trained, load, save
from personalize_engine.serving.trends import Trends
from personalize_engine.store.events import Event, Selection, add_events

LONG_AGO, NOW = 1_500_000_000, 1_700_000_000
HOUR = 3_600


class Shop:
    """A trained version, its group's events, and a clock to set."""

    def __init__(self, folder: Path) -> None:
        self.group = Group(folder / "store")
        items = ["popular"] * 5 + ["late"] * 2
        at = np.array([LONG_AGO - 9 * HOUR] * 5 + [LONG_AGO] * 2)
        past = Past.build([f"u{k}" for k in range(7)], items, at)
        model = Trending.fit(past, TrendingParameters(trend_discovery_frequency="1 hour"), seed=0)
        recipe = RECIPES["aws-trending-now"]
        (folder / "version").mkdir()
        save(folder / "version", model, past, recipe=recipe, dataset_group=ARN, events_until=0)
        self.trained = load(folder / "version")
        self.now = float(NOW)
        self.trends = Trends(self.group.store, clock=lambda: self.now)

    def put(self, *items: str, ago: int = 0, user: str | None = "someone", kind: str = "view") -> None:
        with self.group.store.write() as transaction:
            add_events(
                transaction,
                ARN,
                [
                    Event(session_id=f"s-{user}", user_id=user, item_id=item, at=int(self.now) - ago, event_type=kind)
                    for item in items
                ],
            )

    def current(self, trained: Trained | None = None) -> Trained:
        return self.trends.current("version", trained or self.trained)

    def list(self, trained: Trained | None = None) -> list[str]:
        found = self.current(trained)
        (ranking,) = rank(found.model, [Query()], fallback=found.fallback, k=99)
        return [found.model.items.ids[row] for row in ranking.rows]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.group.store.close()


def test_without_events_the_trend_is_that_of_the_data_however_old(shop: Shop) -> None:
    assert shop.list() == ["late", "popular"]
    shop.now += 99 * HOUR
    assert shop.list() == ["late", "popular"]
    assert shop.current() is shop.trained


def test_events_count_at_once_and_new_items_with_them(shop: Shop) -> None:
    shop.put("new", "new", "popular")
    assert shop.list() == ["new", "popular", "late"]
    assert shop.current().warm.all()
    assert shop.current().created.tolist() == [-1, -1, -1]
    shop.put("popular", "popular", "late")
    assert shop.list() == ["popular", "new", "late"]
    assert shop.current() is shop.current(), "nothing is made anew while nothing changes"


def test_a_trend_ends_and_two_intervals_later_popularity_is_left(shop: Shop) -> None:
    shop.put("late", "late")
    shop.now += HOUR
    shop.put("new")
    assert shop.list()[0] == "new"
    shop.now += 2 * HOUR + 60
    assert shop.list() == ["popular", "late", "new"]


def test_what_does_not_count(shop: Shop) -> None:
    shop.put("old", ago=3 * HOUR)
    shop.put("anonymous", user=None)
    shop.put("future", ago=-HOUR)
    assert set(shop.list()) - {"future"} == {"late", "popular"}
    assert shop.list()[-1] == "future"


def test_only_events_that_the_solution_is_about(shop: Shop) -> None:
    about = replace(shop.trained, selection=Selection(event_type="BUY"))
    shop.put("seen", "seen")
    shop.put("bought", kind="buy")
    assert shop.list(about) == ["bought", "popular", "late"]
