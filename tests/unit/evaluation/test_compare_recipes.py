"""From judgements to intervals, differences and the best recipe."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from contract.recipes import RECIPES as TABLE
from contract.recipes import RecipeType
from contract.results import JUDGE_METRIC, RANK_METRICS, VIEWS
from evaluation.compare import COMPARED, compare, decisive_view
from evaluation.judge import Judgement

USERS = [f"u{n:03}" for n in range(200)]


def judgement(subject: str, level: float, *, question: str = "user", users: list[str] = USERS) -> Judgement:
    """Values around `level`, the same noise for every subject; `returned` half as good."""
    values = {}
    for view in VIEWS:
        draw = random.Random(1)
        base = [draw.random() * 0.4 for _ in users]
        scale = 0.5 if view == "returned" else 1.0
        values[view] = {metric: [min(1.0, (value + level) * scale) for value in base] for metric in RANK_METRICS}
    return Judgement(
        subject=subject,
        question=question,
        users=users,
        values=values,
        coverage=dict.fromkeys(VIEWS, 0.5),
        short_lists=0,
    )


RECIPES = [
    judgement("worse", 0.1),
    judgement("better", 0.3),
    judgement("related", 0.5, question="last-item"),
    judgement("cold", 0.6, question="cold-items", users=USERS[:50]),
]
BASELINES = [judgement("popularity", 0.0), judgement("sequential_counts", 0.4)]
OUTCOME = compare(RECIPES, BASELINES, repeats_share=0.0, resamples=200, seed=0)


def test_view_that_decides() -> None:
    assert decisive_view(0.05) == "unseen"
    assert decisive_view(0.051) == "returned"
    assert OUTCOME.judged_by == "unseen"


def test_best_is_chosen_among_recipes_asked_about_users() -> None:
    assert OUTCOME.best == "better"
    assert compare(RECIPES[2:], BASELINES, repeats_share=0, resamples=10, seed=0).best is None
    assert compare([], BASELINES, repeats_share=0, resamples=10, seed=0).best is None


def test_recipes_of_another_type_are_not_ranked_with_those_that_personalize(monkeypatch: pytest.MonkeyPatch) -> None:
    row = replace(TABLE["aws-popularity-count"], name="better", type=RecipeType.POPULAR_ITEMS)
    monkeypatch.setitem(TABLE, "better", row)
    outcome = compare(RECIPES, BASELINES, repeats_share=0, resamples=10, seed=0)
    assert outcome.best == "worse"
    assert {"worse", "better"} not in [{row.a, row.b} for row in outcome.comparisons]


def test_means_lie_within_their_intervals() -> None:
    assert set(OUTCOME.recipes) == {"worse", "better", "related", "cold"}
    for measured in [*OUTCOME.recipes.values(), *OUTCOME.baselines.values()]:
        for view in VIEWS:
            assert measured.metrics[view]["coverage"] == 0.5
            assert "coverage" not in measured.confidence[view]
            for metric in RANK_METRICS:
                low, high = measured.confidence[view][metric]
                assert low < measured.metrics[view][metric] < high


def test_only_equal_questions_are_compared_and_the_best_with_every_baseline() -> None:
    pairs = [(row.a, row.b) for row in OUTCOME.comparisons]
    assert pairs == [
        pair
        for pair in (("worse", "better"), ("better", "popularity"), ("better", "sequential_counts"))
        for _ in COMPARED
    ]
    assert {row.metric for row in OUTCOME.comparisons} == set(COMPARED)


def test_differences_are_paired() -> None:
    row = next(row for row in OUTCOME.comparisons if row.metric == JUDGE_METRIC and row.b == "popularity")
    assert row.difference == pytest.approx(0.3)
    assert (row.low, row.high) == pytest.approx((0.3, 0.3), abs=1e-6)


def test_differences_are_taken_in_the_view_that_decides() -> None:
    repeating = compare(RECIPES, BASELINES, repeats_share=0.2, resamples=50, seed=0)
    assert repeating.judged_by == "returned"
    assert repeating.comparisons[0].difference == pytest.approx(-0.1)  # half of worse - better


def test_equal_inputs_give_an_equal_outcome() -> None:
    assert compare(RECIPES, BASELINES, repeats_share=0.0, resamples=200, seed=0) == OUTCOME


def test_values_of_each_user_are_kept_for_comparing_runs() -> None:
    better = OUTCOME.recipes["better"]
    assert len(better.per_user) == len(USERS)
    assert sum(better.per_user) / len(USERS) == pytest.approx(better.metrics["unseen"][JUDGE_METRIC], abs=1e-5)
    assert better.users_digest == OUTCOME.baselines["popularity"].users_digest != OUTCOME.recipes["cold"].users_digest
