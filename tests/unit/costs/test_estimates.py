"""The estimate: an ordered range, never negative, that grows with the data and with what is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.recipes import RECIPES
from costs import meters
from costs.actual import measured
from costs.estimate import Estimate, estimate, kept_per_day, why_too_much
from costs.meters import METERS, TRAINED_INTERACTIONS, TRAINING_HOURS
from costs.prices import load
from costs.quantities import billed_recommendations, training_hours
from costs.ranges import Range, exactly
from costs.work import Campaign, Data, Trained, Work

PRICES = load("us-east-1")
COUNTS = st.integers(0, 10**9)
V2 = "aws-user-personalization-v2"

DATA = st.builds(
    Data,
    bytes=st.dictionaries(st.sampled_from(["Interactions", "Users", "Items"]), st.integers(0, 10**12)),
    past_interactions=COUNTS,
    future_interactions=COUNTS,
    future_users=COUNTS,
    all_have_a_past=st.booleans(),
)
CAMPAIGNS = st.builds(
    Campaign,
    subject=st.just("s"),
    on_cold_items_only=st.booleans(),
    contexts=st.booleans(),
    shuffled_fields=st.integers(0, 5),
    probed=st.booleans(),
)
TRAININGS = st.builds(
    Trained,
    recipe=st.sampled_from(sorted(RECIPES)),
    campaigns=st.lists(CAMPAIGNS, max_size=3),
    tuning_jobs=st.integers(0, 40),
)
WORK = st.builds(
    Work,
    region=st.just("us-east-1"),
    trainings=st.lists(TRAININGS, max_size=4),
    users=st.integers(1, 10**6),
    serves=st.booleans(),
)


def made(work: Work, data: Data) -> Estimate:
    return estimate(work, data, PRICES)


def grew(before: Estimate, after: Estimate) -> bool:
    """Both ends of every meter, and of the sum; a rounding error is none."""
    pairs = [(before.quantities[name], after.quantities[name]) for name in METERS] + [(before.total, after.total)]
    return all(new.low >= old.low * (1 - 1e-12) and new.high >= old.high * (1 - 1e-12) for old, new in pairs)


@given(WORK, DATA)
def test_a_range_is_ordered_and_never_negative(work: Work, data: Data) -> None:
    found = made(work, data)
    assert set(found.quantities) == set(METERS)
    for amount in (*found.quantities.values(), *found.dollars.values(), found.total):
        assert 0 <= amount.low <= amount.high
    assert found.assumptions


@given(WORK, DATA, st.sampled_from(["past_interactions", "future_interactions"]), st.integers(1, 10**6))
def test_more_interactions_cost_no_less(work: Work, data: Data, member: str, more: int) -> None:
    assert grew(made(work, data), made(work, replace(data, **{member: getattr(data, member) + more})))


@given(WORK, DATA, st.integers(1, 10**9))
def test_more_bytes_cost_no_less(work: Work, data: Data, more: int) -> None:
    larger = {kind: size + more for kind, size in data.bytes.items()}
    assert grew(made(work, data), made(work, replace(data, bytes=larger)))


@given(WORK, DATA, st.integers(2, 5))
def test_data_that_are_a_multiple_cost_no_less(work: Work, data: Data, times: int) -> None:
    counts = ("past_interactions", "future_interactions", "future_users")
    larger: dict[str, Any] = {name: getattr(data, name) * times for name in counts}
    assert grew(made(work, data), made(work, replace(data, **larger)))


@given(WORK, DATA, TRAININGS, st.integers(1, 1000))
def test_asking_for_more_costs_no_less(work: Work, data: Data, training: Trained, users: int) -> None:
    assert grew(made(work, data), made(replace(work, trainings=[*work.trainings, training]), data))
    assert grew(made(work, data), made(replace(work, users=work.users + users), data))
    if work.trainings:
        first = work.trainings[0]
        tuned = replace(first, tuning_jobs=first.tuning_jobs + 1)
        assert grew(made(work, data), made(replace(work, trainings=[tuned, *work.trainings[1:]]), data))


@given(COUNTS, COUNTS, COUNTS)
def test_billed_recommendations_are_at_least_the_larger_and_at_most_both(sent: int, hours: int, more: int) -> None:
    billed = billed_recommendations(Range(sent, sent + more), exactly(hours))
    assert billed.low == max(sent, hours * 3600)
    assert billed.high == sent + more + hours * 3600


def one(recipe: str, **changes: Any) -> Work:
    trained = Trained(recipe=recipe, campaigns=[Campaign(subject=recipe)], **changes)
    return Work(region="us-east-1", trainings=[trained], users=100, serves=False)


SMALL = Data(
    bytes={"Interactions": 10**6},
    past_interactions=100_000,
    future_interactions=10_000,
    future_users=1000,
    all_have_a_past=True,
)


def test_the_measured_trainings_lie_within_the_range() -> None:
    for interactions, hours in ((100_000, 2.135), (25_000_000, 53.9), (50_000_000, 53.9)):
        assert training_hours(interactions).low < hours < training_hours(interactions).high


def test_a_training_is_billed_by_hours_or_by_interactions() -> None:
    by_hours, by_interactions = (made(one(recipe), SMALL).quantities for recipe in ("aws-sims", V2))
    assert by_hours[TRAINED_INTERACTIONS] == by_interactions[TRAINING_HOURS] == Range(0, 0)
    assert by_hours[TRAINING_HOURS] == training_hours(100_000)
    assert by_interactions[TRAINED_INTERACTIONS] == exactly(100_000)
    assert made(one(V2), SMALL).dollars[TRAINED_INTERACTIONS] == exactly(0.2)


def test_every_training_that_tunes_is_billed() -> None:
    tuned = made(one("aws-sims", tuning_jobs=10), SMALL).quantities[TRAINING_HOURS]
    alone = training_hours(100_000)
    assert tuned == Range(alone.low * 10, alone.high * 11)


def test_campaigns_that_are_kept_cost_on_and_are_told_apart() -> None:
    kept = replace(one("aws-sims"), serves=True)
    assert kept_per_day(kept, PRICES) == pytest.approx(86.4 * 0.0556)
    assert kept_per_day(one("aws-sims"), PRICES) == 0
    assert any("$4.80 a day" in said for said in made(kept, SMALL).assumptions)
    once, perhaps_twice = made(one("aws-sims"), SMALL), made(kept, SMALL)
    assert perhaps_twice.total.low == once.total.low
    for meter in (meters.REQUESTS, meters.CAMPAIGNS):
        assert perhaps_twice.quantities[meter].high == pytest.approx(2 * once.quantities[meter].high)


def test_the_limit_is_compared_with_the_upper_end() -> None:
    found = made(one("aws-sims"), SMALL)
    within = replace(one("aws-sims"), max_cost=found.total.high)
    assert why_too_much(found, within, "exp") is None
    below = replace(within, max_cost=found.total.high - 0.01)
    assert "max_cost allows" in (why_too_much(found, below, "exp") or "")


def test_what_nobody_measured_is_not_called_nothing() -> None:
    assert "state-transitions" not in measured(replace(SMALL, bytes={}), [], []).quantities


@pytest.mark.parametrize(("low", "high"), [(-1, 0), (2, 1), (0, float("inf")), (float("nan"), 1)])
def test_no_range(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="no range"):
        Range(low, high)
