"""The models: the common suite, and for each what only it promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from model_suite import ModelSuite

from personalize_engine.data.past import Past
from personalize_engine.models.base import Query
from personalize_engine.models.co_occurrence import CoOccurrence, CoOccurrenceParameters
from personalize_engine.models.popularity import Popularity, PopularityParameters
from personalize_engine.models.saved import SavedModelError, load, save

EVERYONE = {
    "min_user_history_length_percentile": 0,
    "max_user_history_length_percentile": 1,
    "min_item_interaction_count_percentile": 0,
    "max_item_interaction_count_percentile": 1,
}


class TestPopularity(ModelSuite):
    model = Popularity
    recipe = "aws-popularity-count"
    answers_tastes = False
    unknown_is_nan = False

    def test_it_counts_users_not_interactions(self) -> None:
        past = Past.build(["u", "u", "u", "v"], ["often", "often", "both", "both"], np.arange(4))
        model = Popularity.fit(past, PopularityParameters(), seed=0)
        assert dict(zip(model.items.ids, model.scores([Query()])[0], strict=True)) == {"both": 2, "often": 1}


class TestCoOccurrence(ModelSuite):
    model = CoOccurrence
    recipe = "aws-sims"
    asks = "item"

    def related(self, item: str, **settings: float) -> dict[str, float]:
        users = {"a": "xyz", "b": "xyz", "c": "xyz", "d": "xz", "e": "xw", "f": "xw"}
        rows = [(user, one) for user, items in users.items() for one in items]
        past = Past.build([r[0] for r in rows], [r[1] for r in rows], np.arange(len(rows)))
        model = CoOccurrence.fit(past, CoOccurrenceParameters(**{**EVERYONE, **settings}), seed=0)
        row = model.scores([Query(item_id=item)])[0]
        return {name: float(s) for name, s in zip(model.items.ids, row, strict=True) if not np.isnan(s)}

    def test_the_formula(self) -> None:
        # x has six users, y three, z four, w two; together: x y 3, x z 4, y z 3, x w 2
        cosine = self.related("x")
        assert cosine == pytest.approx({"y": 3 / (6 * 3) ** 0.5, "z": 4 / (6 * 4) ** 0.5})
        assert self.related("x", popularity_discount_factor=0) == pytest.approx({"y": 3, "z": 4})
        assert self.related("x", popularity_discount_factor=1) == pytest.approx({"y": 3 / 18, "z": 4 / 24})

    def test_pairs_need_enough_common_users(self) -> None:
        assert set(self.related("x", min_cointeraction_count=2)) == {"w", "y", "z"}
        assert set(self.related("x", min_cointeraction_count=4)) == {"z"}
        assert set(self.related("w", min_cointeraction_count=0)) == {"x"}

    def test_too_popular_items_are_related_to_nothing(self) -> None:
        kept = self.related("y", max_item_interaction_count_percentile=0.9, min_cointeraction_count=0)
        assert set(kept) == {"x", "z"}
        fewer = self.related("y", max_item_interaction_count_percentile=0.7, min_cointeraction_count=0)
        assert set(fewer) == {"z"}

    def test_long_histories_can_be_left_out(self) -> None:
        assert self.related("y", max_user_history_length_percentile=0.4) == {}


def test_another_class_is_refused(tmp_path: Path) -> None:
    past = Past.build(["u"], ["a"], np.arange(1))
    save(Popularity.fit(past, PopularityParameters(), seed=0), tmp_path / "m")
    with pytest.raises(SavedModelError, match="holds a Popularity, not a CoOccurrence"):
        load(CoOccurrence, tmp_path / "m")
    with pytest.raises(SavedModelError, match="no readable model"):
        load(Popularity, tmp_path / "nothing")
