"""A shop that lives for some weeks: with exploration new good items are found sooner than without, and at what cost.

Every day every user is shown ten items and clicks with the (hidden) probability that suits the item. Clicks are events;
the next day's version has learned from them. New items arrive on the first day, few of them are good.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from personalize_engine.data.features import Described
from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.models.base import Interaction, Model, Query
from personalize_engine.models.hrnn import Hrnn, HrnnParameters
from personalize_engine.models.popularity import Popularity, PopularityParameters
from personalize_engine.serving.explore import explored

DAY = 86_400
FIRST_DAY = 1_700_000_000
SHOWN = 10
SOME = 0.02
"""Share of the users."""


@dataclass(frozen=True, kw_only=True)
class Shop:
    """Items and how often they are clicked on when shown."""

    quality: NDArray[np.float64]
    """(n_items,)"""
    is_new: NDArray[np.bool_]
    good: NDArray[np.int64]
    """Rows of the new items that are as good as the best of the others."""
    described: Described
    n_users: int
    once: bool
    """Whether nobody clicks on an item twice."""

    @classmethod
    def opened(cls, *, established: int, new: int, good: int, n_users: int, once: bool, seed: int) -> Shop:
        rng = np.random.default_rng(seed)
        quality = np.concatenate([rng.beta(1, 15, established), rng.beta(1, 30, new)])
        is_new = np.arange(established + new) >= established
        best = established + rng.permutation(new)[:good]
        quality[best] = np.quantile(quality[:established], 0.98)
        kinds = {"SHELF": [f"shelf {k % 4}" for k in range(established + new)]}  # tells nothing of the quality
        described = Described.learn(kinds, {"SHELF": "categorical"}, n=established + new)
        assert described is not None
        return cls(quality=quality, is_new=is_new, good=best, described=described, n_users=n_users, once=once)

    def past(self, events: NDArray[np.int64]) -> Past:
        """What was clicked on: rows of `events` are (user, item, time)."""
        events = events[np.lexsort((events[:, 2], events[:, 0]))]
        return Past(
            users=Vocabulary([f"user-{k:04d}" for k in range(self.n_users)]),
            items=Vocabulary([f"item-{k:04d}" for k in range(len(self.quality))]),
            user=events[:, 0].astype(np.int32),
            item=events[:, 1].astype(np.int32),
            at=events[:, 2],
            item_described=self.described,
            created=np.where(self.is_new, FIRST_DAY, FIRST_DAY - 400 * DAY),
        )

    def before(self, seed: int) -> NDArray[np.int64]:
        """A month in which the established items were shown at random."""
        rng = np.random.default_rng(seed)
        shown = rng.integers(0, int((~self.is_new).sum()), (self.n_users, 30 * SHOWN))
        user, place = np.nonzero(rng.random(shown.shape) < self.quality[shown])
        events = np.stack([user, shown[user, place], FIRST_DAY - 30 * DAY + place * (DAY // SHOWN)], axis=1)
        if self.once:
            events = events[np.unique(events[:, :2], axis=0, return_index=True)[1]]
        return events


@dataclass(frozen=True, kw_only=True)
class Story:
    """What happened."""

    found: list[int]
    """For each good new item the first day on which the model alone shows it to at least SOME users; or `days`."""
    clicks: list[float]
    """Per shown item, day by day."""


Version = Callable[[Past, int, Model[Any] | None], Model[Any]]
"""The model of a day, from the past so far, the day and the model of the day before."""


def lived(shop: Shop, version: Version, *, weight: float, days: int, seed: int) -> Story:
    """`days` days of the shop with this weight of exploration."""
    rng = np.random.default_rng(seed)
    events = shop.before(seed)
    found = dict.fromkeys(shop.good.tolist(), days)
    clicks: list[float] = []
    model: Model[Any] | None = None
    for day in range(days):
        past = shop.past(events)
        model = version(past, day, model)
        age = (FIRST_DAY + day * DAY - np.asarray(past.created)) / DAY
        scores = model.scores([Query(user_id=user, history=history) for user, history in histories(past)])
        shares = np.exp(scores - scores.max(axis=1, keepdims=True), dtype=np.float64)
        shares = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
        alone = np.argsort(-shares, axis=1, kind="stable")[:, :SHOWN]
        for item in [item for item, when in found.items() if when == days]:
            if (alone == item).any(axis=1).mean() >= SOME:
                found[item] = day
        tried = [
            explored(row, counts=past.item_counts, age_days=age, weight=weight, cutoff_days=30, rng=rng)
            for row in shares
        ]
        shown = np.argsort(-np.array(tried), axis=1, kind="stable")[:, :SHOWN]
        clicked = rng.random(shown.shape) < shop.quality[shown]
        if shop.once:
            met = np.zeros(scores.shape, bool)
            met[past.user, past.item] = True
            clicked &= ~np.take_along_axis(met, shown, axis=1)
        clicks.append(float(clicked.mean()))
        user, place = np.nonzero(clicked)
        now = FIRST_DAY + day * DAY + 60 * place
        events = np.concatenate([events, np.stack([user, shown[user, place], now], axis=1)])
    return Story(found=list(found.values()), clicks=clicks)


def histories(past: Past) -> list[tuple[str, list[Interaction]]]:
    """Every user with their newest events."""
    ids = past.items.ids
    return [
        (
            name,
            [
                Interaction(item_id=ids[past.item[k]], at=int(past.at[k]))
                for k in range(max(int(past.ends[row] - past.lengths[row]), int(past.ends[row]) - 50), past.ends[row])
            ],
        )
        for row, name in enumerate(past.users.ids)
    ]


@dataclass(frozen=True)
class _LogPopularity:
    """`Popularity`, its counts as log-shares, as those of a network are."""

    model: Popularity

    def scores(self, queries: Any) -> NDArray[np.float32]:
        return np.log(self.model.scores(queries) + 1e-3)


def counted(past: Past, _day: int, _before: Model[Any] | None) -> Any:
    """Trained anew every day, on the newest week."""
    newest = past.where(past.at > past.at.max() - 7 * DAY)
    return _LogPopularity(Popularity.fit(newest, PopularityParameters(), seed=0))


def updated(past: Past, day: int, before: Model[Any] | None) -> Model[Any]:
    """aws-user-personalization: trained in full every week, updated on the other days."""
    if before is None or day % 7 == 0:
        return Hrnn.fit(past, HrnnParameters(hidden_dimension=32), seed=0)
    assert isinstance(before, Hrnn)
    return before.updated(past)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Means over good items, shops and days."""

    found: float
    early: float
    late: float

    @classmethod
    def of(cls, stories: list[Story]) -> Summary:
        return cls(
            found=fmean(day for story in stories for day in story.found),
            early=fmean(fmean(story.clicks[:5]) for story in stories),
            late=fmean(fmean(story.clicks[-5:]) for story in stories),
        )


def summed_up(version: Version, *, weight: float, days: int, seeds: int, **sizes: Any) -> Summary:
    shops = [Shop.opened(seed=seed, **sizes) for seed in range(seeds)]
    return Summary.of([lived(shop, version, weight=weight, days=days, seed=k) for k, shop in enumerate(shops)])


def test_new_good_items_are_found_only_with_exploration() -> None:
    without, some, much = (
        summed_up(counted, weight=weight, days=20, seeds=2, established=150, new=30, good=3, n_users=80, once=False)
        for weight in (0.0, 0.3, 1.0)
    )
    assert without.found == 20, "never: nobody sees what nobody has clicked on"
    assert some.found < 18
    assert much.found < some.found - 3, "more weight finds them sooner"
    assert without.early > some.early > 0.8 * without.early, "at first it costs clicks"
    assert some.early > much.early, "and more weight costs more"
    assert some.late > without.late, "later it pays"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_network_finds_new_good_items_through_updates_and_trainings() -> None:
    sizes: dict[str, Any] = {"established": 150, "new": 30, "good": 3, "n_users": 120, "once": True}
    without, some, much = (summed_up(updated, weight=weight, days=22, seeds=1, **sizes) for weight in (0.0, 0.3, 1.0))
    assert some.found < without.found - 3, "a whole training sooner"
    assert much.found < some.found - 3
    assert some.early > 0.9 * without.early
    assert some.late > without.late
