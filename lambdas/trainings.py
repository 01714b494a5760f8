"""What a run trains: recipes grouped by their training, and the variants that tell what each metadata field brings.

Two recipes that resolve to the same training share one solution version. With `evaluation.ablation` a recipe that
learns from metadata is trained TRAININGS times, and so often again without each field, one field at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from contract import fields, naming
from contract.plan import MIN_PROVISIONED_TPS, Ask, Ensure, RecipeSettings, Run, Settings, TrainingPlan
from contract.recipes import RECIPES, DatasetKind, Recipe, Training, resolve
from contract.results import variant
from lambdas.aws import Clients, error_code
from lambdas.errors import BadInput

TRAININGS = 3
"""With all fields, and without each, where `evaluation.ablation` asks for it: chance has its part in every training."""


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """One recipe, or a variant of it, before it is known which training serves it."""

    settings: RecipeSettings
    training: Training
    left_out: tuple[DatasetKind, str] | None = None
    number: int = 1

    @property
    def recipe(self) -> Recipe:
        """As requested."""
        return RECIPES[self.settings.recipe]

    @property
    def field(self) -> str | None:
        """That is left out: `Items.GENRES`."""
        return f"{self.left_out[0].value}.{self.left_out[1]}" if self.left_out else None

    @property
    def subject(self) -> str:
        """contract.results.variant"""
        return variant(self.recipe.name, left_out=self.field, training=self.number)


def trainings(settings: Settings, run: Run, recipes: list[RecipeSettings], *, afresh: bool) -> list[TrainingPlan]:
    """One per distinct training on `run.backend`, in the order of the recipes; each with what it is asked for."""
    plans: dict[tuple[str, int], TrainingPlan] = {}
    for wanted in _all(settings, run, recipes):
        trained = RECIPES[wanted.training.trained]
        group = settings.dataset_group_arn
        config = _solution_config(settings, wanted, on_aws=run.backend == "aws")
        grown = sorted(schema.name for schema in settings.grown_schemas.values())
        made_of = (trained.name, config, group, *grown)  # a solution never trains on columns that came after it
        solution = naming.name(settings.prefix, trained.word, *made_of)
        number = [wanted.number] if wanted.number > 1 else []
        if (solution, wanted.number) not in plans:
            plans[solution, wanted.number] = TrainingPlan(
                run=run,
                trained=trained.name,
                solution=Ensure(
                    kind="solution",
                    name=solution,
                    request={
                        "recipeArn": _in_partition_of(group, trained.arn),
                        "performAutoTraining": False,  # the service's default is to train, and bill, every week
                        **({"performHPO": True} if wanted.settings.hpo is not None else {}),
                        **({"solutionConfig": config} if config else {}),
                    },
                    parent=group,
                    since=run.started_at,
                    run_id=run.run_id,
                ),
                version=Ensure(
                    kind="solution-version",
                    name=naming.name(settings.prefix, trained.word, solution, run.version, *number),
                    request={},
                    since=run.started_at,
                    afresh=afresh,
                    run_id=run.run_id,
                ),
                asks=[],
            )
        plans[solution, wanted.number].asks.append(
            Ask(
                recipe=wanted.recipe.name,
                subject=wanted.subject,
                question=wanted.recipe.question.value,
                campaign=_campaign(settings, run, wanted, use=run.mode),
                trial=_campaign(settings, run, wanted, use="trial") if run.mode == "serve" else None,
                left_out=wanted.field,
                try_events=run.events is not None and run.events.recipe == wanted.subject,
            )
        )
    return list(plans.values())


def _all(settings: Settings, run: Run, recipes: list[RecipeSettings]) -> Iterator[_Wanted]:
    """The recipes, then their variants."""
    plain = [_Wanted(settings=row, training=resolve(row.recipe, on_aws=run.backend == "aws")) for row in recipes]
    yield from plain
    for wanted in plain if run.evaluation.ablation else ():
        columns = [] if wanted.training.exclude_metadata else _read_by(wanted.recipe, settings)
        if columns and wanted.settings.hpo is not None:
            raise BadInput(
                f"{wanted.recipe.name}: evaluation.ablation compares trainings with equal hyperparameters, and hpo"
                " finds others for each: take hpo out of the experiment, and put what it found into hyperparameters"
            )
        for left_out in [None, *columns] if columns else ():
            for number in range(1, TRAININGS + 1):
                if left_out or number > 1:
                    yield _Wanted(settings=wanted.settings, training=wanted.training, left_out=left_out, number=number)


def _read_by(recipe: Recipe, settings: Settings) -> list[tuple[DatasetKind, str]]:
    """The metadata that the recipe learns from."""
    kinds = [kind for kind in DatasetKind if kind in recipe.metadata and kind.value in settings.schema_columns]
    return [(kind, name) for kind in kinds for name in _metadata(kind.value, settings.schema_columns[kind.value])]


def _solution_config(settings: Settings, wanted: _Wanted, *, on_aws: bool) -> dict[str, Any]:
    config: dict[str, Any] = {}
    given, training = wanted.settings, wanted.training
    if training.carries_hyperparameters:
        if given.hyperparameters:
            config["algorithmHyperParameters"] = given.hyperparameters
        if given.featurization:
            config["featureTransformationParameters"] = given.featurization
    if given.hpo is not None:
        config["hpoConfig"] = _hpo_config(given.hpo, training, on_aws=on_aws)
    # Datasets in capitals, as in their ARNs: the only spelling of these keys that is known to be in use.
    if wanted.left_out:
        kind, column = wanted.left_out
        config["trainingDataConfig"] = {"excludedDatasetColumns": {kind.value.upper(): [column]}}
    elif training.exclude_metadata:
        excluded = {kind.upper(): _metadata(kind, columns) for kind, columns in settings.schema_columns.items()}
        if excluded := {kind: columns for kind, columns in excluded.items() if columns}:
            config["trainingDataConfig"] = {"excludedDatasetColumns": excluded}
    return config


def _hpo_config(wanted: dict[str, Any], training: Training, *, on_aws: bool) -> dict[str, Any]:
    """AWS does not let anybody choose the objective, and a retired recipe's ranges are not those of its successor."""
    left_out = {"hpoObjective"} if on_aws else set()
    if not training.carries_hyperparameters:
        left_out.add("algorithmHyperParameterRanges")
    return {member: value for member, value in wanted.items() if member not in left_out}


def _metadata(kind: str, columns: list[str]) -> list[str]:
    """The columns of a schema that neither identify a row nor have a meaning of their own to the service."""
    of = DatasetKind(kind)
    return [name for name in columns if name not in fields.REQUIRED[of] and name not in fields.RESERVED[of]]


def _campaign(settings: Settings, run: Run, wanted: _Wanted, *, use: str) -> Ensure:
    row = wanted.recipe
    config: dict[str, Any] = {}
    if wanted.training.exploration_weight is not None:
        config["itemExplorationConfig"] = {"explorationWeight": wanted.training.exploration_weight}
    elif wanted.settings.exploration:
        config["itemExplorationConfig"] = wanted.settings.exploration
    # Experiments and trials delete their campaigns: those that applications use must be others.
    made_of = (wanted.subject, config, settings.dataset_group_arn, use)
    return Ensure(
        kind="campaign",
        name=naming.name(settings.prefix, row.word, "campaign", *made_of),
        request={"minProvisionedTPS": MIN_PROVISIONED_TPS, **({"campaignConfig": config} if config else {})},
        since=run.started_at,
        run_id=run.run_id,
    )


def _in_partition_of(neighbour: str, arn: str) -> str:
    """The table of recipes has the ARNs of the partition `aws`; there are others (`aws-cn`, `aws-eusc`)."""
    return ":".join(["arn", neighbour.split(":")[1], *arn.split(":")[2:]])


def check_recipes(plans: Iterable[TrainingPlan], *, aws: Clients) -> None:
    """Ask the service whether it still has what is to be trained; BadInput names the first recipe that it has not."""
    known: set[str] = set()
    for plan in plans:
        if plan.trained not in known:
            known.add(plan.trained)
            requested, arn = RECIPES[plan.asks[0].recipe], plan.solution.request["recipeArn"]
            _check_recipe(RECIPES[plan.trained], requested, arn=arn, aws=aws)


def _check_recipe(trained: Recipe, requested: Recipe, *, arn: str, aws: Clients) -> None:
    try:
        aws.personalize.describe_recipe(recipeArn=arn)
    except ClientError as error:
        if error_code(error) not in {"ResourceNotFoundException", "InvalidInputException"}:
            raise
        instead = "" if trained is requested else f" (the successor of {requested.name})"
        raise BadInput(
            f"Amazon Personalize does not offer the recipe {trained.name}{instead} any more: remove {requested.name}"
            " from the experiment"
        ) from None
