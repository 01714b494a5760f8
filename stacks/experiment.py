"""One experiment as one stack of its own: the construct, a description, and outputs that say where things are."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from contract import naming
from experiments.config import Experiment
from stacks.personalize_experiment import PersonalizeExperiment

_WHOLE = "Default"
"""This id is no part of logical ids: resources have the names that they would have directly in the stack."""


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
        made = PersonalizeExperiment(self, _WHOLE, experiment=experiment, environment=environment)
        if made.prepare_job_name:
            self._say(
                "PrepareJobName", made.prepare_job_name, "The Glue job that prepares the data below raw/ of the bucket"
            )
        self._say("DataBucketName", made.data_bucket.bucket_name, "Where data and reports lie")
        self._say("ServiceRoleArn", made.service_role.role_arn, "With it Amazon Personalize reads the data")
        self._say("StateMachineArn", made.state_machine.state_machine_arn, "Start it with {} to compare the recipes")
        self._say("DatasetGroupArn", made.dataset_group_arn, "The dataset group in Amazon Personalize")
        self._say("NotificationTopicArn", made.topic.topic_arn, "Gets the verdict of every run")
        self._say(
            "CleanUpMachineArn",
            made.clean_up_machine.state_machine_arn,
            "Start it with {} to remove what the pipeline made",
        )
        if made.tracking_id:
            self._say("TrackingId", made.tracking_id, "For PutEvents")

    def _say(self, name: str, value: str, description: str) -> None:
        cdk.CfnOutput(self, name, value=value, description=description)
