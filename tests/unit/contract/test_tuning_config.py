"""hpoConfig: what the service would refuse is refused with the parameter's name, and what is left out has a meaning."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.recipes import RECIPES
from contract.tuning import DEFAULT_JOBS, MAX_JOBS, MAX_PARALLEL, MEMBERS, TuningError, read_search

HRNN = RECIPES["aws-hrnn"]
TUNABLE = [recipe for recipe in RECIPES.values() if any(parameter.tunable for parameter in recipe.hyperparameters)]


def ranges(**members: list[dict[str, Any]]) -> dict[str, Any]:
    """{"hpoConfig": …}; members by the kind of parameter."""
    return {"hpoConfig": {"algorithmHyperParameterRanges": {MEMBERS[kind]: rows for kind, rows in members.items()}}}


def names(config: dict[str, Any]) -> list[str]:
    return [row.parameter.name for row in read_search(HRNN, config).ranges]


@pytest.mark.parametrize("recipe", TUNABLE, ids=lambda recipe: recipe.name)
def test_without_ranges_all_that_can_be_tuned_is_searched_in_its_documented_range(recipe: Any) -> None:
    search = read_search(recipe, {})
    assert [row.parameter for row in search.ranges] == [row for row in recipe.hyperparameters if row.tunable]
    for row in search.ranges:
        assert (row.values == row.parameter.values) if row.values else (row.low, row.high) != (0, 0)
    assert search.first == {row.parameter.name: row.parameter.default for row in search.ranges}
    assert (search.jobs, search.objective) == (DEFAULT_JOBS, "normalized_discounted_cumulative_gain_at_10")


def test_what_the_solution_fixes_is_not_searched_unless_a_range_names_it() -> None:
    fixed: dict[str, Any] = {"algorithmHyperParameters": {"hidden_dimension": "64"}}
    assert names(fixed) == ["bptt", "recency_mask"]
    row = {"name": "hidden_dimension", "minValue": 40, "maxValue": 80}
    both = read_search(HRNN, fixed | ranges(integer=[row]))
    assert [(row.parameter.name, row.low, row.high) for row in both.ranges] == [("hidden_dimension", 40, 80)]
    assert both.first == {"hidden_dimension": "64"}


def test_a_start_outside_of_the_range_is_left_to_chance() -> None:
    search = read_search(HRNN, ranges(integer=[{"name": "hidden_dimension", "minValue": 100, "maxValue": 200}]))
    assert search.first == {}


def test_a_missing_bound_is_that_of_the_recipe_and_values_are_read_in_any_case() -> None:
    config = ranges(
        integer=[{"name": "bptt", "minValue": 20}], categorical=[{"name": "recency_mask", "values": ["true"]}]
    )
    bptt, mask = read_search(HRNN, config).ranges
    assert (bptt.low, bptt.high) == (20, 32)
    assert mask.values == ("True",)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (ranges(integer=[{"name": "bptt", "minValue": 20, "maxValue": 40}]), "bptt='40' is not allowed"),
        (ranges(integer=[{"name": "bptt", "minValue": 1, "maxValue": 4}]), "bptt='1' is not allowed"),
        (
            ranges(integer=[{"name": "bptt", "minValue": 9, "maxValue": 8}]),
            "minValue 9 of bptt is above its maxValue 8",
        ),
        (ranges(integer=[{"name": "width"}]), "aws-hrnn has no hyperparameter width"),
        (ranges(integer=[{"minValue": 1}]), "aws-hrnn has no hyperparameter None"),
        (ranges(continuous=[{"name": "bptt"}]), "bptt is integer: its range belongs into integerHyperParameterRanges"),
        (ranges(integer=[{"name": "bptt"}, {"name": "bptt"}]), "bptt has a range already"),
        (ranges(integer=[{"name": "max_user_history_length_percentile"}]), "has no hyperparameter max_user_history"),
        (ranges(categorical=[{"name": "recency_mask", "values": ["maybe"]}]), "recency_mask='maybe' is not allowed"),
        (ranges(categorical=[{"name": "recency_mask", "values": []}]), "recency_mask needs at least one value"),
        ({"hpoConfig": {"hpoObjective": {"metricName": "recall_at_5"}}}, "metricName='recall_at_5' is not allowed"),
        ({"hpoConfig": {"hpoObjective": {"type": "Minimize"}}}, "type='Minimize' is not allowed"),
        (
            {"algorithmHyperParameters": {"hidden_dimension": "64", "bptt": "8", "recency_mask": "True"}},
            "all that can be tuned is fixed: hidden_dimension, bptt, recency_mask",
        ),
    ],
)
def test_errors_name_the_parameter(config: dict[str, Any], message: str) -> None:
    with pytest.raises(TuningError) as refused:
        read_search(HRNN, config)
    assert message in str(refused.value)


def test_a_parameter_that_cannot_be_tuned_is_refused() -> None:
    row = {"name": "apply_recency_bias", "values": ["true"]}
    with pytest.raises(TuningError, match=r"apply_recency_bias .* cannot be tuned"):
        read_search(RECIPES["aws-user-personalization-v2"], ranges(categorical=[row]))


def test_a_recipe_without_tunable_hyperparameters_is_refused() -> None:
    with pytest.raises(TuningError, match="aws-popularity-count has no tunable hyperparameters"):
        read_search(RECIPES["aws-popularity-count"], {})


@given(st.one_of(st.integers(-5, 60).map(str), st.text(max_size=5)))
def test_the_numbers_of_jobs_are_texts_within_the_service_s_limits(text: str) -> None:
    for member, most in (("maxNumberOfTrainingJobs", MAX_JOBS), ("maxParallelTrainingJobs", MAX_PARALLEL)):
        config = {"hpoConfig": {"hpoResourceConfig": {member: text}}}
        if text.isascii() and text.isdigit() and 1 <= int(text) <= most:
            search = read_search(HRNN, config)
            assert (search.jobs if most == MAX_JOBS else search.parallel) == int(text)
        else:
            with pytest.raises(TuningError, match=member):
                read_search(HRNN, config)
