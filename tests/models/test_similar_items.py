"""aws-similar-items: company, likeness, popularity, and items that only their metadata tell about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from model_suite import ModelSuite, two_tastes

from personalize_engine.data.features import Described
from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.models.base import Model, Query
from personalize_engine.models.similar_items import SimilarItems, SimilarItemsParameters

COLD = ("cold-even", "cold-odd", "unknown")
"""Items without interactions: two whose metadata tell their taste, and one without metadata."""


def described(past: Past) -> Past:
    """With the items' taste as metadata, some noise beside it, and three items that nobody has met."""
    ids = [*past.items.ids, *COLD]
    taste = ["even" if int(name[-2:]) % 2 == 0 else "odd" for name in past.items.ids]
    cells = {"TASTE": [*taste, "even", "odd", None], "NOISE": [f"n{k % 3}" for k in range(len(ids) - 1)] + [None]}
    made = Described.learn(cells, {"TASTE": "categorical", "NOISE": "categorical"}, n=len(ids))
    return replace(past, items=Vocabulary(ids), item_described=made)


def best(model: SimilarItems, item: str, k: int = 3) -> list[str]:
    row = np.nan_to_num(model.scores([Query(item_id=item)])[0], nan=-np.inf)
    names = [model.items.ids[place] for place in np.argsort(-row, kind="stable")]
    return [name for name in names if name != item][:k]


class TestSimilarItems(ModelSuite):
    model = SimilarItems
    recipe = "aws-similar-items"
    asks = "item"


class TestWithMetadata:
    @pytest.fixture(scope="class")
    @classmethod
    def past(cls) -> Past:
        return described(two_tastes())

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, past: Past) -> SimilarItems:
        return SimilarItems.fit(past, SimilarItemsParameters(popularity_discount_factor=1), seed=0)

    @pytest.mark.parametrize(("cold", "rest"), [("cold-even", 0), ("cold-odd", 1)])
    def test_an_item_without_interactions_is_answered_by_what_it_is_like(
        self, fitted: SimilarItems, cold: str, rest: int
    ) -> None:
        assert all(int(name[-2:]) % 2 == rest for name in best(fitted, cold))

    def test_an_item_without_interactions_is_recommended_beside_what_it_is_like(self, fitted: SimilarItems) -> None:
        scores = fitted.scores([Query(item_id="item-00"), Query(item_id="item-01")])
        even, odd = fitted.items.row("cold-even"), fitted.items.row("cold-odd")
        assert scores[0, even] > scores[0, odd]
        assert scores[1, odd] > scores[1, even]

    def test_an_item_that_nothing_tells_about_is_left_to_popularity(self, fitted: SimilarItems) -> None:
        asked, answered = fitted.scores([Query(item_id="unknown"), Query(item_id="item-00")])
        assert np.isnan(asked).all()
        assert np.isnan(answered).nonzero()[0].tolist() == [fitted.items.row("unknown")]

    def test_metadata_of_many_columns_are_reduced(self, past: Past) -> None:
        random, n = np.random.default_rng(0), len(past.items)
        cells: dict[str, Any] = {f"C{k}": [f"v{v}" for v in random.integers(0, 9, n)] for k in range(20)}
        wide = replace(past, item_described=Described.learn(cells, dict.fromkeys(cells, "categorical"), n=n))
        model = SimilarItems.fit(wide, SimilarItemsParameters(item_metadata_hidden_dim=30), seed=0)
        assert model.source.shape == (n, 2 * n)  # of each kind no more dimensions than there are items
        assert np.isfinite(model.source).all()

    def test_the_seed_decides(self, past: Past, fitted: SimilarItems) -> None:
        again = SimilarItems.fit(past, SimilarItemsParameters(popularity_discount_factor=1), seed=0)
        np.testing.assert_array_equal(fitted.source, again.source)


def test_popularity_counts_less_the_higher_the_discount() -> None:
    # a is met with the popular p and with the rare r, equally often; everybody else meets p with another item
    rows = [("u1", "a"), ("u1", "p"), ("u2", "a"), ("u2", "p"), ("u3", "a"), ("u3", "r"), ("u4", "a"), ("u4", "r")]
    rows += [(f"v{k}", item) for k in range(40) for item in ("p", f"x{k % 5}")]
    past = Past.build([row[0] for row in rows], [row[1] for row in rows], np.arange(len(rows)))
    popular, fair = (
        SimilarItems.fit(past, SimilarItemsParameters(popularity_discount_factor=factor), seed=0) for factor in (0, 1)
    )
    assert best(popular, "a", 1) == ["p"]
    assert best(fair, "a", 1) == ["r"]


def test_the_nearer_two_items_are_met_the_more_they_go_together() -> None:
    rows = [(f"u{k}", item) for k in range(30) for item in ("a", "near", *(f"x{k}-{i}" for i in range(9)), "far")]
    rows += [(f"v{k}", item) for k in range(30) for item in ("near", f"y{k}", "far")]  # both equally popular
    past = Past.build([row[0] for row in rows], [row[1] for row in rows], np.arange(len(rows)))
    model = SimilarItems.fit(past, SimilarItemsParameters(popularity_discount_factor=1), seed=0)
    scores = dict(zip(model.items.ids, model.scores([Query(item_id="a")])[0], strict=True))
    assert scores["near"] > scores["far"]


@pytest.mark.parametrize("items", ["a", "ab"])
def test_hardly_any_data(items: str) -> None:
    past = Past.build(["u"] * len(items), list(items), np.arange(len(items)))
    model: Model[Any] = SimilarItems.fit(past, SimilarItemsParameters(), seed=0)
    assert not np.isinf(model.scores([Query(item_id="a")])).any()
