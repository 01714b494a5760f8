"""The recipes that quickstart does not have, through the synthesized state machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from contract.cold_start import POPULAR_CATEGORIES, RANDOM_COLD
from contract.recipes import RECIPES, Question, RecipeType
from contract.results import JUDGE_METRIC, Report
from experiments.load import load_named
from tests.pipeline.conftest import WholeRun

EXPERIMENT = "more-recipes"
P10 = "precision_at_10"


@pytest.fixture(scope="module")
def report(whole_run: Callable[..., WholeRun]) -> Report:
    run = whole_run(EXPERIMENT)
    assert run.code == 0, run.output
    return run.report


def test_every_recipe_of_the_table_is_run_by_one_of_the_generated_experiments() -> None:
    chosen = [choice.recipe for name in ("quickstart", EXPERIMENT) for choice in load_named(name).recipes]
    assert set(chosen) == set(RECIPES)


@pytest.mark.slow
def test_every_recipe_is_trained_asked_and_judged(report: Report) -> None:
    assert len(report.recipes) == 8
    for name, row in report.recipes.items():
        assert (row.status, row.recipe_trained) == ("succeeded", name), row.failure_reason
        assert row.question == RECIPES[name].question.value
        assert set(row.service_metrics) >= {"coverage", P10}


@pytest.mark.slow
def test_only_recipes_that_answer_the_same_question_are_ranked(report: Report) -> None:
    assert report.best is not None
    assert RECIPES[report.best].type is RecipeType.USER_PERSONALIZATION
    assert RECIPES[report.best].question is Question.USER
    for row in report.comparisons:
        known = [RECIPES[name] for name in (row.a, row.b) if name in RECIPES]
        assert len({(recipe.type, recipe.question) for recipe in known}) == 1


@pytest.mark.slow
def test_what_a_recipe_is_for_shows(report: Report) -> None:
    figures = {name: row.metrics[report.judged_by] for name, row in report.recipes.items()}
    popular = figures["aws-popularity-count"]
    assert figures["aws-hrnn-metadata"][P10] > 1.3 * popular[P10]
    assert figures["aws-personalized-ranking"][JUDGE_METRIC] > popular[JUDGE_METRIC], "the popular items, in order"
    assert figures["aws-hrnn-coldstart"][P10] > 2 * report.baselines["random"].metrics[report.judged_by][P10]


@pytest.mark.slow
def test_new_items_are_introduced_with_fewer_impressions_than_at_random(report: Report) -> None:
    found = report.cold_start
    assert found is not None
    figures = {policy.name: policy for policy in found.policies}
    assert list(figures) == ["aws-hrnn-coldstart", POPULAR_CATEGORIES, RANDOM_COLD]
    recipe, chance = figures[found.recipe], figures[RANDOM_COLD]
    if recipe.lift is None:  # there is no ratio where random items were never right in some of the resamples
        assert recipe.precision_at_5[1] > chance.precision_at_5[0]
    else:
        assert recipe.lift[1] > 1
    assert recipe.introduced[0] > 0
    if chance.introduced[0]:
        shares = [policy.impressions[0] / policy.introduced[0] for policy in (recipe, chance)]
        assert shares[0] < shares[1]


@pytest.mark.slow
def test_what_was_tuned_is_told(report: Report) -> None:
    chosen = report.recipes["aws-sims"].tuned_hyperparameters
    assert 0 <= float(chosen["popularity_discount_factor"]) <= 1
