"""From judgements of the policies to what report.json says of new items (`contract.cold_start`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import fsum

from contract.cold_start import RANDOM_COLD, ColdStart, Policy, Spread
from contract.results import View
from evaluation.bootstrap import Draws, difference, interval, resample
from evaluation.introducing import CLICKS, SHOWN, VISITS, Course, Introducing, curve
from evaluation.judge import Judgement

METRIC = "precision_at_5"


def cold_start(
    recipe: Judgement, others: Sequence[Judgement], *, category: str | None, view: View, resamples: int, seed: int
) -> ColdStart:
    """`others`: of the policies beside the recipe, RANDOM_COLD among them, of the same users (ValueError otherwise)."""
    judged = [recipe, *others]
    if any(other.users != recipe.users for other in others):
        raise ValueError(f"{recipe.subject}: the policies beside it were judged on other users")
    draws = resample([one.values[view][METRIC] for one in judged], resamples=resamples, seed=seed)
    found = [Introducing.from_json(one.introducing) for one in judged]
    chance = next(number for number, one in enumerate(judged) if one.subject == RANDOM_COLD)
    most = max(course.impressions for one in found for course in one.courses)
    policies = []
    for number, (one, visits) in enumerate(zip(judged, found, strict=True)):
        precision = _mean(one, view)
        policy = Policy(
            name=one.subject,
            precision_at_5=_spread(precision, draws[number]),
            introduced=_over([course.introduced for course in visits.courses]),
            impressions=_over([course.impressions for course in visits.courses]),
            per_item=_over_all(visits.courses, lambda course: course.per_item),
            until_introduced=_over_all(visits.courses, lambda course: course.until_introduced),
            curve=[[step, _rounded(items)] for step, items in curve(visits.courses, most=most)],
        )
        if number != chance:
            policy.lift = _ratio(precision, _mean(judged[chance], view), draws[number], draws[chance])
            policy.saved = _saved(visits.courses, found[chance].courses)
        if number:
            behind = _mean(recipe, view) - precision
            policy.behind = _spread(behind, difference(draws[0], draws[number]))
        policies.append(policy)
    first = found[0]
    return ColdStart(
        recipe=recipe.subject,
        category=category,
        asked=len(recipe.users),
        visitors=first.visitors,
        items=first.items,
        introducible=first.introducible,
        clicks=CLICKS,
        shown=SHOWN,
        visits=VISITS,
        orders=len(first.courses),
        policies=policies,
    )


def _mean(judged: Judgement, view: View) -> float:
    return fsum(judged.values[view][METRIC]) / len(judged.users)


def _spread(value: float, draws: Draws) -> Spread:
    return [_rounded(figure) for figure in (value, *interval(draws))]


def _over(values: Sequence[float]) -> Spread:
    return _spread(fsum(values) / len(values), list(values))


def _over_all(courses: Sequence[Course], figure: Callable[[Course], float | None]) -> Spread | None:
    values = [value for course in courses if (value := figure(course)) is not None]
    return _over(values) if len(values) == len(courses) else None


def _ratio(value: float, base: float, draws: Draws, base_draws: Draws) -> Spread | None:
    if not base or not all(base_draws):
        return None
    return _spread(value / base, [a / b for a, b in zip(draws, base_draws, strict=True)])


def _saved(courses: Sequence[Course], chance: Sequence[Course]) -> Spread | None:
    shares = []
    for course, other in zip(courses, chance, strict=True):
        if course.per_item is None or other.per_item is None:
            return None
        shares.append(1 - course.per_item / other.per_item)
    return _over(shares)


def _rounded(value: float) -> float:
    return round(value, 6)
