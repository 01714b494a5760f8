"""What a run is going to do, as far as it is billed: the data it imports, what it trains, what it asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contract.manifest import Manifest
from contract.plan import Run, TrainingPlan
from contract.recipes import RECIPES, DatasetKind, Question
from contract.tuning import DEFAULT_JOBS


@dataclass(frozen=True, kw_only=True)
class Data:
    """The size of what was published."""

    bytes: dict[str, int]
    """Of what is imported: {"Interactions": …}."""
    past_interactions: int
    future_interactions: int
    future_users: int
    """Users with held-out interactions."""
    all_have_a_past: bool
    """Whether each of these users has a past too, so that all of them can be asked."""

    @property
    def total_bytes(self) -> int:
        return sum(self.bytes.values())


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """A recipe, or a variant of it, that is asked about every user of the evaluation."""

    subject: str
    on_cold_items_only: bool = False
    """Then only users whose future has such items are asked."""
    contexts: bool = False
    """Whether it is also asked in every context of the held-out interactions."""
    shuffled_fields: int = 0
    """In each context it is asked again so many times, with another request's value of one field."""
    probed: bool = False
    """Whether events are tried on it."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """One solution version and the campaigns that serve it."""

    recipe: str
    campaigns: list[Campaign]
    tuning_jobs: int = 0
    """Trainings before it, by which hyperparameter optimisation chooses; at most so many."""

    @property
    def by_interactions(self) -> bool:
        """Whether it is billed as the v2 recipes are."""
        return RECIPES[self.recipe].billed_by == "interactions"


@dataclass(frozen=True, kw_only=True)
class Work:
    """All of a run."""

    region: str
    trainings: list[Trained]
    users: int
    """At most so many are asked."""
    serves: bool
    """Whether the campaigns are kept when the run is over."""
    ablation: bool = False
    max_cost: float | None = None
    schema: int = field(default=1)


def data_of(manifest: Manifest, sizes: Mapping[str, int]) -> Data:
    """`sizes`: bytes of the past's files, by dataset."""
    past, future = manifest.counts["past"], manifest.counts["future"]
    return Data(
        bytes=dict(sizes),
        past_interactions=past.interactions,
        future_interactions=future.interactions,
        future_users=future.users,
        all_have_a_past=manifest.holdout.get("kind") == "last",
    )


def work_of(run: Run, plans: Iterable[TrainingPlan], *, region: str, max_cost: float | None) -> Work:
    """`plans`: the trainings as they would be on AWS, wherever the run is."""
    return Work(
        region=region,
        trainings=[_trained(run, plan) for plan in plans],
        users=run.evaluation.users,
        serves=run.mode == "serve",
        ablation=run.evaluation.ablation,
        max_cost=max_cost,
    )


def _trained(run: Run, plan: TrainingPlan) -> Trained:
    request = plan.solution.request
    return Trained(
        recipe=plan.trained,
        tuning_jobs=_jobs(request) if request.get("performHPO") else 0,
        campaigns=[
            Campaign(
                subject=ask.subject,
                on_cold_items_only=ask.question == Question.COLD_ITEMS.value,
                contexts=_reads_context(run, ask.recipe),
                shuffled_fields=len(run.evaluation.context) if ask.subject == ask.recipe else 0,
                probed=ask.try_events,
            )
            for ask in plan.asks
        ],
    )


def _reads_context(run: Run, recipe: str) -> bool:
    row = RECIPES[recipe]
    told = DatasetKind.INTERACTIONS in row.metadata and row.question in {Question.USER, Question.RANK_POPULAR}
    return bool(run.evaluation.context) and told


def _jobs(request: Mapping[str, Any]) -> int:
    resources = request.get("solutionConfig", {}).get("hpoConfig", {}).get("hpoResourceConfig", {})
    return int(resources.get("maxNumberOfTrainingJobs", DEFAULT_JOBS))
