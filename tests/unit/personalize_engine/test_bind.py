"""Every recipe of the table has a model, which takes all of the recipe's parameters and no other."""

from __future__ import annotations

import numpy as np
import pytest

from contract.recipes import RECIPES
from personalize_engine.data.past import Past
from personalize_engine.models.hrnn import HrnnParameters
from personalize_engine.models.hrnn_sizing import sizing
from personalize_engine.models.popularity import Popularity
from personalize_engine.serving.bind import MODELS, BindError, bind, fit, recipe_of


def test_every_recipe_can_be_trained() -> None:
    assert sorted(MODELS) == sorted(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_documented_defaults_are_the_models(name: str) -> None:
    row = RECIPES[name]
    plain = bind(row, {}, {})
    spelled_out = bind(
        row, {p.name: p.default for p in row.hyperparameters}, {p.name: p.default for p in row.featurization}
    )
    assert plain == spelled_out
    assert isinstance(plain, MODELS[name].Parameters)


@pytest.mark.parametrize("name", ["aws-user-personalization-v2", "aws-personalized-ranking-v2"])
def test_the_newer_recipes_let_only_recency_be_chosen(name: str) -> None:
    chosen = bind(RECIPES[name], {"apply_recency_bias": "false"}, {})
    assert chosen == HrnnParameters(hidden_dimension=149, recency_mask=False)
    with pytest.raises(BindError, match="has no parameter hidden_dimension"):
        bind(RECIPES[name], {"hidden_dimension": "64"}, {})


def test_parameters_stand_where_they_belong() -> None:
    row = RECIPES["aws-trending-now"]
    with pytest.raises(BindError, match=r"algorithmHyperParameters: .* trend_discovery_frequency.*it has none"):
        bind(row, {"trend_discovery_frequency": "1 day"}, {})
    with pytest.raises(BindError, match=r"one of 30 minutes, 1 hour, 2 hours, 3 hours, 1 day"):
        bind(row, {}, {"trend_discovery_frequency": "1d"})


def test_a_recipe_is_known_by_its_whole_arn() -> None:
    assert recipe_of("arn:aws:personalize:::recipe/aws-sims") is RECIPES["aws-sims"]
    assert recipe_of("arn:aws:personalize:us-east-1:000000000000:recipe/aws-sims") is None
    assert recipe_of("aws-sims") is None


@pytest.mark.parametrize("name", ["aws-hrnn", "aws-hrnn-coldstart"])
def test_effort_decides_how_long_a_network_is_trained(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    past = Past.build(["u", "u"], ["a", "b"], np.arange(2))
    asked: dict[str, object] = {}
    monkeypatch.setattr(MODELS[name], "fit", lambda *_, **options: asked.update(options))
    fit(RECIPES[name], past, bind(RECIPES[name], {}, {}), seed=3, effort="quick")
    assert asked["sizes"] == sizing(2, effort="quick")
    assert asked["seed"] == 3


def test_effort_is_nothing_to_models_without_a_network() -> None:
    past, row = Past.build(["u", "u"], ["a", "b"], np.arange(2)), RECIPES["aws-popularity-count"]
    assert isinstance(fit(row, past, bind(row, {}, {}), seed=0, effort="quick"), Popularity)
