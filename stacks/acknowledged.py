"""Every finding of cdk-nag that we accept, and why.

All are wildcards in a role's resources (AwsSolutions-IAM5). A row names the constructs it is accepted for, so that
another role with the same wildcard is a finding again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from experiments.options import StackOptions
from stacks.storage import Storage


@dataclass(frozen=True, kw_only=True)
class _Accepted:
    resource: str
    """`{data}`, `{logs}`: a bucket's ARN; `{personalize}`, `{states}`: how ARNs of that service begin."""
    roles: tuple[str, ...]
    """Paths of the constructs below the experiment's."""
    why: str


_BY_DATA = "the version of the data is part of the key, and known only at run time"
_BY_RUN = "the run's id is part of the key, and known only at run time"
_BY_NAME = "the pipeline makes it at run time; its name begins with the experiment's own prefix"
_BY_GROUP = "the datasets of this group and of one that it replaces, which is cleaned later"


def _tasks(*names: str) -> tuple[str, ...]:
    return tuple(f"Tasks/{name}/Role" for name in names)


_ACCEPTED = (
    _Accepted(
        resource="{data}/data/*",
        roles=("Storage/ServiceRole", *_tasks("Ask", "TryEvents", "Judge", "JudgeBaselines")),
        why=_BY_DATA,
    ),
    _Accepted(resource="{data}/data/*/titles.csv", roles=_tasks("Compare"), why=_BY_DATA),
    _Accepted(resource="{data}/data/*/past/*", roles=_tasks("EstimateCost"), why=_BY_DATA),
    _Accepted(
        resource="{data}/runs/*/plan.json", roles=_tasks("CheckData", "EstimateCost", "Weigh", "Compare"), why=_BY_RUN
    ),
    _Accepted(resource="{data}/runs/*/costs.json", roles=_tasks("EstimateCost", "Compare"), why=_BY_RUN),
    _Accepted(resource="{data}/runs/*/answers/*", roles=_tasks("Ask", "Judge"), why=_BY_RUN),
    _Accepted(
        resource="{data}/runs/*/judged/*", roles=_tasks("Judge", "JudgeBaselines", "Weigh", "Compare"), why=_BY_RUN
    ),
    _Accepted(resource="{data}/runs/*/events.json", roles=_tasks("TryEvents", "Compare"), why=_BY_RUN),
    _Accepted(resource="{data}/reports/*/report.json", roles=_tasks("Compare", "Report"), why=_BY_RUN),
    _Accepted(resource="{data}/reports/*/report.html", roles=_tasks("Report"), why=_BY_RUN),
    _Accepted(resource="{personalize}:dataset-import-job/{prefix}-*", roles=_tasks("EnsureImport"), why=_BY_NAME),
    _Accepted(
        resource="{personalize}:solution/{prefix}-*",
        roles=(
            *_tasks("EnsureSolution", "EnsureVersion", "EnsureCampaign", "ServiceMetrics"),
            "Teardown/CleanUp/Role",
        ),
        why=_BY_NAME,
    ),
    _Accepted(
        resource="{personalize}:campaign/{prefix}-*",
        roles=(
            *_tasks("ChooseCampaign", "EnsureCampaign", "Ask", "TryEvents", "Release"),
            "Teardown/CleanUp/Role",
        ),
        why=_BY_NAME,
    ),
    _Accepted(resource="{personalize}:filter/{prefix}-*", roles=("Teardown/CleanUp/Role",), why=_BY_NAME),
    _Accepted(
        resource="{personalize}:event-tracker/*",
        roles=("Teardown/CleanUp/Role",),
        why="a tracker's ARN holds an id that the service chose; only those of the dataset group are deleted",
    ),
    _Accepted(
        resource="*",
        roles=(*_tasks("EnsureImport", "EnsureVersion"), "Teardown/CleanUp/Role"),
        why="List actions of Amazon Personalize know no resource",
    ),
    _Accepted(resource="*", roles=_tasks("TryEvents"), why="PutEvents knows no resource"),
    _Accepted(
        resource="*",
        roles=("RecipeBranch/Training/Role", "Pipeline/Main/Role", "Teardown/Machine/Role"),
        why="X-Ray and log delivery know no resource (Step Functions developer guide)",
    ),
    _Accepted(
        resource="{states}:execution:{prefix}-training:*",
        roles=("Pipeline/Main/Role",),
        why="executions of the training machine, which this machine starts, follows and stops",
    ),
    _Accepted(
        resource="{states}:execution:{prefix}-main:*",
        roles=("Teardown/CleanUp/Role",),
        why="executions of the main machine, which are stopped when their dataset group is deleted",
    ),
    *(
        _Accepted(
            resource=f"{{{bucket}}}/*", roles=("Teardown/EmptyBucket/Role",), why="all objects of a bucket are deleted"
        )
        for bucket in ("data", "logs")
    ),
)
_OF_SPARK_JOB = (
    _Accepted(
        resource="{data}/raw/*", roles=("SparkJob/Role",), why="the files that the user puts there have any names"
    ),
    _Accepted(
        resource="{data}/scratch/*", roles=("SparkJob/Role",), why="Spark names its files, which are gone afterwards"
    ),
    _Accepted(resource="{data}/data/*", roles=("SparkJob/Role",), why=_BY_DATA),
    _Accepted(
        resource="*", roles=("SparkJob/Role",), why="glue:GetSecurityConfiguration knows no resource; it only reads"
    ),
)
"""With the Glue job."""


_OF_OPERATIONS = (
    _Accepted(resource="*", roles=("Operations/Trace",), why="X-Ray knows no resource"),
    _Accepted(
        resource="*",
        roles=("Operations/WatchCampaigns/Role",),
        why="neither ListCampaigns of Amazon Personalize nor GetMetricData of CloudWatch knows a resource",
    ),
)
"""With the option `operations`."""
_OF_PARKING = (
    _Accepted(resource="{personalize}:campaign/{prefix}-*", roles=("Operations/WatchCampaigns/Role",), why=_BY_NAME),
)
"""With `park_idle`."""


_OF_GROWING = (
    _Accepted(
        resource="{personalize}:schema/{prefix}-group-*",
        roles=(*_tasks("AddColumns"), "AddedColumns/DeleteSchemas/Role"),
        why=_BY_NAME,
    ),
    _Accepted(resource="{personalize}:dataset/{prefix}-*", roles=("Teardown/CleanUp/Role",), why=_BY_GROUP),
    _Accepted(resource="*", roles=("AddedColumns/DeleteSchemas/Role",), why="ListSchemas knows no resource"),
)
"""With columns that are added."""


def acknowledge(
    scope: Construct, *, storage: Storage, prefix: str, options: StackOptions, spark: bool, growing: bool
) -> None:
    """Accept the findings above in that experiment's construct.

    `spark`: it has a Spark job; `growing`: its datasets get new columns.
    """
    stack = cdk.Stack.of(scope)
    words = {
        "data": f"<{_logical_id(stack, storage.data)}.Arn>",
        "logs": f"<{_logical_id(stack, storage.logs)}.Arn>",
        "personalize": _service("personalize", stack),
        "states": _service("states", stack),
        "prefix": prefix,
    }
    optional = (
        *(_OF_OPERATIONS if options.operations else ()),
        *(_OF_PARKING if options.park_idle else ()),
        *(_OF_SPARK_JOB if spark else ()),
        *(_OF_GROWING if growing else ()),
    )
    for row in (*_ACCEPTED, *optional):
        finding = f"AwsSolutions-IAM5[Resource::{row.resource.format(**words)}]"
        for role in _constructs(scope, row.roles):
            cdk.Validations.of(role).acknowledge(cdk.Acknowledgment(id=finding, reason=row.why))


def _service(service: str, stack: cdk.Stack) -> str:
    """As cdk-nag writes the beginning of an ARN, tokens in angle brackets."""
    region = "<AWS::Region>" if cdk.Token.is_unresolved(stack.region) else stack.region
    account = "<AWS::AccountId>" if cdk.Token.is_unresolved(stack.account) else stack.account
    partition = "<AWS::Partition>" if cdk.Token.is_unresolved(stack.partition) else stack.partition
    return f"arn:{partition}:{service}:{region}:{account}"


def _logical_id(stack: cdk.Stack, bucket: s3.Bucket) -> str:
    return stack.get_logical_id(cast(cdk.CfnElement, bucket.node.default_child))


def _constructs(scope: Construct, paths: tuple[str, ...]) -> Iterator[Construct]:
    for path in paths:
        found = scope
        for part in path.split("/"):
            found = cast(Construct, found.node.find_child(part))
        yield found
