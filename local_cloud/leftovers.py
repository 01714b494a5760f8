"""Proves that `cdk destroy` left nothing in the local cloud and in the engine.

Both were empty before; then only the CDK's bootstrap stack was made. So whatever is there at the end and is not a
resource of that stack was made by the experiment's stack or by its runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from local_cloud.services import LocalCloud

PERSONALIZE = {
    "campaign": ("list_campaigns", "campaigns"),
    "dataset": ("list_datasets", "datasets"),
    "datasetGroup": ("list_dataset_groups", "datasetGroups"),
    "datasetImportJob": ("list_dataset_import_jobs", "datasetImportJobs"),
    "eventTracker": ("list_event_trackers", "eventTrackers"),
    "filter": ("list_filters", "Filters"),
    "schema": ("list_schemas", "schemas"),
    "solution": ("list_solutions", "solutions"),
    "solutionVersion": ("list_solution_versions", "solutionVersions"),
}
"""By kind: the call that lists it, and the member of the answer (the service writes one of them with a capital)."""
BOOTSTRAP = "CDKToolkit"


def leftovers(cloud: LocalCloud) -> list[str]:
    """Everything there is that a stack, or a run of it, can make: "kind name", without the bootstrap stack's."""
    pages = cloud.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=BOOTSTRAP)
    expected = {row["PhysicalResourceId"] for page in pages for row in page["StackResourceSummaries"]} | {BOOTSTRAP}
    return sorted(f"{kind} {name}" for kind, names in _kinds(cloud).items() for name in names() if name not in expected)


def _kinds(cloud: LocalCloud) -> dict[str, Callable[[], Iterable[str]]]:
    def listed(service: str, method: str, member: str, name: str, **arguments: Any) -> Callable[[], Iterable[str]]:
        def names() -> Iterable[str]:
            client = cloud.client(service)
            if not client.can_paginate(method):
                rows = getattr(client, method)(**arguments)[member]
                yield from (str(row[name]) for row in rows)
                return
            for page in client.get_paginator(method).paginate(**arguments):
                yield from (str(row[name]) for row in page[member])

        return names

    made: dict[str, Callable[[], Iterable[str]]] = {
        "bucket": listed("s3", "list_buckets", "Buckets", "Name"),
        "role": listed("iam", "list_roles", "Roles", "RoleName"),
        "policy": listed("iam", "list_policies", "Policies", "PolicyName", Scope="Local"),
        "function": listed("lambda", "list_functions", "Functions", "FunctionName"),
        "layer": listed("lambda", "list_layers", "Layers", "LayerName"),
        "state machine": listed("stepfunctions", "list_state_machines", "stateMachines", "name"),
        "log group": listed("logs", "describe_log_groups", "logGroups", "logGroupName"),
        "topic": listed("sns", "list_topics", "Topics", "TopicArn"),
        "parameter": listed("ssm", "describe_parameters", "Parameters", "Name"),
        "alarm": listed("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        "dashboard": listed("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
        "rule": listed("events", "list_rules", "Rules", "Name"),
        "queue": lambda: cloud.client("sqs").list_queues().get("QueueUrls", []),
        "stack": _stacks(cloud),
    }
    for kind, (method, member) in PERSONALIZE.items():
        made[f"Personalize {kind}"] = listed("personalize", method, member, f"{kind}Arn")
    return made


def _stacks(cloud: LocalCloud) -> Callable[[], Iterable[str]]:
    def names() -> Iterable[str]:
        pages = cloud.client("cloudformation").get_paginator("list_stacks").paginate()
        for page in pages:
            yield from (row["StackName"] for row in page["StackSummaries"] if row["StackStatus"] != "DELETE_COMPLETE")

    return names
