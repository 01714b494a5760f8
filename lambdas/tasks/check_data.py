"""The first state: reads the input and the manifest of the published data, and plans the run.

Recipes are grouped here by what they train: two that resolve to the same training share one solution version. Every
name in the plan carries a digest of all that the resource is made from, so that a later run with equal inputs finds
what this one makes, and changed inputs make something new.

Calls: s3:GetObject data/manifest.json, s3:ListBucket (so that a missing manifest is told from a forbidden one),
s3:PutObject runs/*/plan.json; on AWS also personalize:DescribeRecipe of the recipes.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from contract import fields, layout, naming
from contract.manifest import Manifest
from contract.plan import (
    Ask,
    CheckData,
    Ensure,
    EvaluationSettings,
    Options,
    Plan,
    RecipeSettings,
    Run,
    Settings,
    TrainingPlan,
    from_json,
    to_json,
)
from contract.recipes import RECIPES, DatasetKind, Recipe, Training, resolve
from lambdas.aws import Clients, NoSuchObject, error_code
from lambdas.errors import BadInput, DataMismatch, DataMissing
from lambdas.task import task

IGNORED = "Comment"
"""Some versions of the console put this key into the input's form."""


def check_data(event: CheckData, aws: Clients) -> Plan:
    """The plan of a run, also written to the bucket together with the manifest that it is made from."""
    settings = event.settings
    options = read_options(event.input)
    recipes = _chosen(settings, options)
    manifest = _manifest(settings, aws)
    _check_columns(settings, manifest)
    mode = options.mode or settings.mode
    events = settings.events if mode == "experiment" else None
    if events and events.recipe not in [row.recipe for row in recipes]:
        events = None
    run = Run(
        run_id=event.run_id,
        started_at=event.started_at,
        experiment=settings.experiment,
        backend="local" if aws.is_local else "aws",
        bucket=settings.bucket,
        version=manifest.version,
        mode=mode,
        evaluation=EvaluationSettings(
            users=options.users or settings.evaluation.users,
            seed=settings.evaluation.seed,
            resamples=settings.evaluation.resamples,
            context=settings.evaluation.context,
        ),
        events=events,
    )
    plan = Plan(
        run=run,
        imports=[_import(settings, run, kind, key=file.key) for kind, file in manifest.files.past.items()],
        trainings=_trainings(settings, run, recipes, afresh=options.train_afresh, aws=aws),
    )
    aws.write_json(run.bucket, layout.plan(run.run_id), {"plan": to_json(plan), "manifest": to_json(manifest)})
    return plan


handler = task(CheckData, check_data)


def read_options(value: Any) -> Options:
    """The execution's input as options; BadInput says what is wrong and what is allowed."""
    allowed = ", ".join(Options.__dataclass_fields__)
    if not isinstance(value, dict):
        raise BadInput(f"the input must be a JSON object such as {{}}, not {value!r}; its fields may be: {allowed}")
    given = {key: item for key, item in value.items() if key != IGNORED}
    if unknown := sorted(set(given) - set(Options.__dataclass_fields__)):
        raise BadInput(f"the input has the unknown option {unknown[0]!r}; allowed: {allowed}")
    try:
        options = from_json(Options, given, where="input")
    except ValueError as error:
        raise BadInput(str(error)) from None
    if options.users is not None and options.users < 1:
        raise BadInput(f"input.users is {options.users}; at least 1 user must be asked")
    return options


def _chosen(settings: Settings, options: Options) -> list[RecipeSettings]:
    if options.recipes is None:
        return settings.recipes
    known = [row.recipe for row in settings.recipes]
    if not options.recipes:
        raise BadInput(f"input.recipes is empty; leave it out for all, or choose from: {', '.join(known)}")
    if unknown := [name for name in options.recipes if name not in known]:
        raise BadInput(f"input.recipes: {unknown[0]!r} is not in this experiment; it has: {', '.join(known)}")
    return [row for row in settings.recipes if row.recipe in options.recipes]


def _manifest(settings: Settings, aws: Clients) -> Manifest:
    publish = f"`python -m data_prep {settings.experiment} --stack`"
    try:
        manifest = Manifest.from_json(aws.read_json(settings.bucket, layout.MANIFEST))
    except NoSuchObject:
        raise DataMissing(
            f"no data in the bucket {settings.bucket} yet: run {publish}, then start this again"
        ) from None
    except ValueError as error:
        raise DataMismatch(f"s3://{settings.bucket}/{layout.MANIFEST}: {error}; run {publish} again") from None
    if manifest.experiment != settings.experiment:
        raise DataMismatch(
            f"the bucket {settings.bucket} holds data of the experiment {manifest.experiment!r}; run {publish}"
        )
    return manifest


def _check_columns(settings: Settings, manifest: Manifest) -> None:
    """Schemas and data must have the same datasets and columns, or the imports would fail one by one."""
    again = f"run `python -m data_prep {settings.experiment} --stack` again, or deploy the stack again"
    published, declared = set(manifest.files.past), set(settings.dataset_arns)
    if published != declared:
        raise DataMismatch(
            f"the data have the datasets {', '.join(sorted(published))}, the stack has {', '.join(sorted(declared))};"
            f" {again}"
        )
    for kind, file in manifest.files.past.items():
        columns = settings.schema_columns[kind]
        if missing := [name for name in columns if name not in file.columns]:
            raise DataMismatch(f"{kind}: the schema has the column {missing[0]}, {file.key} does not; {again}")
        if unknown := [name for name in file.columns if name not in columns]:
            raise DataMismatch(f"{kind}: {file.key} has the column {unknown[0]}, the schema does not; {again}")


def _import(settings: Settings, run: Run, kind: str, *, key: str) -> Ensure:
    dataset_arn = settings.dataset_arns[kind]
    return Ensure(
        kind="dataset-import-job",
        name=naming.name(settings.prefix, f"import-{kind.lower()}", run.version, dataset_arn),
        request={
            "dataSource": {"dataLocation": f"s3://{run.bucket}/{key}"},
            "roleArn": settings.service_role_arn,
            "importMode": "FULL",
        },
        parent=dataset_arn,
        since=run.started_at,
    )


def _trainings(
    settings: Settings, run: Run, recipes: list[RecipeSettings], *, afresh: bool, aws: Clients
) -> list[TrainingPlan]:
    """One per distinct training, in the order of the recipes; each with the requested recipes that it serves."""
    plans: dict[str, TrainingPlan] = {}
    for wanted in recipes:
        row = RECIPES[wanted.recipe]
        training = resolve(wanted.recipe, on_aws=run.backend == "aws")
        trained = RECIPES[training.trained]
        group = settings.dataset_group_arn
        recipe_arn = _in_partition_of(group, trained.arn)
        if run.backend == "aws" and trained.name not in {plan.trained for plan in plans.values()}:
            _check_recipe(trained, row, arn=recipe_arn, aws=aws)
        config = _solution_config(settings, wanted, training, on_aws=run.backend == "aws")
        solution = naming.name(settings.prefix, trained.word, trained.name, config, group)
        if solution not in plans:
            plans[solution] = TrainingPlan(
                run=run,
                trained=trained.name,
                solution=Ensure(
                    kind="solution",
                    name=solution,
                    request={
                        "recipeArn": recipe_arn,
                        "performAutoTraining": False,  # the service's default is to train, and bill, every week
                        **({"performHPO": True} if wanted.hpo is not None else {}),
                        **({"solutionConfig": config} if config else {}),
                    },
                    parent=group,
                    since=run.started_at,
                ),
                version=Ensure(
                    kind="solution-version",
                    name=naming.name(settings.prefix, trained.word, solution, run.version),
                    request={},
                    since=run.started_at,
                    afresh=afresh,
                ),
                asks=[],
            )
        plans[solution].asks.append(
            Ask(
                recipe=row.name,
                question=row.question.value,
                campaign=_campaign(settings, run, wanted, training),
                try_events=run.events is not None and run.events.recipe == row.name,
            )
        )
    return list(plans.values())


def _solution_config(settings: Settings, wanted: RecipeSettings, training: Training, *, on_aws: bool) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if training.carries_hyperparameters:
        if wanted.hyperparameters:
            config["algorithmHyperParameters"] = wanted.hyperparameters
        if wanted.featurization:
            config["featureTransformationParameters"] = wanted.featurization
    if wanted.hpo is not None:
        config["hpoConfig"] = _hpo_config(wanted.hpo, training, on_aws=on_aws)
    if training.exclude_metadata:
        # In capitals, as in a dataset's ARN: the only spelling of these keys that is known to be in use.
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


def _campaign(settings: Settings, run: Run, wanted: RecipeSettings, training: Training) -> Ensure:
    row = RECIPES[wanted.recipe]
    config: dict[str, Any] = {}
    if training.exploration_weight is not None:
        config["itemExplorationConfig"] = {"explorationWeight": training.exploration_weight}
    elif wanted.exploration:
        config["itemExplorationConfig"] = wanted.exploration
    # Mode `experiment` deletes its campaigns: those that applications use must be others.
    made_of = (row.name, config, settings.dataset_group_arn, run.mode)
    return Ensure(
        kind="campaign",
        name=naming.name(settings.prefix, row.word, "campaign", *made_of),
        request={"minProvisionedTPS": 1, **({"campaignConfig": config} if config else {})},
        since=run.started_at,
    )


def _in_partition_of(neighbour: str, arn: str) -> str:
    """The table of recipes has the ARNs of the partition `aws`; there are others (`aws-cn`, `aws-eusc`)."""
    return ":".join(["arn", neighbour.split(":")[1], *arn.split(":")[2:]])


def _check_recipe(trained: Recipe, requested: Recipe, *, arn: str, aws: Clients) -> None:
    """On AWS: asks the service whether it still has the recipe, before anything is imported."""
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
