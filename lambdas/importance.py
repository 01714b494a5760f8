"""Collects what was asked and trained to tell what each metadata field brings, and measures it.

Judgements of shuffled contexts lie beside a recipe's own; variants of its training are asks of the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from contract.plan import Compare, RecipeOutcome
from contract.recipes import DatasetKind
from contract.results import JUDGE_METRIC, Importance, View, shuffled
from evaluation.importance import importance
from evaluation.judge import Judgement
from lambdas.aws import Clients
from lambdas.outcomes import ended_as, judgement_if_succeeded, judgement_if_there, outcome_of, why_not


def of_fields(event: Compare, own: Mapping[str, Judgement], aws: Clients, *, view: View) -> list[Importance]:
    """Rows for the report; `own`: the recipes' judgements. Fields whose trainings failed have a row with the reason."""
    found: list[Importance] = []

    def measure(row: Importance, told: list[Judgement], untold: list[Judgement]) -> None:
        settings = event.run.evaluation
        found.extend(
            importance(row, told=told, untold=untold, view=view, resamples=settings.resamples, seed=settings.seed)
        )

    for recipe, judged in own.items():
        for column in event.run.evaluation.context:
            if other := judgement_if_there(event.run, shuffled(recipe, column), aws):
                called = f"{DatasetKind.INTERACTIONS.value}.{column}"
                row = Importance(recipe=recipe, field=called, how="shuffled", metric=JUDGE_METRIC, trainings=1)
                measure(row, [judged], [other])
    asks = _trainings(event)
    for (recipe, field), ended in asks.items():
        if field is None:
            continue
        row = Importance(recipe=recipe, field=field, how="left out", metric=JUDGE_METRIC, trainings=len(ended))
        told, untold = (_judged(event, side, aws) for side in (asks[recipe, None], ended))
        if isinstance(told, str) or isinstance(untold, str):
            found.append(replace(row, failure_reason=next(why for why in (told, untold) if isinstance(why, str))))
        else:
            measure(row, told, untold)
    return found


def _trainings(event: Compare) -> dict[tuple[str, str | None], list[RecipeOutcome | None]]:
    """{(recipe, field left out): how each of its trainings ended}"""
    found: dict[tuple[str, str | None], list[RecipeOutcome | None]] = {}
    for plan in event.trainings:
        outcome = outcome_of(plan, event.outcomes)
        for ask in plan.asks:
            found.setdefault((ask.recipe, ask.left_out), []).append(ended_as(outcome, ask))
    return found


def _judged(event: Compare, ended: Iterable[RecipeOutcome | None], aws: Clients) -> list[Judgement] | str:
    """All judgements, or why one is missing."""
    judged = []
    for one in ended:
        judgement = judgement_if_succeeded(event.run, one, aws)
        if judgement is None:
            return why_not(one)
        judged.append(judgement)
    return judged
