"""What the benchmark's own recommenders and processes do: EASE, genre popularity, metadata, contexts, validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.recipes.baselines import genre_popularity
from benchmarks.recipes.ease import Ease
from benchmarks.recipes.exchange import Answer, Asked, Curve, Job, best_epoch, read_histories, validation
from benchmarks.recipes.growing import generated_past
from benchmarks.recipes.lists import answer_in_batches, best
from benchmarks.recipes.ours import answer as answer_of_recipe
from benchmarks.recipes.pace import reached
from benchmarks.recipes.tables import Tables
from contract.recipes import DatasetKind
from evaluation.interactions import Interactions

COLUMNS = {"Interactions": {"CABIN": "categorical"}, "Items": {"GENRES": "categorical", "YEAR": "numerical"}}


@pytest.fixture
def past(tmp_path: Path) -> Path:
    """Two users; times out of order, with a tie; an item that nobody met."""
    rows = ["u2,b,20,eco", "u1,c,30,", "u1,a,10,eco", "u1,b,10,first", "u2,a,10,first"]
    (tmp_path / "interactions.csv").write_text("\n".join(["USER_ID,ITEM_ID,TIMESTAMP,CABIN", *rows]) + "\n")
    items = ["a,x|y,1990", "b,x,", "c,,2000", "d,y,1995"]
    (tmp_path / "items.csv").write_text("\n".join(["ITEM_ID,GENRES,YEAR", *items]) + "\n")
    return tmp_path


def test_histories_are_in_the_order_of_time_and_ties_in_that_of_the_file(past: Path) -> None:
    assert read_histories(past) == {"u2": ["a", "b"], "u1": ["a", "b", "c"]}
    tables = Tables.read(past, COLUMNS)
    assert [event.item_id for event in tables.history("u1", metadata=False)] == ["a", "b", "c"]
    assert [event.properties for event in tables.history("u1", metadata=True)] == [
        {"CABIN": "eco"},
        {"CABIN": "first"},
        {},
    ]


def test_a_past_has_metadata_only_for_recipes_that_read_it(past: Path) -> None:
    tables = Tables.read(past, COLUMNS)
    plain = tables.past()
    assert plain.items.ids == ("a", "b", "c")
    assert plain.item_described is None
    whole = tables.past([DatasetKind.INTERACTIONS, DatasetKind.ITEMS])
    assert whole.items.ids == ("a", "b", "c", "d")
    assert whole.item_counts.tolist() == [2, 2, 1, 0]
    assert whole.item_described is not None
    assert np.diff(whole.item_described.rows.start).tolist() == [3, 1, 1, 3]  # d: its year lies between two knots
    assert whole.event_described is not None
    assert len(whole.event_described.rows) == len(whole)


def test_both_sides_hold_the_same_rows_out_for_validation(past: Path) -> None:
    train, truth = validation(read_histories(past))
    assert train == {"u1": ["a", "b"], "u2": ["a"]}
    assert truth == {"u1": ["c"], "u2": ["b"]}
    tables = Tables.read(past, COLUMNS).without_newest()
    assert {user: [e.item_id for e in tables.history(user, metadata=False)] for user in train} == train


def test_a_curve_ends_when_patience_does() -> None:
    histories = {f"u{k}": ["a", "b", "c"] for k in range(4)}
    answer = Answer()
    lists = iter([["x", "c"], ["c"], ["x", "c"], ["x", "x", "c"], ["c"]])
    job = Job(past="", columns={}, settings={}, seed=0, patience=2)

    def ask(users: object) -> dict[str, list[str]]:
        now = next(lists)
        return dict.fromkeys(histories, now)

    curve = Curve(job, answer, ask, histories)
    assert [curve.epoch() for _ in range(4)] == [False, False, False, True]
    assert [value for *_, value in answer.curve] == pytest.approx([0.6309, 1, 0.6309, 0.5], abs=1e-4)
    assert best_epoch(answer.curve) == 2
    assert reached([(1, 1.5, 0.1), (2, 2.5, 0.3), (3, 3.5, 0.2)], 0.15) == (2, 2.5)
    assert reached([(1, 1.5, 0.1)], 0.15) is None


def test_ease_by_hand() -> None:
    histories = {"u1": ["a", "b"], "u2": ["a", "b"], "u3": ["c"]}
    model = Ease(histories, regularization=1.0)
    assert model.items == ["a", "b", "c"]
    # XᵀX + I = [[3, 2], [2, 3]] for a and b; its inverse is [[.6, -.4], [-.4, .6]]: B_ab = .4 / .6.
    np.testing.assert_allclose(model.weights, [[0, 2 / 3, 0], [2 / 3, 0, 0], [0, 0, 0]], atol=1e-6)
    scores = model.scores([["b", "a"]], recency=1.0)
    np.testing.assert_allclose(scores, [[2 / 3 / 2, 2 / 3, 0]], atol=1e-6)
    assert model.lists([["a"]], 1) == [["b"]]


def test_genre_popularity_is_the_mean_over_an_items_genres_of_users_per_warm_item() -> None:
    past = Interactions([("u1", "a", "1"), ("u2", "a", "1"), ("u1", "b", "2"), ("u3", "a", "1")])
    genres = {"a": ["x"], "b": ["y"], "p": ["y"], "q": ["x"], "r": ["x", "y"], "s": ["z"]}
    assert genre_popularity(past, genres) == ["q", "r", "p", "s"]  # 3, 2, 1, and a genre that no warm item has


def test_the_best_leave_out_what_cannot_be_told() -> None:
    assert best(np.array([1.0, 3.0, np.nan, 3.0, -np.inf]), 10) == [1, 3, 0]
    answer = Answer()
    job = Job(past="", columns={}, settings={}, seed=0, asked=[Asked(user=f"u{k}", last_item="a") for k in range(600)])
    answer_in_batches(job, answer, lambda users: {user: [user] for user in users})
    assert len(answer.lists) == 600
    assert answer.per_second > 0


def test_who_does_not_read_the_context_is_not_asked_in_it(past: Path) -> None:
    asked = [Asked(user="u1", last_item="c", contexts=[{"CABIN": "eco"}])]
    answer = Answer()
    answer_of_recipe(_job(past, "aws-popularity-count", asked, length=2), answer)
    assert answer.lists == {"u1": ["a", "b"]}
    assert answer.in_context == []


def test_a_recipe_answers_without_a_context_and_in_each(past: Path) -> None:
    asked = [Asked(user="u1", last_item="c", contexts=[{"CABIN": "eco"}, {"CABIN": "first"}])]
    job = _job(past, "aws-hrnn-metadata", asked, study={"effort": "quick", "different": {"epochs": 1}})
    answer = Answer()
    answer_of_recipe(job, answer)
    assert [(user, context) for user, context, _ in answer.in_context] == [
        ("u1", [("CABIN", "eco")]),
        ("u1", [("CABIN", "first")]),
    ]
    assert {frozenset(items) for items in (answer.lists["u1"], *(items for *_, items in answer.in_context))} == {
        frozenset("abc")  # d has no interactions, and exploration is off
    }


def _job(past: Path, recipe: str, asked: list[Asked], *, length: int = 500, **settings: Any) -> Job:
    return Job(
        past=str(past), columns=COLUMNS, settings={"recipe": recipe, **settings}, seed=0, asked=asked, length=length
    )


def test_related_items_leave_out_the_item_asked_about(past: Path) -> None:
    job = _job(past, "aws-sims", [Asked(user="u1", last_item="c"), Asked(user="u2", last_item="b")])
    answer = Answer()
    answer_of_recipe(job, answer)
    assert "c" not in answer.lists["u1"]
    assert "b" not in answer.lists["u2"]


def test_generated_rows_are_sorted_and_long_tailed() -> None:
    made = generated_past(20_000)
    assert len(made) == 20_000
    assert (np.diff(made.user) >= 0).all()
    assert (made.lengths == 100).all()
    counts = np.bincount(made.item, minlength=10_000)
    assert counts[:1000].sum() > 3 * counts[-1000:].sum()
