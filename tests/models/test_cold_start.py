"""aws-hrnn-coldstart: the common suite, who is cold, the limits, and that tastes are carried over to new items."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_suite import N_USERS, START, ModelSuite, history, walk

from personalize_engine.data.features import Described
from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.errors import JobFailed
from personalize_engine.models.base import Model, Query
from personalize_engine.models.cold_items import FEWEST, check_limits, cold_items
from personalize_engine.models.cold_start import ColdStart, ColdStartParameters
from personalize_engine.models.hrnn import Hrnn, HrnnParameters

DAY = 86_400
N_NEW = 100


def catalogue(*, n_new: int = N_NEW) -> Past:
    """`two_tastes` of the suite, months old, and new items that nobody has met: metadata tell which taste they suit.

    A number tells it as well; a second category is noise, and some new items have no metadata at all.
    """
    rows = [(f"user-{user}", item, START + 60 * k) for user in range(N_USERS) for k, item in enumerate(walk(user))]
    names, items, at = zip(*rows, strict=True)
    return with_items(names, items, at, [f"new-{k:05d}" for k in range(n_new)])


def with_items(users: Any, items: Any, at: Any, new: list[str]) -> Past:
    """Interactions, and items known from the Items dataset: those met were created before START, new ones after."""
    past = Past.build([*users], [*items], np.array(at))
    ids = sorted({*past.items.ids, *new})
    place = np.array([ids.index(item) for item in past.items.ids], np.int32)
    kind = [None if item.endswith("99") else "even" if int(item[-2:]) % 2 == 0 else "odd" for item in ids]
    table: Mapping[str, list[Any]] = {
        "KIND": kind,
        "NOISE": [f"{'x' if int(item[-2:]) // 2 % 2 else 'y'}|z" for item in ids],
        "PRICE": [None if one is None else 10.0 if one == "even" else 90.0 for one in kind],
    }
    kinds: Any = {"KIND": "categorical", "NOISE": "categorical", "PRICE": "numerical"}
    return replace(
        past,
        items=Vocabulary(ids),
        item=place[past.item],
        item_described=Described.learn(table, kinds, n=len(ids)),
        created=np.array([START + DAY if item in new else START - 100 * DAY for item in ids]),
    )


class TestColdStart(ModelSuite):
    model = ColdStart
    settings: ClassVar[dict[str, Any]] = {"hidden_dimension": 32}
    recipe = "aws-hrnn-coldstart"
    unknown_is_nan = False

    @pytest.fixture(scope="class")
    @classmethod
    def past(cls) -> Past:
        return catalogue()

    def test_only_cold_items_have_scores(self, fitted: Model[Any]) -> None:
        new = np.array([item.startswith("new") for item in fitted.items.ids])
        for query in (self.query(0), Query()):
            np.testing.assert_array_equal(np.isnan(fitted.scores([query])[0]), ~new)

    def test_who_is_unknown_gets_what_all_get(self, fitted: Model[Any]) -> None:
        nobody, unknown_item = fitted.scores([Query(), Query(history=history(["never-heard-of"]))])
        np.testing.assert_array_equal(nobody, unknown_item)

    def test_an_event_with_a_cold_item_counts_at_once(self, fitted: Model[Any]) -> None:
        for item in ("new-00010", "new-00011"):
            scores = fitted.scores([Query(history=history([item]))])[0]
            best = fitted.items.ids[int(np.nanargmax(scores))]
            assert int(best[-2:]) % 2 == int(item[-2:]) % 2

    def test_an_update_places_newer_items_without_training(self, fitted: ColdStart, past: Past) -> None:
        newer = catalogue(n_new=3 * N_NEW)
        newer = replace(newer, item_described=described_as(past, newer))
        updated = fitted.updated(newer)
        assert updated.network is fitted.network
        old, new = fitted.scores([self.query(1)])[0], updated.scores([self.query(1)])[0]
        assert np.isnan(old).sum() == np.isnan(new).sum() == 20
        rows = updated.items.rows(fitted.items.ids)
        np.testing.assert_allclose(new[rows], old, rtol=1e-4)
        best = np.argsort(-np.nan_to_num(new, nan=-np.inf))[:20]
        assert all(int(updated.items.ids[row][-2:]) % 2 == 1 for row in best)
        assert any(updated.items.ids[row] not in fitted.items for row in best)

    def test_after_an_update_a_known_item_is_not_cold_again(self, fitted: ColdStart, past: Past) -> None:
        fewer = past.where(past.item != past.items.row("item-00"))
        created = np.asarray(past.created).copy()
        created[past.items.row("item-00")] = START + DAY
        updated = fitted.updated(replace(fewer, created=created))
        assert np.isnan(updated.scores([self.query(0)])[0][past.items.row("item-00")])

    def test_an_update_to_too_few_cold_items_fails(self, fitted: ColdStart, past: Past) -> None:
        fewer = catalogue(n_new=FEWEST - 1)
        with pytest.raises(JobFailed, match="Minimum cold start items: 100"):
            fitted.updated(replace(fewer, item_described=described_as(past, fewer)))


def described_as(past: Past, other: Past) -> Described:
    """Rows of `other`'s items, by the encoder of `past`: ids decide what the items are like."""
    assert past.item_described is not None
    rows = [past.items.row(item if item in past.items else f"new-{int(item[-2:]):05d}") for item in other.items.ids]
    return past.item_described.take(np.array(rows))


def cold_by_hand(past: Past, max_interactions: int, max_days: float, relative_from: str, now: float) -> list[bool]:
    """The definition, item by item."""
    born: list[int | None] = []
    count: list[int] = []
    for row in range(len(past.items)):
        moments = [int(at) for item, at in zip(past.item, past.at, strict=True) if item == row]
        created = -1 if past.created is None else int(past.created[row])
        born.append(created if created >= 0 else min(moments) if moments else None)
        count.append(len(moments))
    newest = max((moment for moment in born if moment is not None), default=0)
    until = now if relative_from == "currentTime" else newest
    age = [0 if moment is None else (until - moment) / DAY for moment in born]
    return [n < max_interactions and days < max_days for n, days in zip(count, age, strict=True)]


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 40 * DAY)), max_size=60),
    st.lists(st.one_of(st.just(-1), st.integers(0, 40 * DAY)), min_size=7, max_size=7),
    st.booleans(),
    st.integers(1, 20),
    st.floats(0, 50),
    st.sampled_from(["currentTime", "latestItem"]),
)
def test_who_is_cold(
    rows: list[tuple[int, int]],
    created: list[int],
    has_created: bool,
    max_interactions: int,
    max_days: float,
    relative_from: Any,
) -> None:
    past = Past(
        users=Vocabulary(["u"]),
        items=Vocabulary([f"i{k}" for k in range(7)]),
        user=np.zeros(len(rows), np.int32),
        item=np.array([item for item, _ in rows], np.int32),
        at=np.array([at for _, at in rows], np.int64),
        created=np.array(created) if has_created else None,
    )
    now = 41 * DAY
    found = cold_items(past, max_interactions=max_interactions, max_days=max_days, relative_from=relative_from, now=now)
    assert found.tolist() == cold_by_hand(past, max_interactions, max_days, relative_from, now)


@pytest.mark.parametrize(("n", "advice"), [(0, "larger"), (99, "larger"), (80_001, "lower")])
def test_the_number_of_cold_items_has_limits(n: int, advice: str) -> None:
    limits = {"max_interactions": 15, "max_days": 5.0, "relative_from": "latestItem"}
    with pytest.raises(JobFailed) as failed:
        check_limits(n, **limits)  # type: ignore[arg-type]
    reason = str(failed.value)
    assert f"({n})" in reason
    assert "Minimum cold start items: 100, Maximum cold start items: 80000" in reason
    assert f"a {advice} value for cold_start_max_interactions (15)" in reason
    assert "cold_start_max_duration (5 days, relative to latestItem)" in reason


@pytest.mark.parametrize("n", [100, 80_000])
def test_the_limits_themselves_are_allowed(n: int) -> None:
    check_limits(n, max_interactions=15, max_days=5.0, relative_from="latestItem")


def test_a_training_with_too_few_cold_items_fails_before_it_begins() -> None:
    def began(**_: Any) -> None:
        raise AssertionError("the network was trained")

    with pytest.raises(JobFailed, match=r"cold start items \(99\)"):
        ColdStart.fit(catalogue(n_new=99), ColdStartParameters(), seed=0, progress=began)


def test_nothing_but_cold_items_cannot_be_trained_on() -> None:
    everything = ColdStartParameters(cold_start_max_interactions=10**6, cold_start_max_duration=1000)
    with pytest.raises(JobFailed, match="nothing to train on"):
        ColdStart.fit(catalogue(), everything, seed=0)


def test_the_current_time_counts_for_who_is_cold() -> None:
    past = catalogue()
    days_since = (time.time() - START) / DAY
    for duration in (days_since - 50, days_since + 50):
        parameters = ColdStartParameters(cold_start_relative_from="currentTime", cold_start_max_duration=duration)
        if duration < days_since:
            with pytest.raises(JobFailed, match="relative to currentTime"):
                ColdStart.fit(past, parameters, seed=0)
        else:
            assert len(fitted_without_training(past, parameters).cold) == N_NEW


def test_interactions_of_cold_items_are_not_trained_on() -> None:
    past = catalogue(n_new=N_NEW + 1)
    new = "new-00007"
    met = with_items(
        [*(past.users.ids[u] for u in past.user), *past.users.ids[:10]],
        [*(past.items.ids[i] for i in past.item), *[new] * 10],
        [*past.at.tolist(), *[START + DAY] * 10],
        [item for item in past.items.ids if item.startswith("new")],
    )
    model = fitted_without_training(met, ColdStartParameters())
    assert new not in model.network.items
    assert met.items.row(new) in model.cold
    few = fitted_without_training(met, ColdStartParameters(cold_start_max_interactions=10))
    assert new in few.network.items


def test_without_metadata_all_cold_items_are_alike() -> None:
    past = replace(catalogue(), item_described=None)
    scores = fitted_without_training(past, ColdStartParameters()).scores([Query(history=history(walk(0)))])[0]
    assert len(np.unique(scores[~np.isnan(scores)])) == 1


def fitted_without_training(past: Past, parameters: ColdStartParameters) -> ColdStart:
    """A model whose network has its first, random weights: for what does not depend on them."""
    from personalize_engine.models import cold_start
    from personalize_engine.models.hrnn_training import first_weights

    cold = cold_start._cold(past, parameters)
    warm = cold_start._without(cold, past)
    network = Hrnn(HrnnParameters(), warm.items, weights=first_weights(warm, hidden=43, channels=16, seed=0))
    return ColdStart.around(network, past, cold, parameters, seed=0)
