"""Proves that `cdk destroy` left nothing in the local cloud and in the engine.

Both were empty before; then only the CDK's bootstrap stack was made. So whatever is there at the end and is not a
resource of that stack was made by the experiment's stack or by its runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from local_cloud.services import LocalCloud

Client = Callable[[str], Any]
"""A boto3 client by its service's name."""
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
    return [entry for entry in listed(cloud.client) if entry.rpartition(" ")[2] not in expected]


def listed(client: Client) -> list[str]:
    """Everything in an account and region that a stack, or a run of it, can make: "kind name", sorted."""
    return sorted(f"{kind} {name}" for kind, names in _kinds(client).items() for name in names())


def _kinds(client_of: Client) -> dict[str, Callable[[], Iterable[str]]]:
    def all_of(service: str, method: str, member: str, name: str, **arguments: Any) -> Callable[[], Iterable[str]]:
        def names() -> Iterable[str]:
            client = client_of(service)
            if not client.can_paginate(method):
                rows = getattr(client, method)(**arguments)[member]
                yield from (str(row[name]) for row in rows)
                return
            for page in client.get_paginator(method).paginate(**arguments):
                yield from (str(row[name]) for row in page[member])

        return names

    made: dict[str, Callable[[], Iterable[str]]] = {
        "bucket": all_of("s3", "list_buckets", "Buckets", "Name"),
        "role": all_of("iam", "list_roles", "Roles", "RoleName"),
        "policy": all_of("iam", "list_policies", "Policies", "PolicyName", Scope="Local"),
        "function": all_of("lambda", "list_functions", "Functions", "FunctionName"),
        "layer": all_of("lambda", "list_layers", "Layers", "LayerName"),
        "state machine": all_of("stepfunctions", "list_state_machines", "stateMachines", "name"),
        "log group": all_of("logs", "describe_log_groups", "logGroups", "logGroupName"),
        "topic": all_of("sns", "list_topics", "Topics", "TopicArn"),
        "parameter": all_of("ssm", "describe_parameters", "Parameters", "Name"),
        "alarm": all_of("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        "dashboard": all_of("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
        "rule": all_of("events", "list_rules", "Rules", "Name"),
        "queue": lambda: client_of("sqs").list_queues().get("QueueUrls", []),
        "stack": _stacks(client_of),
    }
    for kind, (method, member) in PERSONALIZE.items():
        made[f"Personalize {kind}"] = all_of("personalize", method, member, f"{kind}Arn")
    return made


def _stacks(client_of: Client) -> Callable[[], Iterable[str]]:
    def names() -> Iterable[str]:
        pages = client_of("cloudformation").get_paginator("list_stacks").paginate()
        for page in pages:
            yield from (row["StackName"] for row in page["StackSummaries"] if row["StackStatus"] != "DELETE_COMPLETE")

    return names
