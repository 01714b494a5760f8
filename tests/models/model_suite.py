"""What every model must do, as one class of tests to inherit: name the model, its parameters and what it knows.

The data are two tastes: even users go through the even items, odd users through the odd ones, each from another start.
Half of every user's items come in the past, so what they miss of their own kind is the right answer.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import BaseModel

from contract.recipes import RECIPES
from personalize_engine.data.past import Past
from personalize_engine.models.base import Interaction, Model, Query
from personalize_engine.models.saved import SavedModelError, load, save

N_USERS, N_ITEMS, LENGTH = 200, 20, 6
START = 1_600_000_000


def walk(user: int) -> list[str]:
    """A user's items in order."""
    kind, own = user % 2, N_ITEMS // 2
    return [f"item-{2 * ((user // 2 + step) % own) + kind:02d}" for step in range(LENGTH)]


def two_tastes() -> Past:
    """The past of all users, a minute between a user's events."""
    rows = [(f"user-{user}", item, START + 60 * k) for user in range(N_USERS) for k, item in enumerate(walk(user))]
    return Past.build([r[0] for r in rows], [r[1] for r in rows], np.array([r[2] for r in rows]))


def history(items: list[str]) -> list[Interaction]:
    """Those items, a minute apart."""
    return [Interaction(item_id=item, at=START + 60 * k) for k, item in enumerate(items)]


class ModelSuite:
    """Inherit as `class TestX(ModelSuite)` and set the class variables."""

    model: type[Model[Any]]
    settings: ClassVar[dict[str, Any]] = {}
    recipe: str | None = None
    answers_tastes = True
    """Whether the scores tell the two tastes apart; else everybody gets the same."""
    asks = "user"
    """`user` (a history) or `item`."""
    unknown_is_nan = True

    @classmethod
    def parameters(cls) -> BaseModel:
        return cls.model.Parameters(**cls.settings)

    @pytest.fixture(scope="class")
    @classmethod
    def past(cls) -> Past:
        return two_tastes()

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, past: Past) -> Model[Any]:
        return cls.model.fit(past, cls.parameters(), seed=1)

    def query(self, user: int) -> Query:
        items = walk(user)
        if self.asks == "item":
            return Query(item_id=items[-1])
        return Query(user_id=f"user-{user}", history=history(items))

    def test_scores_have_a_row_per_query_and_a_column_per_item(self, fitted: Model[Any]) -> None:
        scores = fitted.scores([self.query(user) for user in range(3)])
        assert scores.shape == (3, len(fitted.items))
        assert scores.dtype == np.float32
        assert not np.isinf(scores).any()
        assert fitted.scores([]).shape == (0, len(fitted.items))

    def test_known_answers(self, fitted: Model[Any]) -> None:
        if not self.answers_tastes:
            both = fitted.scores([self.query(0), self.query(1)])
            np.testing.assert_array_equal(both[0], both[1])
            return
        for user in range(8):
            scores = np.nan_to_num(fitted.scores([self.query(user)])[0], nan=-np.inf)
            asked = {self.query(user).item_id, *(event.item_id for event in self.query(user).history)}
            best = [fitted.items.ids[k] for k in np.argsort(-scores, kind="stable")]
            unseen = [item for item in best if item not in asked][:2]
            assert all(int(item[-2:]) % 2 == user % 2 for item in unseen), (user, unseen)

    def test_batch_equals_single(self, fitted: Model[Any]) -> None:
        queries = [self.query(user) for user in range(5)]
        queries[2] = Query(user_id="new", history=history(["item-04"]), item_id="item-04")
        queries[3] = Query()
        together = fitted.scores(queries)
        for row, query in zip(together, queries, strict=True):
            np.testing.assert_allclose(fitted.scores([query])[0], row, rtol=1e-4, atol=1e-5)

    def test_saved_and_loaded_it_answers_the_same(self, fitted: Model[Any], tmp_path: Path) -> None:
        save(fitted, tmp_path / "model")
        save(fitted, tmp_path / "model")
        again = load(self.model, tmp_path / "model")
        queries = [self.query(user) for user in range(5)]
        np.testing.assert_array_equal(fitted.scores(queries), again.scores(queries))
        assert again.parameters == fitted.parameters
        assert again.items.ids == fitted.items.ids
        assert [path.name for path in tmp_path.iterdir()] == ["model"]

    def test_a_damaged_folder_is_refused(self, fitted: Model[Any], tmp_path: Path) -> None:
        save(fitted, tmp_path / "model")
        (tmp_path / "model" / "arrays.npz").write_bytes(b"no zip")
        with pytest.raises(SavedModelError, match="no readable model"):
            load(self.model, tmp_path / "model")

    def test_unknown_user_and_empty_history(self, fitted: Model[Any]) -> None:
        scores = fitted.scores([Query(user_id="nobody"), Query()])
        assert bool(np.isnan(scores).all()) is self.unknown_is_nan

    def test_unknown_items_count_for_nothing(self, fitted: Model[Any]) -> None:
        known = self.query(0)
        with_unknown = replace(known, history=[*known.history, Interaction(item_id="new", at=START)])
        np.testing.assert_allclose(fitted.scores([with_unknown]), fitted.scores([known]), rtol=1e-5)
        only = fitted.scores([Query(history=history(["new"]), item_id="new")])
        assert bool(np.isnan(only).all()) is self.unknown_is_nan

    def test_the_same_seed_gives_the_same_model(self, past: Past, fitted: Model[Any]) -> None:
        again = self.model.fit(past, self.parameters(), seed=1)
        for name, array in fitted.arrays().items():
            np.testing.assert_array_equal(array, again.arrays()[name], err_msg=name)

    def test_parameters_are_those_of_the_recipe(self) -> None:
        row = RECIPES[self.recipe] if self.recipe else None
        known = {p.name: p for p in (*row.hyperparameters, *row.featurization)} if row else {}
        fields = self.model.Parameters.model_fields
        assert set(fields) == set(known)
        defaults = self.model.Parameters()
        for name, parameter in known.items():
            assert getattr(defaults, name) == self.model.Parameters(**{name: parameter.default}).model_dump()[name]
            for bound, step in ((parameter.low, -1), (parameter.high, 1)):
                if bound is not None:
                    inside = {other: p.high for other, p in known.items() if other.startswith("max_")}
                    self.model.Parameters(**{**inside, name: bound})
                    with pytest.raises(ValueError, match=name):
                        self.model.Parameters(**{**inside, name: bound + step})
