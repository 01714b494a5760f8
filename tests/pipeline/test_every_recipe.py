"""Every recipe of the table through the synthesized state machine, on one small set of generated data."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from contract.recipes import RECIPES, RecipeType
from contract.results import Report
from tests.pipeline.conftest import WholeRun

P10 = "precision_at_10"


@pytest.fixture(scope="module")
def report(whole_run: Callable[..., WholeRun]) -> Report:
    run = whole_run("every-recipe")
    assert run.code == 0, run.output
    return run.report


@pytest.mark.slow
def test_every_recipe_of_the_table_is_trained_asked_and_judged(report: Report) -> None:
    assert sorted(report.recipes) == sorted(RECIPES)
    for name, row in report.recipes.items():
        assert (row.status, row.recipe_trained) == ("succeeded", name), row.failure_reason
        assert row.question == RECIPES[name].question.value
        assert set(row.service_metrics) >= {"coverage", P10}


@pytest.mark.slow
def test_only_recipes_that_answer_the_same_question_are_ranked(report: Report) -> None:
    assert report.best is not None
    assert RECIPES[report.best].type is RecipeType.USER_PERSONALIZATION
    for row in report.comparisons:
        types = {RECIPES[name].type for name in (row.a, row.b) if name in RECIPES}
        questions = {RECIPES[name].question for name in (row.a, row.b) if name in RECIPES}
        assert (len(types), len(questions)) == (1, 1)


@pytest.mark.slow
def test_what_a_recipe_is_for_shows(report: Report) -> None:
    """The differences are large: the order of a history, what items are like, a list put in order."""
    figures = {name: row.metrics[report.judged_by][P10] for name, row in report.recipes.items()}
    assert figures["aws-hrnn"] > 2 * figures["aws-popularity-count"]
    assert figures["aws-similar-items"] > figures["aws-popularity-count"]
    assert figures["aws-personalized-ranking"] > figures["aws-popularity-count"]
    assert figures["aws-hrnn-coldstart"] > 0
