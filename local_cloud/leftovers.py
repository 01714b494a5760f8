"""Proves that `cdk destroy` left nothing: compares what the local cloud and the engine hold before and after.

The stack was deployed to an empty engine and to an account in which only the CDK's bootstrap stack existed, so
whatever is there afterwards and was not there before belongs to the experiment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from local_cloud.services import LocalCloud

PERSONALIZE = (
    "campaigns",
    "recommenders",
    "solutions",
    "event_trackers",
    "filters",
    "datasets",
    "dataset_groups",
    "schemas",
    "metric_attributions",
)


def inventory(cloud: LocalCloud) -> set[str]:
    """Everything there is that a stack, or a run of it, can make: "kind name", one each."""
    return {f"{kind} {name}" for kind, names in _kinds(cloud).items() for name in names()}


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
        "alarm": listed("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        "dashboard": listed("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
        "rule": listed("events", "list_rules", "Rules", "Name"),
        "queue": lambda: cloud.client("sqs").list_queues().get("QueueUrls", []),
        "stack": _stacks(cloud),
    }
    for kind in PERSONALIZE:
        member = kind.split("_")[0] + "".join(word.title() for word in kind.split("_")[1:])
        arn = (member[:-1]) + "Arn"
        made[f"Personalize {kind.replace('_', ' ')}"] = listed("personalize", f"list_{kind}", member, arn)
    return made


def _stacks(cloud: LocalCloud) -> Callable[[], Iterable[str]]:
    def names() -> Iterable[str]:
        pages = cloud.client("cloudformation").get_paginator("list_stacks").paginate()
        for page in pages:
            yield from (row["StackName"] for row in page["StackSummaries"] if row["StackStatus"] != "DELETE_COMPLETE")

    return names
