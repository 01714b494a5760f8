"""How much of each meter a run took, from what its tasks noted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from contract.plan import MIN_PROVISIONED_TPS, Ensured, RecipeOutcome, TrainingOutcome
from contract.recipes import RECIPES
from costs.meters import (
    CAMPAIGNS,
    INGESTION,
    RECOMMENDATIONS,
    RECOMMENDATIONS_V2,
    REQUESTS,
    TRAINED_INTERACTIONS,
    TRAINING_HOURS,
)
from costs.quantities import GB, HOUR, Quantities, billed_recommendations
from costs.ranges import NOTHING, Range, exactly
from costs.work import Data


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What is known when the run is over; a meter that nothing measures is not among the quantities."""

    quantities: Quantities
    notes: list[str]


def measured(data: Data, imported: Sequence[Ensured], outcomes: Iterable[TrainingOutcome]) -> Measured:
    """`imported`: one per dataset of `data.bytes`, in its order. What earlier runs made is not counted."""
    taken = sum(size for size, job in zip(data.bytes.values(), imported, strict=True) if job.new)
    meters = (TRAINING_HOURS, TRAINED_INTERACTIONS, REQUESTS, CAMPAIGNS, RECOMMENDATIONS, RECOMMENDATIONS_V2)
    found = dict.fromkeys(meters, NOTHING) | {INGESTION: Range(taken * GB.low, taken * GB.high)}
    notes = []
    for outcome in outcomes:
        row = RECIPES.get(outcome.trained)
        by_interactions = row is not None and row.billed_by == "interactions"
        if outcome.solution_version_arn is None:
            notes.append(f"Not known: what a training of {outcome.trained} that failed was billed.")
        elif outcome.trained_now and by_interactions:
            found[TRAINED_INTERACTIONS] += exactly(data.past_interactions)
        elif outcome.trained_now and outcome.training_hours is not None:
            found[TRAINING_HOURS] += exactly(outcome.training_hours)
        elif outcome.trained_now:
            notes.append(f"Not known: the training hours of {outcome.trained}, the service did not tell them.")
        for recipe in outcome.recipes:
            sent = exactly(recipe.requests + recipe.probing_requests)
            tps_hours = exactly(_hours(recipe) * MIN_PROVISIONED_TPS)
            found[REQUESTS] += sent
            found[CAMPAIGNS] += tps_hours
            billed = RECOMMENDATIONS_V2 if by_interactions else RECOMMENDATIONS
            found[billed] += billed_recommendations(sent, tps_hours)
    return Measured(quantities=found, notes=list(dict.fromkeys(notes)))


def _hours(recipe: RecipeOutcome) -> float:
    """For which the run paid for its campaign; 0 for one that was there before: it costs with or without this run."""
    if not recipe.campaign_from or not recipe.campaign_until:
        return 0.0
    began, ended = (datetime.fromisoformat(text) for text in (recipe.campaign_from, recipe.campaign_until))
    return max(0.0, (ended - began).total_seconds() / HOUR)
