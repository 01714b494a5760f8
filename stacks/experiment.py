"""One experiment as one stack: it composes the constructs, tags them, and says where things are."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from contract import naming
from contract.plan import EventSettings, Settings
from experiments.config import Experiment
from experiments.load import FOLDER, ConfigError, Finding
from experiments.settings import evaluation_settings, recipe_settings, schema_columns
from stacks.acknowledged import acknowledge
from stacks.assets import Assets
from stacks.budget import Budget
from stacks.datasets import Datasets
from stacks.encryption import Encryption
from stacks.operations import Operations
from stacks.options import bound, retain, tag
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


class ExperimentStack(cdk.Stack):
    """Everything that an experiment needs in one account and region."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        experiment: Experiment,
        environment: str = naming.DEFAULT_ENVIRONMENT,
        env: cdk.Environment | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env=env,
            stack_name=naming.stack_name(experiment.name, environment),
            description=f"personalize-cdk: {experiment.description or experiment.name}"[:1024],
        )
        _check_region(self.region, experiment)
        experiment = experiment.in_environment(environment)
        options = experiment.stack
        prefix = naming.prefix(experiment.name, environment)
        encryption = Encryption(self, "Encryption", given=options.kms_key) if options.kms_key else None
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
            self, "Teardown", prefix=prefix, assets=assets, datasets=datasets, storage=storage, pipeline=pipeline
        )
        if experiment.spark_job:
            spark = SparkJob(
                self,
                "SparkJob",
                settings=experiment.spark_job,
                experiment=experiment.name,
                prefix=prefix,
                storage=storage,
            )
            self._say("PrepareJobName", spark.job.ref, "The Glue job that prepares the data below raw/ of the bucket")
        self._say("DataBucketName", storage.data.bucket_name, "Where data and reports lie")
        self._say("ServiceRoleArn", storage.service_role.role_arn, "With it Amazon Personalize reads the data")
        self._say("StateMachineArn", pipeline.arn, "Start it with {} to compare the recipes")
        self._say("DatasetGroupArn", datasets.group_arn, "The dataset group in Amazon Personalize")
        self._say("NotificationTopicArn", pipeline.topic.topic_arn, "Gets the verdict of every run")
        self._say("CleanUpMachineArn", teardown.arn, "Start it with {} to remove what the pipeline made")
        if datasets.tracker:
            self._say("TrackingId", datasets.tracker.attr_tracking_id, "For PutEvents")
        if options.operations:
            Operations(self, "Operations", prefix=prefix, assets=assets, topic=pipeline.topic, tasks=tasks)
        if options.budget:
            Budget(self, "Budget", dollars=options.budget, topic=pipeline.topic)
        if options.schedule:
            _run_by_itself(self, options.schedule, machine=pipeline.arn, teardown=teardown)
        acknowledge(
            self, storage=storage, prefix=prefix, operations=options.operations, spark=experiment.spark_job is not None
        )
        tag(self, {"experiment": experiment.name, "environment": environment, **options.tags})
        if encryption:
            encryption.encrypt_logs(self)
        if options.retain:
            retain(self, roles=[storage.service_role] if encryption else [])
        if options.permissions_boundary:
            bound(self, options.permissions_boundary)

    def _say(self, name: str, value: str, description: str) -> None:
        cdk.CfnOutput(self, name, value=value, description=description)


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
    )


def _check_region(region: str, experiment: Experiment) -> None:
    """Before anything is deployed where the service, or its CloudFormation types, do not exist."""
    if cdk.Token.is_unresolved(region) or region in REGIONS:
        return
    raise ConfigError(
        [
            Finding(
                file=FOLDER / f"{experiment.name}.yaml",
                line=None,
                field="",
                problem=f"cannot be deployed to {region}: CloudFormation has no Amazon Personalize there",
                hint=f"Choose one of {', '.join(REGIONS)}",
            )
        ]
    )
