"""One experiment as one construct: all that it needs in an account and region, for any stack of any app.

Nothing here looks at the stack around it: options, tags and accepted findings concern what is below the construct, so
another team's resources, or a second experiment, may be beside it (docs/reuse.md).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from contract import naming
from contract.plan import EventSettings, Settings
from experiments.config import Experiment
from experiments.load import FOLDER, ConfigError, Finding, load
from experiments.settings import evaluation_settings, grown_schemas, recipe_settings, schema_columns
from stacks.acknowledged import acknowledge
from stacks.added_columns import AddedColumns
from stacks.assets import Assets
from stacks.budget import Budget
from stacks.datasets import Datasets
from stacks.encryption import Encryption
from stacks.operations import Operations
from stacks.options import bound, retain, tag
from stacks.permissions import Personalize
from stacks.pipeline import Pipeline
from stacks.recipe_branch import RecipeBranch
from stacks.schedule import Schedule
from stacks.spark_job import SparkJob
from stacks.storage import Storage
from stacks.tasks import Tasks
from stacks.teardown import Teardown

REGIONS = (
    *("us-east-1", "us-east-2", "us-west-2", "ca-central-1", "eu-west-1", "eu-central-1", "eusc-de-east-1"),
    *("ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2"),
)
"""Where CloudFormation has every Personalize type that a stack may declare."""


class PersonalizeExperiment(Construct):
    """Everything that an experiment needs; its attributes are what an app goes on with."""

    experiment: Experiment
    """As it is in the environment."""
    prefix: str
    """What every name of the experiment begins with, in Amazon Personalize too."""
    data_bucket: s3.Bucket
    """Data below `data/`, reports below `reports/`: `python -m data_prep FILE --bucket NAME` publishes into it."""
    log_bucket: s3.Bucket
    """Access logs of the data bucket."""
    service_role: iam.Role
    """With which Amazon Personalize reads the data."""
    state_machine: sfn.StateMachine
    """Started with `{}`, it compares the recipes; its comment documents the input."""
    clean_up_machine: sfn.StateMachine
    """Started with `{}`, it removes what the runs made; CloudFormation starts it when the stack goes."""
    topic: sns.Topic
    """Gets the verdict of every run."""
    dataset_group_arn: str
    dataset_arns: Mapping[str, str]
    """By type: Interactions, Items, Users."""
    filter_arns: Mapping[str, str]
    """By the filter's name in the experiment."""
    tracking_id: str | None
    """For PutEvents; None for an experiment without events."""
    campaign_arns: str
    """Pattern of the ARNs of all campaigns that runs make: what a role is granted that asks them."""
    prepare_job_name: str | None
    """The Glue job; None for an experiment without one."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        experiment: Experiment | str | os.PathLike[str],
        environment: str = naming.DEFAULT_ENVIRONMENT,
    ) -> None:
        """`experiment`: the type, or the path of its YAML file. ConfigError for what cannot be used or deployed.

        Experiment and environment together are the names of everything: one pair once in an account and region.
        """
        super().__init__(scope, construct_id)
        if isinstance(experiment, Experiment):
            file = FOLDER / f"{experiment.name}.yaml"
        else:
            file = Path(experiment)
            experiment = load(file)
        _check_region(cdk.Stack.of(self).region, file)
        experiment = experiment.in_environment(environment)
        options = experiment.stack
        prefix = naming.prefix(experiment.name, environment)
        owner = naming.stack_name(experiment.name, environment)
        encryption = Encryption(self, "Encryption", given=options.kms_key, owner=owner) if options.kms_key else None
        storage = Storage(self, "Storage", encryption=encryption)
        datasets = Datasets(
            self,
            "Datasets",
            experiment=experiment,
            prefix=prefix,
            service_role=storage.service_role,
            encryption=encryption,
        )
        assets = Assets(self, "Assets")
        growing = bool(experiment.schemas.grown)
        if growing:
            AddedColumns(self, "AddedColumns", prefix=prefix, assets=assets, datasets=datasets)
        tasks = Tasks(
            self, "Tasks", experiment=experiment, prefix=prefix, assets=assets, storage=storage, datasets=datasets
        )
        training = RecipeBranch(self, "RecipeBranch", prefix=prefix, tasks=tasks)
        pipeline = Pipeline(
            self,
            "Pipeline",
            settings=_settings(experiment, prefix=prefix, storage=storage, datasets=datasets),
            tasks=tasks,
            training=training,
            notify=experiment.notify,
            key=encryption.key if encryption else None,
        )
        teardown = Teardown(
            self,
            "Teardown",
            prefix=prefix,
            assets=assets,
            datasets=datasets,
            storage=storage,
            pipeline=pipeline,
            growing=growing,
        )
        spark = None
        if experiment.spark_job:
            spark = SparkJob(
                self,
                "SparkJob",
                settings=experiment.spark_job,
                experiment=experiment.name,
                prefix=prefix,
                storage=storage,
            )
        if options.operations:
            Operations(
                self,
                "Operations",
                prefix=prefix,
                assets=assets,
                topic=pipeline.topic,
                tasks=tasks,
                park_in=storage.data if options.park_idle else None,
            )
        if options.budget:
            Budget(self, "Budget", dollars=options.budget, topic=pipeline.topic)
        if options.schedule:
            _run_by_itself(self, options.schedule, machine=pipeline.arn, teardown=teardown)
        acknowledge(self, storage=storage, prefix=prefix, options=options, spark=spark is not None, growing=growing)
        tag(self, {"experiment": experiment.name, "environment": environment, **options.tags})
        if encryption:
            encryption.encrypt_logs(self)
        if options.retain:
            retain(self, roles=[storage.service_role] if encryption else [])
        if options.permissions_boundary:
            bound(self, options.permissions_boundary)

        self.experiment, self.prefix = experiment, prefix
        self.data_bucket, self.log_bucket = storage.data, storage.logs
        self.service_role = storage.service_role
        self.state_machine, self.clean_up_machine = pipeline.machine, teardown.machine
        self.topic = pipeline.topic
        self.dataset_group_arn, self.dataset_arns = datasets.group_arn, datasets.dataset_arns
        self.filter_arns = datasets.filter_arns
        self.tracking_id = datasets.tracker.attr_tracking_id if datasets.tracker else None
        self.campaign_arns = Personalize(self, prefix).named("campaign")
        self.prepare_job_name = spark.job.ref if spark else None


def _run_by_itself(scope: Construct, expression: str, *, machine: str, teardown: Teardown) -> None:
    """A run with no input: it imports and trains what it does not find, so nothing where nothing is new."""
    schedule = Schedule(
        scope,
        "Schedule",
        description="Compares the recipes again, with what was published since",
        expression=expression,
        target_arn=machine,
        action="states:StartExecution",
        given={},
    )
    schedule.node.add_dependency(teardown)  # deleted before it, so that no run begins while its traces are removed


def _settings(experiment: Experiment, *, prefix: str, storage: Storage, datasets: Datasets) -> Settings:
    """What the first state is told; ARNs are tokens that CloudFormation fills in."""
    events = None
    if experiment.events and experiment.events.try_recipe and datasets.tracker:
        events = EventSettings(recipe=experiment.events.try_recipe, tracking_id=datasets.tracker.attr_tracking_id)
    return Settings(
        experiment=experiment.name,
        prefix=prefix,
        bucket=storage.data.bucket_name,
        dataset_group_arn=datasets.group_arn,
        dataset_arns=datasets.dataset_arns,
        schema_columns=schema_columns(experiment),
        service_role_arn=storage.service_role.role_arn,
        recipes=[recipe_settings(choice) for choice in experiment.recipes],
        evaluation=evaluation_settings(experiment),
        mode=experiment.mode,
        events=events,
        max_cost=experiment.max_cost,
        grown_schemas=grown_schemas(experiment, group=datasets.group_name),
        description=experiment.description,
    )


def _check_region(region: str, file: Path) -> None:
    """Before anything is deployed where the service, or its CloudFormation types, do not exist."""
    if cdk.Token.is_unresolved(region) or region in REGIONS:
        return
    raise ConfigError(
        [
            Finding(
                file=file,
                line=None,
                field="",
                problem=f"cannot be deployed to {region}: CloudFormation has no Amazon Personalize there",
                hint=f"Choose one of {', '.join(REGIONS)}",
            )
        ]
    )
