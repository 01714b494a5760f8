"""Reports to render: one as a local run gives it, one as a run on AWS gives it. Values are made by a formula."""

from __future__ import annotations

from typing import Any

from contract.results import (
    CUTOFFS,
    JUDGE_METRIC,
    RANK_METRICS,
    VIEWS,
    BaselineResult,
    Comparison,
    RecipeResult,
    Report,
)


def figures(level: float, *, coverage: float, spread: float = 0.04) -> dict[str, Any]:
    """`metrics` and `confidence` of a recipe whose NDCG@10 in the reading `unseen` is `level`."""
    metrics: dict[str, dict[str, float]] = {}
    confidence: dict[str, dict[str, list[float]]] = {}
    for view, share in zip(VIEWS, (0.82, 0.93, 1.0), strict=True):
        base = level * share
        values = {"mean_reciprocal_rank_at_25": 1.35 * base}
        for k, factor in zip(CUTOFFS, (0.96, 1.0, 1.12), strict=True):
            values[f"normalized_discounted_cumulative_gain_at_{k}"] = factor * base
        for k, factor in zip(CUTOFFS, (0.72, 0.57, 0.39), strict=True):
            values[f"precision_at_{k}"] = factor * base
        for k, factor in zip(CUTOFFS, (0.5, 0.83, 1.4), strict=True):
            values[f"recall_at_{k}"] = min(factor * base, 1)
        for k, factor in zip(CUTOFFS, (1.3, 1.7, 2.3), strict=True):
            values[f"hit_rate_at_{k}"] = min(factor * base, 1)
        metrics[view] = {name: values[name] for name in RANK_METRICS} | {"coverage": coverage}
        confidence[view] = {name: [value * (1 - spread), value * (1 + spread)] for name, value in values.items()}
    return {"metrics": metrics, "confidence": confidence}


def recipe(name: str, level: float, *, coverage: float, seconds: float, **more: Any) -> RecipeResult:
    """A local recipe that succeeded."""
    return RecipeResult(
        **(
            {
                "recipe_requested": name,
                "recipe_trained": name,
                "approximation": True,
                "question": "user",
                "status": "succeeded",
                "solution_version_arn": f"arn:aws:personalize:eu-west-1:000000000000:solution/quickstart-{name}/a1b2c3",
                "training_seconds": seconds,
                "evaluated_users": 597,
                **figures(level, coverage=coverage),
            }
            | more
        )
    )


def _against(best: str, level: float, others: dict[str, float], *, margin: float = 0.014) -> list[Comparison]:
    return [
        Comparison(
            a=best,
            b=name,
            metric=JUDGE_METRIC,
            difference=level - value,
            low=level - value - margin,
            high=level - value + margin,
        )
        for name, value in others.items()
    ]


def local_report() -> Report:
    """Local approximations, a related-items and a coldstart recipe, a failed and a skipped one, events."""
    service = {
        "coverage": 0.61,
        "mean_reciprocal_rank_at_25": 0.301,
        **{f"normalized_discounted_cumulative_gain_at_{k}": 0.2 + k / 500 for k in CUTOFFS},
        **{f"precision_at_{k}": 0.2 - k / 300 for k in CUTOFFS},
    }
    return Report(
        experiment="quickstart",
        run_id="2026-11-24T22-47-05-3f9a",
        backend="local",
        started_at="2026-11-24T22:47:05Z",
        finished_at="2026-11-24T22:48:17Z",
        data={
            "version": "4be01d9c",
            "counts": {
                "past": {"interactions": 32_214, "users": 600, "items": 398},
                "future": {"interactions": 3_861, "users": 597, "items": 371},
            },
            "dropped": [
                {"reason": "TIMESTAMP is missing", "rows": 12, "first_lines": [18, 402, 977]},
                {"reason": "ITEM_ID is longer than 256 characters", "rows": 1, "first_lines": [20_441]},
            ],
            "duplicates": 41,
            "repeats_share": 0.204,
            "best_reachable": {"precision_at_10": 0.187},
        },
        hold_out={"kind": "last", "share": "1/10"},
        evaluated_users=597,
        judged_by="returned",
        recipes={
            "aws-popularity-count": recipe("aws-popularity-count", 0.112, coverage=0.063, seconds=0.21),
            "aws-hrnn": recipe("aws-hrnn", 0.338, coverage=0.71, seconds=24.6, service_metrics=service),
            "aws-user-personalization": recipe(
                "aws-user-personalization", 0.301, coverage=0.78, seconds=31.2, service_metrics=service, short_lists=3
            ),
            "aws-hrnn-coldstart": recipe(
                "aws-hrnn-coldstart", 0.071, coverage=0.21, seconds=29.0, question="cold-items", evaluated_users=204
            ),
            "aws-sims": recipe("aws-sims", 0.187, coverage=0.44, seconds=0.4, question="last-item"),
            "aws-hrnn-metadata": RecipeResult(
                recipe_requested="aws-hrnn-metadata",
                recipe_trained="aws-hrnn-metadata",
                approximation=True,
                question="user",
                status="failed",
                failure_reason="ResourceFailed: solution version quickstart-5e6f7a-hrnn-metadata-1b2c3d4e: "
                "GENRES has 1,204 categories; at most 1,000 are allowed",
            ),
            "aws-personalized-ranking": RecipeResult(
                recipe_requested="aws-personalized-ranking",
                recipe_trained="aws-personalized-ranking",
                approximation=True,
                question="rank-popular",
                status="skipped",
                failure_reason="left out by the input's member recipes",
            ),
        },
        baselines={
            "popularity": BaselineResult(**figures(0.112, coverage=0.063)),
            "random": BaselineResult(**figures(0.011, coverage=1.0, spread=0.3)),
            "history_first": BaselineResult(**figures(0.195, coverage=0.66)),
            "sequential_counts": BaselineResult(**figures(0.262, coverage=0.74)),
        },
        comparisons=_against(
            "aws-hrnn",
            0.277,
            {
                "aws-user-personalization": 0.247,
                "aws-popularity-count": 0.092,
                "sequential_counts": 0.215,
                "history_first": 0.16,
                "popularity": 0.092,
                "random": 0.009,
            },
        ),
        best="aws-hrnn",
        events={
            "recipe": "aws-hrnn",
            "probes_changed": 2,
            "median_seconds": 0.412,
            "probes": [_probe(1, shift=3, seconds=0.388), _probe(2, shift=5, seconds=0.436), _probe(3, shift=0)],
        },
    )


def _probe(number: int, *, shift: int, seconds: float | None = None) -> dict[str, Any]:
    items = [f"item-{17 * number + 3 * i}" for i in range(25 + shift)]
    return {
        "user_id": f"probe-3f9a-{number}",
        "replayed_events": 54,
        "new_events": [f"item-{200 + number + i}" for i in range(3)],
        "changed": seconds is not None,
        "seconds": seconds,
        "before": items[:25],
        "after": items[shift:],
    }


def aws_report() -> Report:
    """Two retired recipes trained as their successor; the lead of the best is within chance."""
    later = {"approximation": False, "recipe_trained": "aws-user-personalization"}
    return Report(
        experiment="movielens-hrnn",
        run_id="run-7",
        description="Does the order of ratings tell more than counting them?",
        backend="aws",
        started_at="2026-11-24T08:00:00Z",
        finished_at="2026-11-24T11:12:00Z",
        data={"counts": {"past": {"interactions": 90_570, "users": 943, "items": 1_663}}, "repeats_share": 0.0},
        hold_out={"kind": "last", "share": "1/10"},
        evaluated_users=943,
        judged_by="unseen",
        recipes={
            "aws-hrnn": recipe("aws-hrnn", 0.198, coverage=0.31, seconds=3_240, **later),
            "aws-hrnn-metadata": recipe("aws-hrnn-metadata", 0.191, coverage=0.33, seconds=4_020, **later),
        },
        baselines={"sequential_counts": BaselineResult(**figures(0.16, coverage=0.4))},
        comparisons=_against("aws-hrnn", 0.198, {"aws-hrnn-metadata": 0.191, "sequential_counts": 0.16}),
        best="aws-hrnn",
    )
