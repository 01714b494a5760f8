"""What makes `cdk destroy` leave nothing behind: the clean-up machine and the custom resources that start it.

CloudFormation cannot delete a dataset group while the pipeline's solutions exist, nor a bucket with objects in it. Two
kinds of custom resource stand for them. Each depends on all that it needs or cleans up in, so that it is deleted
first; its Delete starts the machine, and the machine's last state, or its Catch, answers CloudFormation. No waiting
function is needed in between, and none of CDK's own (they are Node code, which the local cloud cannot run).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct, IDependable

from contract.plan import DONE
from stacks.assets import Assets
from stacks.datasets import Datasets
from stacks.options import CLEAN_UP
from stacks.permissions import Personalize, allow
from stacks.pipeline import Pipeline
from stacks.states import ALL_ERRORS, Machine, call, wait
from stacks.storage import Storage
from stacks.task_function import Task, TaskFunction

PAUSE = 5
"""Seconds between two passes."""
_COMMENT = (
    "Remove what the pipeline made: campaigns, solutions, trainings in progress. Started with {} it cleans this stack's"
    " dataset group and leaves what CloudFormation owns; CloudFormation starts it when the stack is destroyed."
)


class Teardown(Construct):
    """The machine and the custom resources."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        prefix: str,
        assets: Assets,
        datasets: Datasets,
        storage: Storage,
        pipeline: Pipeline,
        growing: bool = False,
    ) -> None:
        """`growing`: runs add columns to datasets."""
        super().__init__(scope, construct_id)
        cleaning = _cleaning(Personalize(self, prefix), pipeline, growing=growing)
        clean_up = TaskFunction(self, "CleanUp", task=cleaning, assets=assets)
        empty = TaskFunction(self, "EmptyBucket", task=_emptying([storage.data, storage.logs]), assets=assets)
        answer = TaskFunction(self, "Answer", task=_ANSWERING, assets=assets)
        machine = Machine(
            self,
            "Machine",
            name=f"{prefix}-clean-up",
            comment=_COMMENT,
            start=_definition(self, datasets, pipeline, clean_up=clean_up, empty=empty, answer=answer, growing=growing),
            timeout=cdk.Duration.hours(2),
            functions=[clean_up, empty, answer],
        )
        self.machine = machine.machine
        self.arn = machine.arn
        start = TaskFunction(self, "StartCleanUp", task=_starting(self.arn), assets=assets)
        needed = [clean_up, empty, answer, start, machine, datasets, storage, pipeline]
        self._resource(
            "DatasetGroup", start, kind="dataset-group", subject=datasets.group_arn, keep=datasets.owned, needed=needed
        )
        for name, bucket in (("DataBucket", storage.data), ("LogBucket", storage.logs)):
            self._resource(name, start, kind="bucket", subject=bucket.bucket_name, keep=[], needed=needed)

    def _resource(
        self,
        name: str,
        start: TaskFunction,
        *,
        kind: str,
        subject: str,
        keep: list[str],
        needed: Sequence[IDependable],
    ) -> None:
        resource = cdk.CustomResource(
            self,
            name,
            service_token=start.arn,
            service_timeout=cdk.Duration.hours(1),
            resource_type=CLEAN_UP,
            properties={"Kind": kind, "Subject": subject, "Keep": keep},
        )
        resource.node.add_dependency(*needed)


def _cleaning(personalize: Personalize, pipeline: Pipeline, *, growing: bool) -> Task:
    lists = ("Solutions", "SolutionVersions", "Campaigns", "Filters", "EventTrackers", "Datasets", "DatasetImportJobs")
    return Task(
        module="cleanup",
        purpose="Removes what the pipeline made in a dataset group",
        statements=[
            allow([f"personalize:List{kind}" for kind in lists], "*"),
            *([allow(["personalize:DescribeDataset"], personalize.named("dataset"))] if growing else []),
            allow(
                ["personalize:StopSolutionVersionCreation", "personalize:DeleteSolution"],
                personalize.named("solution"),
            ),
            allow(["personalize:DeleteCampaign"], personalize.named("campaign")),
            allow(["personalize:DeleteFilter"], personalize.named("filter")),
            allow(["personalize:DeleteEventTracker"], personalize.any("event-tracker")),
            allow(["states:ListExecutions"], pipeline.arn),
            allow(["states:DescribeStateMachineForExecution", "states:StopExecution"], pipeline.executions),
        ],
        minutes=5,
    )


def _emptying(buckets: Sequence[s3.Bucket]) -> Task:
    return Task(
        module="empty_bucket",
        purpose="Empties a bucket of this stack",
        statements=[
            allow(
                ["s3:ListBucket", "s3:GetBucketPolicy", "s3:PutBucketPolicy"],
                *(bucket.bucket_arn for bucket in buckets),
            ),
            allow(["s3:DeleteObject"], *(bucket.arn_for_objects("*") for bucket in buckets)),
        ],
        minutes=15,
    )


_ANSWERING = Task(module="answer", purpose="Answers CloudFormation", statements=[])


def _starting(machine_arn: str) -> Task:
    return Task(
        module="start_cleanup",
        purpose="Starts the clean-up when CloudFormation deletes what is to be cleaned",
        statements=[allow(["states:StartExecution"], machine_arn)],
        environment={"STATE_MACHINE_ARN": machine_arn},
    )


def _definition(
    scope: Construct,
    datasets: Datasets,
    pipeline: Pipeline,
    *,
    clean_up: TaskFunction,
    empty: TaskFunction,
    answer: TaskFunction,
    growing: bool,
) -> sfn.IChainable:
    own_group: dict[str, Any] = {"kind": "dataset-group", "subject": datasets.group_arn, "keep": datasets.owned}
    own = sfn.Pass(scope, "Take this stack's dataset group", parameters=own_group)
    finish, fail = _answers(scope, answer)
    clean = call(
        scope,
        "Clean up the dataset group",
        clean_up,
        comment="One pass: stop and delete what can be stopped and deleted now",
        payload={
            "subject.$": "$.subject",
            "machine": pipeline.arn,
            "keep.$": "$.keep",
            **({"growing": True} if growing else {}),
            "started_at.$": "$$.Execution.StartTime",
        },
        result_path="$.cleaned",
    )
    emptied = call(
        scope,
        "Empty the bucket",
        empty,
        comment="As much as fits into a function's time",
        payload={"subject.$": "$.subject"},
        result_path="$.cleaned",
    )
    for task, thing in ((clean, "group"), (emptied, "bucket")):
        task.add_catch(fail, errors=ALL_ERRORS, result_path="$.error")
        task.next(
            sfn.Choice(scope, f"Is the {thing} clean?")
            .when(sfn.Condition.string_equals("$.cleaned.status", DONE), finish)
            .otherwise(wait(scope, f"Wait for the {thing}", PAUSE).next(task))
        )
    kind = (
        sfn.Choice(scope, "What is to be cleaned?")
        .when(sfn.Condition.string_equals("$.kind", "bucket"), emptied)
        .otherwise(clean)
    )
    return (
        sfn.Choice(scope, "Was it told what to clean?")
        .when(sfn.Condition.is_present("$.kind"), kind)
        .otherwise(own.next(clean))
    )


def _answers(scope: Construct, answer: TaskFunction) -> tuple[sfn.Choice, sfn.Choice]:
    """The two ends, with an answer to CloudFormation if it asked."""
    asked = sfn.Condition.is_present("$.request.ResponseURL")
    clean = sfn.Succeed(scope, "Clean")
    not_clean = sfn.Fail(scope, "Not clean", error="CleanUpFailed", cause_path="States.JsonToString($.error)")
    say_done = call(
        scope,
        "Answer CloudFormation",
        answer,
        comment="It goes on with deleting the stack",
        payload={"request.$": "$.request"},
        result_path="$.answered",
    )
    say_failed = call(
        scope,
        "Tell CloudFormation of the failure",
        answer,
        comment="It stops deleting and shows the reason",
        payload={"request.$": "$.request", "error.$": "States.JsonToString($.error)"},
        result_path="$.answered",
    )
    finish = sfn.Choice(scope, "Does CloudFormation wait?").when(asked, say_done.next(clean)).otherwise(clean)
    fail = (
        sfn.Choice(scope, "Does CloudFormation wait for this?")
        .when(asked, say_failed.next(not_clean))
        .otherwise(not_clean)
    )
    return finish, fail
