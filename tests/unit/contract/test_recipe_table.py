"""The recipe table: defaults lie in their ranges, retired recipes have living successors, trainings are grouped."""

from __future__ import annotations

import pytest

from contract.recipes import RECIPES, Parameter, Recipe, resolve

PARAMETERS = [
    pytest.param(row.name, parameter, id=f"{row.name}-{parameter.name}")
    for row in RECIPES.values()
    for parameter in (*row.hyperparameters, *row.featurization, *row.exploration)
]


@pytest.mark.parametrize(("recipe", "parameter"), PARAMETERS)
def test_a_default_is_allowed_and_what_lies_outside_is_not(recipe: str, parameter: Parameter) -> None:
    parameter.parse(parameter.default)
    outside = ["maybe"]
    if parameter.high is not None:
        outside.append(str(parameter.high + 1))
    if parameter.low is not None:
        outside.append(str(parameter.low - 1))
    for text in [*outside, "nan"]:
        with pytest.raises(ValueError, match=parameter.name):
            parameter.parse(text)


def test_a_retired_recipe_has_a_living_successor() -> None:
    for row in RECIPES.values():
        assert row.retired == (row.successor is not None)
        if row.successor:
            assert not RECIPES[row.successor].retired


@pytest.mark.parametrize("row", RECIPES.values(), ids=lambda row: row.name)
def test_columns_go_together(row: Recipe) -> None:
    assert set(row.metadata) <= {*row.required, *row.optional}
    assert not (row.real_time and row.trends)
    assert not row.updates or row.cold_items != "never", "an update is for new items"
    assert row.cold_items == "never" or row.uses_metadata, "nothing else is known of an item without interactions"
    for parameter in (*row.hyperparameters, *row.featurization, *row.exploration):
        assert (parameter.kind == "categorical") == bool(parameter.values)
        assert not parameter.only_tuned or parameter.tunable
    if row.successor:
        assert (row.exploration_weight is not None) == RECIPES[row.successor].explores


def test_infinity_is_no_number() -> None:
    (cut_off,) = [p for p in RECIPES["aws-user-personalization"].exploration if p.high is None]
    with pytest.raises(ValueError, match="explorationItemAgeCutOff"):
        cut_off.parse("inf")


def test_here_every_recipe_is_trained_as_itself() -> None:
    for name in RECIPES:
        assert resolve(name, on_aws=False).trained == name


def test_on_aws_metadata_and_coldstart_share_one_training_and_hrnn_learns_from_ids_alone() -> None:
    hrnn, metadata, cold = (resolve(f"aws-hrnn{suffix}", on_aws=True) for suffix in ("", "-metadata", "-coldstart"))
    assert {hrnn.trained, metadata.trained, cold.trained} == {"aws-user-personalization"}
    assert hrnn.exclude_metadata
    assert (metadata.exclude_metadata, cold.exclude_metadata) == (False, False)
    assert (hrnn.exploration_weight, metadata.exploration_weight, cold.exploration_weight) == ("0", "0", "1")
    assert not hrnn.carries_hyperparameters
