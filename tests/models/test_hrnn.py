"""aws-hrnn: the common suite, and what a recurrent network promises beyond it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from model_suite import ModelSuite, history, two_tastes

from personalize_engine.data.features import Described
from personalize_engine.data.past import Past
from personalize_engine.errors import JobFailed
from personalize_engine.models import hrnn_network as net
from personalize_engine.models.base import Interaction, Model, Query
from personalize_engine.models.hrnn import Hrnn, HrnnParameters
from personalize_engine.models.hrnn_batches import Batches, previous, recency_weights
from personalize_engine.models.hrnn_sizing import WINDOW, sizing
from personalize_engine.models.hrnn_validation import Validation


class TestHrnn(ModelSuite):
    model = Hrnn
    recipe = "aws-hrnn"

    def test_an_event_changes_the_answer_at_once(self, fitted: Model[Any]) -> None:
        even, odd = history(["item-00", "item-02", "item-04"]), history(["item-01", "item-03", "item-05"])
        before = fitted.scores([Query(user_id="u", history=even)])[0]
        after = fitted.scores([Query(user_id="u", history=[*even, *odd])])[0]
        best = [fitted.items.ids[k] for k in np.argsort(-after)[:3]]
        assert not np.allclose(before, after)
        assert sum(int(item[-2:]) % 2 for item in best) >= 2, best

    def test_one_query_is_answered_as_among_others(self, fitted: Model[Any]) -> None:
        one, other = (Query(history=history(items)) for items in (["item-00", "item-02"], ["item-03"]))
        np.testing.assert_allclose(fitted.scores([one])[0], fitted.scores([other, one])[1], atol=1e-4)


class Stopped(Exception):
    """A training was cancelled."""


def sequences(*, repeats: float, users: int = 150, length: int = 24, n_items: int = 200) -> Past:
    """Random items; with probability `repeats` an event brings back one of the user's last five distinct items."""
    rng = np.random.default_rng(3)
    names, items = [], []
    for user in range(users):
        fresh = list(rng.permutation(n_items))
        met: list[int] = []
        for _ in range(length):
            item = int(rng.choice(met[-5:])) if met and rng.random() < repeats else int(fresh.pop())
            if item not in met:
                met.append(item)
            names.append(f"u{user}")
            items.append(f"i{item}")
    return Past.build(names, items, np.arange(len(names)))


def known_among_best(model: Hrnn, *, k: int) -> int:
    """How many of the k best items for a history of ten are in that history."""
    met = history([f"i{item}" for item in range(20, 30)])
    best = np.argsort(-model.scores([Query(history=met)])[0])[:k]
    return len({model.items.ids[row] for row in best} & {event.item_id for event in met})


def test_repeats_come_back_where_the_data_repeats() -> None:
    model = Hrnn.fit(sequences(repeats=0.4), HrnnParameters(hidden_dimension=32, bptt=16), seed=0)
    assert model.weights["repeat"][1:4].min() > 0  # met two to four interactions ago
    assert known_among_best(model, k=4) >= 3


def test_repeats_go_where_the_data_never_repeats() -> None:
    model = Hrnn.fit(sequences(repeats=0.0), HrnnParameters(hidden_dimension=32, bptt=16), seed=0)
    assert model.weights["repeat"][:8].max() < 0
    assert known_among_best(model, k=25) == 0


def test_without_the_repeat_term_met_items_are_like_any_other() -> None:
    past = sequences(repeats=0.0)
    model = Hrnn.fit(past, HrnnParameters(hidden_dimension=32), seed=0, sizes=replace(sizing(len(past)), repeats=False))
    assert not model.weights["repeat"].any()
    assert model.weights["again"] == 1


def test_a_network_that_learns_by_heart_is_stopped() -> None:
    told: list[str] = []

    def listen(*, done: int, total: int, message: str) -> None:
        told.append(message)
        assert done <= total

    past = sequences(repeats=0.0)
    sizes = replace(sizing(len(past)), epochs=40, dropout=0.0, targets=4, weight_decay=0.0)
    Hrnn.fit(past, HrnnParameters(hidden_dimension=64), seed=0, sizes=sizes, progress=listen)
    assert re.search(r"stopped after epoch \d+: it had been better by epoch \d+", told[-1])


def test_the_newest_weights_are_kept_unless_clearly_worse() -> None:
    from personalize_engine.models.hrnn_training import Best

    rng = np.random.default_rng(0)
    best, noise = Best(patience=2), rng.normal(size=500)
    best.take({"epoch": 0}, 0, noise - 1)
    best.take({"epoch": 1}, 1, noise)
    best.take({"epoch": 2}, 2, noise + rng.normal(size=500) * 0.5)
    assert (best.epoch, best.late(2)) == (2, False)
    best.take({"epoch": 3}, 3, noise - 0.5)
    assert (best.epoch, best.late(3)) == (2, False)
    best.take({"epoch": 4}, 4, noise - 0.5)
    assert best.weights == {"epoch": 2}
    assert best.late(4)


def test_validation_takes_the_newest_events_of_some_users() -> None:
    past = sequences(repeats=0.3, users=400, length=30)
    held_out = Validation.of(past, seed=0)
    assert held_out is not None
    assert len(held_out.queries) == 40
    assert [len(query.history) for query in held_out.queries] == [27] * 40
    assert len(held_out.training) == len(past) - 3 * 40
    assert held_out.training.items.ids == past.items.ids
    shorter = np.flatnonzero(held_out.training.lengths == 27)
    for user, query, following in zip(shorter, held_out.queries, held_out.following, strict=True):
        end = past.ends[user]
        np.testing.assert_array_equal(following, past.item[end - 3 : end])
        assert [event.at for event in query.history] == past.at[end - 30 : end - 3].tolist()
    assert Validation.of(two_tastes(), seed=0) is None, "twenty events tell nothing"


def test_validation_asks_in_the_context_of_each_event_and_with_what_is_known_of_the_user() -> None:
    """Else training would be judged, and stopped, by what it does without them."""
    past = sequences(repeats=0.3, users=400, length=30)
    places = ["here" if row % 2 else "there" for row in range(len(past))]
    ages = [float(20 + user % 50) for user in range(len(past.users))]
    told = replace(
        past,
        event_described=Described.learn({"PLACE": places}, {"PLACE": "categorical"}, n=len(past)),
        user_described=Described.learn({"AGE": ages}, {"AGE": "numerical"}, n=len(past.users)),
    )
    held_out = Validation.of(told, seed=0)
    assert held_out is not None
    assert len(held_out.queries) == 3 * 40
    users = np.flatnonzero(held_out.training.lengths == 27)
    rows = [row for user in users for row in range(past.ends[user] - 3, past.ends[user])]
    for row, query, following in zip(rows, held_out.queries, held_out.following, strict=True):
        assert query.context == {"PLACE": places[row]}
        assert following.tolist() == [past.item[row]]
        assert query.user["AGE"] == pytest.approx(ages[past.user[row]])
        assert all(event.properties.keys() == {"PLACE"} for event in query.history)


def test_serving_computes_what_training_does() -> None:
    """NumPy's right-aligned batch gives the states of JAX's stream, across sessions and for users of any length."""
    import jax.numpy as jnp

    from personalize_engine.models.hrnn_training import first_weights, read

    past = two_tastes()
    weights = first_weights(past, hidden=32, channels=64, seed=0)
    model = Hrnn(HrnnParameters(hidden_dimension=32), past.items, weights=weights)
    rng = np.random.default_rng(0)
    item = rng.integers(0, len(past.items), WINDOW)
    at = np.cumsum(rng.choice([60, 90_000], WINDOW))
    gap = np.diff(at, prepend=at[0])
    batch = {
        "item": item[None],
        "features": net.time_features(gap, np.arange(WINDOW))[None],
        "new_session": (gap > net.SESSION_GAP)[None],
        "new_user": (np.arange(WINDOW) == 0)[None],
        "kept_input": True,
        "kept_states": True,
    }
    carry = (jnp.ones((1, 32)), jnp.ones((1, 64)))  # left behind by another user
    expected, _ = read(weights, carry, batch, bptt=32, dropout=0.0)
    events = [Interaction(item_id=past.items.ids[i], at=int(t)) for i, t in zip(item, at, strict=True)]
    queries = [Query(history=events[:n]) for n in (1, 7, WINDOW)]
    logits = np.asarray(expected)[0] @ np.asarray(weights["embedding"]).T + np.asarray(weights["bias"])
    scores = model.scores(queries)
    for row, n in zip(scores, (1, 7, WINDOW), strict=True):
        np.testing.assert_allclose(row, logits[n - 1], atol=2e-4)  # the repeat term starts at zero


def test_percentiles_that_leave_nobody_are_a_reason_not_a_crash() -> None:
    past = Past.build(["a", "b", "b"], ["x", "x", "y"], np.arange(3))
    shortest = HrnnParameters(max_user_history_length_percentile=0.0)
    with pytest.raises(JobFailed, match="max_user_history_length_percentile 0"):
        Hrnn.fit(past, shortest, seed=0)


def test_progress_tells_the_time_left_and_can_stop_a_training() -> None:
    told: list[str] = []

    def stop(*, done: int, total: int, message: str) -> None:
        told.append(f"{done}/{total} {message}")
        if len(told) == 3:
            raise Stopped

    with pytest.raises(Stopped):
        Hrnn.fit(two_tastes(), HrnnParameters(), seed=0, progress=stop)
    assert told[0].endswith(" compiling the network")
    assert "epoch 1 of" in told[1]
    assert "left" not in told[1], "a first step that was mostly compiling tells nothing"
    assert "epoch 1 of" in told[2]
    assert re.search(r"about \d+ s left", told[2])


def test_the_age_of_an_item_is_the_same_for_targets_and_negatives() -> None:
    """Every item of a small catalogue is a negative, so the target's age can be looked up among them."""
    past = sequences(repeats=0.3, users=20, length=30, n_items=40)
    sizes = replace(sizing(len(past)), streams=2)
    batches = Batches(past, sizes=sizes, hidden=32, recency=False, history_percentiles=(0, 1), seed=0)
    compared = 0
    for _ in range(2):
        for batch in batches.epoch():
            met, begin, clock = batch["met"], batch["begin"][..., None], batch["clock"]
            age = np.where(met >= begin, clock - met + 1, 0)
            at_target = np.take_along_axis(age, batch["target"].astype(int), axis=2)
            np.testing.assert_array_equal(at_target, batch["target_age"])
            compared += int((at_target > 0).sum())
    assert compared > 50


def test_classes_of_age() -> None:
    ages = np.array([1, 2, 3, 4, 5, 8, 9, 16, 17, 129, 10_000])
    assert net.repeat_age(np, ages).tolist() == [0, 1, 2, 3, 4, 7, 8, 8, 9, 12, 12]


def test_previous_meeting() -> None:
    past = Past.build(["u", "u", "u", "v", "u"], ["a", "b", "a", "a", "a"], np.arange(5))
    assert previous(past).tolist() == [-1, -1, 0, 2, -1]


def test_recency_weights_grow_with_time_and_have_mean_one() -> None:
    weight = recency_weights(np.array([30, 10, 20]))
    assert weight.argsort().tolist() == [1, 2, 0]
    assert weight.mean() == pytest.approx(1)


@pytest.mark.parametrize("n", [100, 1_000, 30_000, 10**5, 10**6, 10**7])
def test_sizes_are_reasonable_for_any_data(n: int) -> None:
    sizes, quick = sizing(n), sizing(n, effort="quick")
    assert 1 <= quick.epochs <= sizes.epochs <= 300
    assert replace(quick, epochs=sizes.epochs) == sizes
    assert 1 <= sizes.streams <= 64
    assert 0 < sizes.dropout < 0.6
    assert 300 <= sizes.epochs * max(1, n // (sizes.streams * WINDOW)) <= 20_000
