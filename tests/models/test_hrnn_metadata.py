"""aws-hrnn-metadata and its relatives: the common suite, and what metadata and context must bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_suite import N_ITEMS, START, ModelSuite, history, two_tastes

from evaluation.bootstrap import difference, interval, resample
from personalize_engine.data.features import Described, Kind
from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.models import hrnn_network as net
from personalize_engine.models.base import Interaction, Model, Query
from personalize_engine.models.hrnn import Hrnn, HrnnParameters
from personalize_engine.models.hrnn_batches import Batches
from personalize_engine.models.hrnn_metadata import Encoders
from personalize_engine.models.hrnn_sizing import WINDOW, sizing
from personalize_engine.models.hrnn_training import first_weights, read
from personalize_engine.models.saved import load, save

SMALL = HrnnParameters(hidden_dimension=32)
PARITY = ("even", "odd")


def described(table: Mapping[str, Sequence[Any]], **kinds: Kind) -> Described:
    """Those columns, which must tell something."""
    part = Described.learn(table, kinds, n=len(next(iter(table.values()))))
    assert part is not None
    return part


def described_tastes() -> Past:
    """Two tastes whose items and users say which they are; even users come by phone, and odd ones mostly by desktop."""
    past = two_tastes()
    item_kind = [PARITY[int(item[-2:]) % 2] for item in past.items.ids]
    user_kind = [PARITY[int(user.partition("-")[2]) % 2] for user in past.users.ids]
    device = [
        "phone" if user_kind[user] == "even" or k % 5 == 0 else "desktop" for k, user in enumerate(past.user.tolist())
    ]
    return replace(
        past,
        item_described=described(
            {"KIND": [f"{kind}|item" for kind in item_kind], "LENGTH": [float(k) for k in range(len(past.items))]},
            KIND="categorical",
            LENGTH="numerical",
        ),
        user_described=described({"TASTE": user_kind}, TASTE="categorical"),
        event_described=described({"DEVICE": device}, DEVICE="categorical"),
    )


class TestHrnnMetadata(ModelSuite):
    model = Hrnn
    recipe = "aws-hrnn-metadata"

    @pytest.fixture(scope="class")
    @classmethod
    def past(cls) -> Past:
        return described_tastes()

    def query(self, user: int) -> Query:
        plain = super().query(user)
        device = "phone" if user % 2 == 0 else "desktop"
        events = [replace(event, properties={"DEVICE": device}) for event in plain.history]
        return replace(plain, history=events, user={"TASTE": PARITY[user % 2]}, context={"DEVICE": device})

    @pytest.mark.parametrize("parity", [0, 1])
    def test_a_user_without_history_gets_what_such_users_like(self, fitted: Model[Any], parity: int) -> None:
        scores = fitted.scores([Query(user_id="new", user={"TASTE": PARITY[parity]})])[0]
        best = np.argsort(-scores)[: N_ITEMS // 2]
        assert {int(fitted.items.ids[row][-2:]) % 2 for row in best} == {parity}

    def test_the_context_alone_is_an_answer(self, fitted: Model[Any]) -> None:
        scores = fitted.scores([Query(context={"DEVICE": "desktop"})])[0]
        best = np.argsort(-scores)[:5]
        assert {int(fitted.items.ids[row][-2:]) % 2 for row in best} == {1}

    @pytest.mark.parametrize(
        "row", [{"TASTE": "unseen"}, {"TASTE": None}, {"OTHER": "even"}, {"TASTE": float("nan")}, {"TASTE": "𐀀" * 1000}]
    )
    def test_what_is_unknown_says_nothing(self, fitted: Model[Any], row: dict[str, Any]) -> None:
        events = history(["item-00", "item-02"])
        with_row = Query(history=events, user=row, context={"DEVICE": "television", "OTHER": "x"})
        np.testing.assert_allclose(fitted.scores([with_row]), fitted.scores([Query(history=events)]), rtol=1e-5)
        assert np.isnan(fitted.scores([Query(user=row)])).all()

    def test_metadata_of_past_interactions_are_read(self, fitted: Model[Any]) -> None:
        def told(device: str) -> Query:
            return Query(history=[Interaction(item_id="item-00", at=START, properties={"DEVICE": device})])

        phone, desktop, neither = fitted.scores([told("phone"), told("desktop"), told("unseen")])
        assert not np.allclose(phone, desktop)
        assert not np.allclose(phone, neither)
        np.testing.assert_allclose(neither, fitted.scores([Query(history=history(["item-00"]))])[0], rtol=1e-5)

    def test_who_has_no_history_is_answered_by_what_is_known_of_them(self, fitted: Model[Any]) -> None:
        even, odd, nobody = fitted.scores([Query(user={"TASTE": taste}) for taste in ("even", "odd", "unheard of")])
        assert not np.isnan([even, odd]).any()
        assert np.argmax(even) != np.argmax(odd)
        assert np.isnan(nobody).all()


def with_cold_items(past: Past, cold: Mapping[str, str | None]) -> Past:
    """`past` with more items, which only the Items dataset knows: id and KIND. The encoder is learned anew."""
    ids = sorted({*past.items.ids, *cold})
    items = Vocabulary(ids)
    kinds = [cold[item] if item in cold else PARITY[int(item[-2:]) % 2] for item in ids]
    return replace(
        past,
        items=items,
        item=items.rows(past.items.ids)[past.item].astype(np.int32),
        item_described=described({"KIND": kinds}, KIND="categorical"),
    )


COLD: dict[str, str | None] = {f"cold-{k}": PARITY[k % 2] for k in range(6)} | {"unknown": None}


def likes(model: Hrnn, items: list[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Scores of those items for a user of the even taste, and for one of the odd."""
    rows = model.items.rows(items)
    scores = model.scores([Query(history=history([f"item-{2 * k + p:02d}" for k in range(4)])) for p in (0, 1)])
    even, odd = (dict(zip(items, one[rows].tolist(), strict=True)) for one in scores)
    return even, odd


def test_an_item_without_interactions_is_what_its_features_say() -> None:
    past = with_cold_items(two_tastes(), COLD)
    model = Hrnn.fit(past, SMALL, seed=0)
    even, odd = likes(model, list(COLD))
    for item, kind in COLD.items():
        if kind is not None:
            assert (even[item] > odd[item]) is (kind == "even"), item
    assert even["cold-0"] == pytest.approx(even["cold-2"], abs=1e-5)
    assert even["unknown"] < even["cold-0"]
    batches = Batches(
        past, sizes=sizing(len(past)), hidden=32, recency=False, history_percentiles=(0, 1), seed=0
    ).epoch()
    assert not {past.items.ids[row] for row in np.unique(next(batches)["negative"])} & set(COLD), "never a negative"


def test_an_update_adds_new_items_and_leaves_the_others(tmp_path: Path) -> None:
    past = with_cold_items(two_tastes(), {})
    before = Hrnn.fit(past, SMALL, seed=0)
    save(before, tmp_path / "model")
    model = load(Hrnn, tmp_path / "model").updated(with_cold_items(two_tastes(), COLD))
    assert set(model.items.ids) == {*past.items.ids, *COLD}
    for item in past.items.ids:
        own, old = model.items.row(item), before.items.row(item)
        for name in ("embedding", "bias"):
            np.testing.assert_array_equal(model.weights[name][own], before.weights[name][old])
    even, odd = likes(model, list(COLD))
    for item, kind in COLD.items():
        if kind is not None:
            assert (even[item] > odd[item]) is (kind == "even"), item
    assert even["unknown"] < even["cold-0"]
    again = model.updated(past)
    assert again.items.ids == past.items.ids
    np.testing.assert_array_equal(again.weights["embedding"], before.weights["embedding"])


def test_an_update_without_metadata_puts_new_items_last() -> None:
    past = two_tastes()
    before = Hrnn(SMALL, past.items, weights=first_weights(past, hidden=32, channels=64, seed=0))
    even, _ = likes(before.updated(with_cold_items(past, COLD)), list(COLD))
    assert len(set(even.values())) == 1
    assert np.isfinite(next(iter(even.values())))


def test_serving_computes_what_training_does_with_metadata() -> None:
    """A stream of two users, the second after a step before their first item; every part of the metadata at once."""
    import jax.numpy as jnp

    past = described_tastes()
    rng = np.random.default_rng(0)
    weights = first_weights(past, hidden=32, channels=64, seed=0)
    for name in ("user_features", "event_features", "context_features"):
        weights[name] = jnp.asarray(rng.normal(0, 0.3, weights[name].shape), jnp.float32)
    model = Hrnn(SMALL, past.items, weights=weights, encoders=Encoders.of(past))
    start = 10
    item = rng.integers(0, len(past.items), WINDOW)
    at = START + np.cumsum(rng.choice([60, 90_000], WINDOW))
    position = np.where(np.arange(WINDOW) < start, np.arange(WINDOW), np.arange(WINDOW) - start - 1)
    gap = np.where(position > 0, np.diff(at, prepend=at[0]), 0)
    device, asked_on = rng.choice(["phone", "desktop"], (2, WINDOW))
    tastes = np.where(np.arange(WINDOW) < start, "even", "odd")
    encoders = Encoders.of(past)

    def padded(column: str, cells: Any) -> tuple[Any, ...]:
        encoder = encoders.user if column == "TASTE" else encoders.event
        index, weight = encoder.encode({column: cells.tolist()}, n=WINDOW).padded(1)
        if column == "TASTE":
            weight = weight * net.prior_weight(position + 1.0)[:, None]
        return index[None], weight[None].astype(np.float32)

    batch = {
        "item": item[None],
        "features": net.time_features(gap, np.maximum(position, 0))[None],
        "new_session": (gap > net.SESSION_GAP)[None],
        "new_user": (position <= 0)[None],
        "nothing_read": (position < 0)[None],
        "kept_input": True,
        "kept_states": True,
        "user_described": padded("TASTE", tastes),
        "event_described": padded("DEVICE", device),
        "context_described": padded("DEVICE", asked_on),
    }
    carry = (jnp.ones((1, 32)), jnp.ones((1, 64)))
    expected, _ = read(weights, carry, batch, bptt=32, dropout=0.0)
    logits = np.asarray(expected)[0] @ np.asarray(weights["embedding"]).T + np.asarray(weights["bias"])
    queries = []
    for step in range(WINDOW):
        first = 0 if step < start else start + 1
        events = [
            Interaction(item_id=past.items.ids[item[k]], at=int(at[k]), properties={"DEVICE": device[k]})
            for k in range(first, step + 1)
        ]
        context = {"DEVICE": str(asked_on[step])}
        queries.append(Query(history=events, user={"TASTE": tastes[step]}, context=context))
    np.testing.assert_allclose(model.scores(queries), logits, atol=3e-4)  # the repeat term starts at zero


def test_batches_join_every_target_with_its_own_user_and_context() -> None:
    """Users of one to three interactions: each step's user and context are those of its target."""
    rng = np.random.default_rng(1)
    lengths = rng.integers(1, 4, 60)
    users = [f"u{user:02d}" for user, n in enumerate(lengths) for _ in range(n)]
    past = Past.build(users, [f"i{k:03d}" for k in range(len(users))], np.arange(len(users)))
    past = replace(
        past,
        user_described=described({"NAME": [name for name in past.users.ids for _ in (0, 1)]}, NAME="categorical").take(
            np.arange(0, 2 * len(past.users), 2)
        ),
        event_described=described({"PLACE": [float(k) for k in range(len(past))]}, PLACE="numerical"),
    )
    sizes = replace(sizing(len(past)), streams=2)
    batches = Batches(past, sizes=sizes, hidden=32, recency=False, history_percentiles=(0, 1), seed=0)
    owner = {item: past.users.ids[user] for item, user in zip(past.item.tolist(), past.user.tolist(), strict=True)}
    assert past.event_described is not None
    assert past.user_described is not None
    context_of = past.event_described.rows.padded()
    starts = asked = 0
    for batch in batches.epoch():
        target = np.asarray(batch["target"]).reshape(batch["item"].shape)
        index, weight = batch["context_described"]
        given = weight.sum(-1) > 0
        for row in (0, 1):
            expected = context_of[row][target]  # the items are numbered like the interactions
            np.testing.assert_array_equal((index, weight)[row][given], expected[given])
        names = past.user_described.encoder.columns[0].categories
        index, weight = batch["user_described"]
        told = weight[..., 0] > 0
        assert [names[k] for k in index[..., 0][told]] == [owner[k] for k in target[told]]
        nothing = batch["nothing_read"]
        read_by = np.vectorize(owner.get)(batch["item"])
        assert (read_by[~nothing] == np.vectorize(owner.get)(target)[~nothing]).all()
        starts += int(nothing.sum())
        asked += int(given.sum())
        assert 0 < given.mean() < 1, "a share of the questions comes without context"
    assert starts >= 20, "users of a single interaction are learned from, too"
    assert asked > 20


def shopping(seed: int, *, users: int = 250, items: int = 600, length: int = 9) -> tuple[Past, list[str], Past]:
    """Users stay with two of twelve genres and meet an item about four times in all: (past, genres, future)."""
    rng = np.random.default_rng(seed)
    genre = rng.integers(0, 12, items)
    rows = []
    for user in range(users):
        liked = np.flatnonzero(np.isin(genre, rng.choice(12, 2, replace=False)))
        rows += [(f"u{user:03d}", f"i{item:03d}") for item in rng.choice(liked, length, replace=False)]
    everything = Past.build([r[0] for r in rows], [r[1] for r in rows], START + 60 * np.arange(len(rows)))
    newest = everything.positions >= length - 3
    genres = [f"genre-{genre[int(name[1:])]}" for name in everything.items.ids]
    return everything.where(~newest), genres, everything.where(newest)


def recalls(model: Hrnn, past: Past, future: Past, *, context: Sequence[str] | None = None) -> list[float]:
    """Per user the share of the held-out items that are among the best 25 of a history's answer."""
    ends, width = past.ends.tolist(), (past.lengths[0], future.lengths[0])
    values = []
    for user, end in enumerate(ends):
        events = [Interaction(item_id=past.items.ids[i], at=START) for i in past.item[end - width[0] : end]]
        truth = future.item[user * width[1] : (user + 1) * width[1]]
        query = Query(history=events, context={} if context is None else {"ROOM": context[user]})
        best = np.argsort(-model.scores([query])[0])[:25]
        values.append(float(np.isin(truth, best).mean()))
    return values


def gain(better: list[float], worse: list[float]) -> tuple[float, float]:
    """The paired interval of a difference."""
    a, b = resample([better, worse], resamples=500, seed=0)
    return interval(difference(a, b))


def test_a_field_that_tells_something_helps_and_one_of_noise_does_not_hurt() -> None:
    past, genres, future = shopping(seed=0)
    plain = recalls(Hrnn.fit(past, SMALL, seed=0), past, future)

    def with_genres(values: Sequence[str]) -> list[float]:
        told = replace(past, item_described=described({"GENRE": values}, GENRE="categorical"))
        return recalls(Hrnn.fit(told, SMALL, seed=0), past, future)

    assert gain(with_genres(genres), plain)[0] > 0.05
    noise = np.random.default_rng(5).permutation(genres).tolist()
    assert gain(with_genres(noise), plain)[1] > 0


def test_context_helps_where_it_tells_something() -> None:
    """What is taken depends on the room (seen in past interactions too), which changes from one to the next."""
    rng = np.random.default_rng(2)
    users, length, items = 200, 8, 200
    room = rng.integers(0, 4, (users, length))
    item = room * (items // 4) + rng.integers(0, items // 4, (users, length))
    names = [f"u{user:03d}" for user in range(users) for _ in range(length)]
    past = Past.build(names, [f"i{k:03d}" for k in item.ravel()], START + 60 * np.arange(len(names)))
    past = replace(past, event_described=described({"ROOM": [f"r{k}" for k in room.ravel()]}, ROOM="categorical"))
    newest = past.positions == length - 1
    train, future = past.where(~newest), past.where(newest)
    model = Hrnn.fit(train, SMALL, seed=0)
    on = recalls(model, train, future, context=[f"r{k}" for k in room[:, -1]])
    off = recalls(model, train, future)
    assert gain(on, off)[0] > 0.1
    assert np.mean(off) > 0.05, "asked without context it still answers"
