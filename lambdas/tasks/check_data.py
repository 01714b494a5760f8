"""The first state: reads the input and the manifest of the published data, and plans the run.

Every name in the plan carries a digest of all that the resource is made from, so that a later run with equal inputs
finds what this one makes, and changed inputs make something new.

Calls: s3:GetObject data/manifest.json and serving/parked.json, s3:ListBucket (so that a missing manifest is told from a
forbidden one), s3:PutObject runs/*/plan.json; on AWS also personalize:DescribeRecipe of the recipes.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from contract import layout, naming
from contract.as_json import from_json, to_json
from contract.manifest import Manifest
from contract.plan import (
    AddColumns,
    CheckData,
    Ensure,
    EvaluationSettings,
    Options,
    Plan,
    RecipeSettings,
    Run,
    Settings,
)
from costs.work import Work, work_of
from lambdas import parking
from lambdas.aws import Clients, NoSuchObject
from lambdas.errors import BadInput, DataMismatch, DataMissing
from lambdas.kinds import KINDS, arn_of
from lambdas.task import task
from lambdas.trainings import check_recipes, trainings

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
            ablation=settings.evaluation.ablation,
            category=settings.evaluation.category,
        ),
        events=events,
        description=settings.description,
    )
    plan = Plan(
        run=run,
        imports=[_import(settings, run, kind, key=file.key) for kind, file in manifest.files.past.items()],
        trainings=trainings(settings, run, recipes, afresh=options.train_afresh),
        columns=[
            AddColumns(dataset_arn=settings.dataset_arns[kind], schema=schema, since=run.started_at, run_id=run.run_id)
            for kind, schema in settings.grown_schemas.items()
        ],
    )
    if run.backend == "aws":
        check_recipes(plan.trainings, aws=aws)
    if mode == "serve":
        _check_parked(plan, settings, aws)
    kept = {"plan": plan, "manifest": manifest, "work": _work(settings, run, recipes, options)}
    aws.write_json(run.bucket, layout.plan(run.run_id), {name: to_json(value) for name, value in kept.items()})
    return plan


handler = task(CheckData, check_data)


def _work(settings: Settings, run: Run, recipes: list[RecipeSettings], options: Options) -> Work:
    """What would be billed on AWS, where retired recipes have successors, whatever the run trains here."""
    plans = trainings(settings, replace(run, backend="aws"), recipes, afresh=options.train_afresh)
    region = settings.dataset_group_arn.split(":")[3]
    limit = settings.max_cost if options.max_cost is None else options.max_cost
    return work_of(run, plans, region=region, max_cost=limit)


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
    if options.max_cost is not None and not 0 < options.max_cost < math.inf:
        raise BadInput(f"input.max_cost is {options.max_cost}; it must be a number of US dollars above 0")
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


def _check_parked(plan: Plan, settings: Settings, aws: Clients) -> None:
    """What is parked cannot be weighed against, so a new version would be served whatever it is worth."""
    noted = parking.parked(settings.bucket, aws)
    wanted = {
        arn_of(ask.campaign.name, row=KINDS["campaign"], beside=settings.dataset_group_arn): ask.subject
        for training in plan.trainings
        for ask in training.asks
    }
    if found := sorted(subject for arn, subject in wanted.items() if arn in noted):
        raise BadInput(
            f"the campaign of {', '.join(found)} is parked, so that a new version could not be compared with what it"
            f" served: `make unpark EXPERIMENT={settings.experiment}` first, or run with other `recipes`, or in mode"
            " experiment"
        )


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
        run_id=run.run_id,
    )
