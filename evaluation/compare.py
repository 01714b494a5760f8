"""From per-user judgements to what report.json says: values, intervals, differences, the best recipe.

Recipes are compared only with recipes of their type that were asked the same question of the same users. The best is
the one with the highest NDCG@10 among those that personalize for users and were asked about them, in the view that
decides (`decisive_view`). What this comes
to in words is said by `evaluation.verdict`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import combinations
from math import fsum

from contract.recipes import RECIPES, Question, RecipeType
from contract.results import (
    JUDGE_METRIC,
    RANK_METRICS,
    REPEATS_DECIDE,
    VIEWS,
    Band,
    BaselineResult,
    Comparison,
    Intervals,
    Values,
    View,
    without_context,
)
from evaluation.bootstrap import Draws, difference, interval, resample
from evaluation.breakdown import by_activity, by_popularity
from evaluation.judge import Judgement

COMPARED = (JUDGE_METRIC, "precision_at_10")
"""Metrics of the paired comparisons."""
PER_USER_DECIMALS = 5
"""Of the values in report.json: ten thousand users take about 80 kB per recipe."""


@dataclass(kw_only=True)
class Measured:
    """Means over users with their intervals; `coverage` has no interval: it is no mean over users."""

    metrics: Values
    confidence: Intervals
    by_activity: list[Band]
    by_popularity: list[Band]
    per_user: list[float]
    """JUDGE_METRIC in the view that decides, in the order of the judgement's users."""
    users_digest: str


@dataclass(kw_only=True)
class Outcome:
    """The evaluation's part of a report."""

    judged_by: View
    recipes: dict[str, Measured]
    baselines: dict[str, BaselineResult]
    without_context: dict[str, Values] = field(default_factory=dict)
    """By subject."""
    comparisons: list[Comparison] = field(default_factory=list)
    best: str | None = None


def decisive_view(repeats_share: float) -> View:
    """`returned` where people come back to things (over 5 % of the held-out rows repeat the user's past)."""
    return "returned" if repeats_share > REPEATS_DECIDE else "unseen"


def question_key(recipe: str, question: str) -> tuple[str, str]:
    """(recipe type, question): only recipes with equal keys are ranked against each other."""
    row = RECIPES.get(recipe)
    return (row.type.value if row else RecipeType.USER_PERSONALIZATION.value, question)


def compare(
    recipes: Sequence[Judgement],
    baselines: Sequence[Judgement],
    *,
    repeats_share: float,
    resamples: int,
    seed: int,
    untold: Sequence[Judgement] = (),
) -> Outcome:
    """Measures and compares all judgements of a run. Equal inputs give an equal outcome.

    `untold`: of recipes that were asked in a context, what they answer without it (`results.without_context`); each is
    compared with its recipe alone.
    """
    view = decisive_view(repeats_share)
    draws: dict[str, dict[tuple[str, str], Draws]] = {}
    everything = [*recipes, *untold, *baselines]
    for group in _same_users(everything):
        draws |= _resampled(group, resamples=resamples, seed=seed)
    measured = {judged.subject: _measured(judged, draws[judged.subject], view) for judged in everything}
    outcome = Outcome(
        judged_by=view,
        recipes={judged.subject: measured[judged.subject] for judged in recipes},
        without_context={judged.subject: measured[judged.subject].metrics for judged in untold},
        baselines={
            judged.subject: BaselineResult(
                metrics=measured[judged.subject].metrics,
                confidence=measured[judged.subject].confidence,
                recall_by_activity=measured[judged.subject].by_activity,
                recall_by_popularity=measured[judged.subject].by_popularity,
                per_user=measured[judged.subject].per_user,
                users_digest=measured[judged.subject].users_digest,
            )
            for judged in baselines
        },
    )
    outcome.best = _best(recipes, outcome.recipes, view)
    outcome.comparisons = [
        _comparison(a, b, metric=metric, view=view, draws=draws)
        for a, b in [*_pairs(recipes, baselines, outcome.best), *_context_pairs(recipes, untold)]
        for metric in COMPARED
    ]
    return outcome


def _same_users(judgements: Sequence[Judgement]) -> list[list[Judgement]]:
    """Judgements over equal users share their resamples."""
    groups: dict[tuple[str, ...], list[Judgement]] = {}
    for judged in judgements:
        groups.setdefault(tuple(judged.users), []).append(judged)
    return [group for users, group in groups.items() if users]


def _resampled(group: Sequence[Judgement], *, resamples: int, seed: int) -> dict[str, dict[tuple[str, str], Draws]]:
    """{subject: {(view, metric): draws}}"""
    figures = [(judged, view, metric) for judged in group for view in VIEWS for metric in RANK_METRICS]
    columns = [judged.values[view][metric] for judged, view, metric in figures]
    drawn: dict[str, dict[tuple[str, str], Draws]] = {judged.subject: {} for judged in group}
    for (judged, view, metric), draws in zip(figures, resample(columns, resamples=resamples, seed=seed), strict=True):
        drawn[judged.subject][view, metric] = draws
    return drawn


def _measured(judged: Judgement, draws: dict[tuple[str, str], Draws], decisive: View) -> Measured:
    metrics: Values = {}
    confidence: Intervals = {}
    for view in VIEWS:
        metrics[view] = {metric: mean(judged.values[view][metric]) for metric in RANK_METRICS}
        metrics[view]["coverage"] = rounded(judged.coverage[view])
        confidence[view] = {metric: [*map(rounded, interval(draws[view, metric]))] for metric in RANK_METRICS}
    return Measured(
        metrics=metrics,
        confidence=confidence,
        by_activity=by_activity(judged.lengths, judged.values[decisive]["recall_at_25"]),
        by_popularity=by_popularity(judged.found.get(decisive, {})),
        per_user=[round(value, PER_USER_DECIMALS) for value in judged.values[decisive][JUDGE_METRIC]],
        users_digest=users_digest(judged.users),
    )


def users_digest(users: Sequence[str]) -> str:
    """Equal for equal users in the same order; tells nobody who they are."""
    return sha256(json.dumps(list(users)).encode()).hexdigest()[:16]


def _best(recipes: Sequence[Judgement], measured: dict[str, Measured], view: View) -> str | None:
    """Ties go to the recipe that the experiment lists first."""
    wanted = (RecipeType.USER_PERSONALIZATION.value, Question.USER.value)
    asked = [judged.subject for judged in recipes if _key(judged) == wanted]
    return max(asked, key=lambda name: measured[name].metrics[view][JUDGE_METRIC], default=None)


def _key(judged: Judgement) -> tuple[str, str]:
    return question_key(judged.subject, judged.question)


def _pairs(
    recipes: Sequence[Judgement], baselines: Sequence[Judgement], best: str | None
) -> Iterator[tuple[Judgement, Judgement]]:
    """Every two recipes with the same type, question and users, then the best recipe with each baseline."""
    for a, b in combinations(recipes, 2):
        if _key(a) == _key(b) and a.users == b.users:
            yield a, b
    for judged in recipes:
        if judged.subject == best:
            yield from ((judged, baseline) for baseline in baselines if baseline.users == judged.users)


def _context_pairs(recipes: Sequence[Judgement], untold: Sequence[Judgement]) -> Iterator[tuple[Judgement, Judgement]]:
    others = {judged.subject: judged for judged in untold}
    for judged in recipes:
        if (other := others.get(without_context(judged.subject))) and other.users == judged.users:
            yield judged, other


def _comparison(
    a: Judgement, b: Judgement, *, metric: str, view: View, draws: dict[str, dict[tuple[str, str], Draws]]
) -> Comparison:
    low, high = interval(difference(draws[a.subject][view, metric], draws[b.subject][view, metric]))
    return Comparison(
        a=a.subject,
        b=b.subject,
        metric=metric,
        difference=rounded(mean(a.values[view][metric]) - mean(b.values[view][metric])),
        low=rounded(low),
        high=rounded(high),
    )


def mean(values: Sequence[float]) -> float:
    """Exact up to the last digits (`rounded`)."""
    return rounded(fsum(values) / len(values))


def rounded(value: float) -> float:
    """Without the last digits' noise, so that equal figures are equal and a constant lies in its interval."""
    return round(value, 9)
